"""What an expert may read of an application: the one way to it, and blind where the programme declares it so."""

from __future__ import annotations

from typing import Any

from huisuan.base.errors import NotAllowed, NotFound
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.programmes.models import Application, ApplicationSubmission, PanelSeat
from huisuan.programmes.review.plan import plan_of
from huisuan.programmes.scoring.identity import bears_a_name, identity_names, mask_names
from huisuan.programmes.submissions.consented import is_closed_to_readers


def review_material(seat: PanelSeat) -> dict[str, Any]:
    """What the application in front of a seat says: facts with their labels, task, files by number.

    Blind, nothing of it names the applicant: no party, no person, no file name. Ask only for a seat that
    `open_seat` gave: it looks at conflicts.
    """
    application, made = seat.application, _last_submission(seat.application)
    labels, blind = _labels(application), plan_of(application).blind
    names = identity_names(application) if blind else ()
    call = application.call
    found: dict[str, Any] = {
        "number": application.number, "programme": application.edition.key,
        "title": application.edition.content["title"], "blind": blind,
        "task": {"code": made.task, "name": call.tasks.get(made.task, "") if call else ""},
        "facts": [
            {"name": name, "label": labels.get(name, name), "text": mask_names(text, names)}
            for name, text in made.facts.items()
        ],
        "known": [
            {"name": name, "label": labels.get(name, name), **mask_names(said, names)}
            for name, said in made.known.items()
        ],
        # a contract or a project leads to who has it
        "objects": [{"kind": each["kind"], "code": "" if blind else each["code"]} for each in made.named],
        "files": [
            {
                "number": number, "fact": labels.get(file["fact"], ""), "media_type": file["media_type"],
                "name": f"材料 {number}" if blind else file["filename"], "size": file["size"],
            }
            for number, file in enumerate(made.evidence, start=1)
        ],
    }  # fmt: skip
    return found if blind else found | {"applicant": str(application.party or application.city)}


def review_file(seat: PanelSeat, number: int) -> tuple[str, str, bytes]:
    """A file of the application in front of a seat: name, media type, content; blind, under a neutral name.

    Raises:
        NotFound: no file of that number, or the person whom the claim is about took the consent back.
        NotAllowed: the review is blind, and the file says who applies, or cannot be read to its end.
        Unavailable: its content is not in the store.
    """
    application, files = seat.application, _last_submission(seat.application).evidence
    if not 1 <= number <= len(files):
        raise NotFound(f"{application.number} 没有第 {number} 份材料，共 {len(files)} 份", code="review.file_unknown")
    if is_closed_to_readers(application):
        raise NotFound(f"{application.number} 的材料不再提供：本人已撤回同意", code="review.file_closed")
    file = files[number - 1]
    content = load_evidence(file["sha256"])
    if not plan_of(application).blind:
        return file["filename"], file["media_type"], content
    if bears_a_name(content, identity_names(application)):
        raise NotAllowed(
            f"{application.number} 的材料 {number} 写有申报单位或其人员的名称，或不能全部读成文字，匿名评审不能提供："
            "请组织评审的单位让申报人换一份不具名、有文字的",
            code="review.file_names_applicant",
        )
    return f"材料 {number}", file["media_type"], content


def _last_submission(application: Application) -> ApplicationSubmission:
    made = application.submissions.last()
    if made is None:
        raise NotFound(f"{application.number} 没有提交过材料", code="review.nothing_submitted")
    return made


def _labels(application: Application) -> dict[str, str]:
    try:
        rule = load_policy(application.edition.policy).rule(application.edition.rule_key)
    except LawError:
        return {}
    return {spec.name: spec.zh for spec in rule.facts}
