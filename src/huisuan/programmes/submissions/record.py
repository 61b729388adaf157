"""What handing in leaves on record: a submission for the act "submit", in its transaction.

Under a call alone: what was offered to a user has nothing to hand in, and claims for the entitlement that it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.law.policy import load_policy
from huisuan.law.procedure import ObjectKind
from huisuan.programmes.claim_objects.records import ClaimGround, record_objects
from huisuan.programmes.models import ApplicationStep, ApplicationSubmission, Draft, Offer
from huisuan.programmes.submissions.content import (
    BESIDE_FACTS,
    SubmissionContent,
    content_hash,
    law_of,
    read_draft,
    require_complete,
)
from huisuan.programmes.submissions.window import CallWindow


def record_submissions(steps: Sequence[ApplicationStep]) -> None:
    """Copy what the drafts of some applications say, at the instant of their steps.

    Raises:
        Conflict: the call is not open; a correction changes what was not returned; another claim holds an object.
        InvalidRequest: something is missing: all of it is named.
    """
    offered = [step.application_id for step in steps if step.application.call_id is None]
    standing = Offer.objects.filter(application__in=offered, replaced_by__isnull=True)
    offers = {offer.application_id: offer for offer in standing}
    for step in steps:
        if step.application.call_id is not None:
            _record(step)
        elif offer := offers.get(step.application_id):
            _hold_entitlement(step, offer)


def check_returned_fields(steps: Sequence[ApplicationStep]) -> None:
    """Refuse to return a field that the submission does not have: nobody could correct it.

    Raises:
        InvalidRequest: it names those fields and the ones that there are.
    """
    for step in steps:
        call = step.application.call
        if call is None:
            continue
        _, rule = law_of(call)
        fields = [*(spec.name for spec in rule.facts), *BESIDE_FACTS]
        if unknown := [name for name in step.payload["fields"] if name not in fields]:
            raise InvalidRequest(
                f"没有栏目 {'、'.join(unknown)}；可退回补正的是 {'、'.join(fields)}", code="submission.field_unknown"
            )


def _record(step: ApplicationStep) -> None:
    application = step.application
    call, earlier = application.call, application.submissions.last()
    assert call is not None
    assert application.draft_id is not None  # by a constraint: what a call asked for has a draft
    draft = Draft.objects.select_for_update(no_key=True).get(pk=application.draft_id)
    if earlier is None:
        CallWindow(call.first_day, call.last_day).require_open(step.at)
    task = step.payload.get("task", earlier.task if earlier else "")
    content = read_draft(call, draft, str(task), step.at)
    require_complete(content)
    if earlier is not None:
        _check_correction(earlier, content, step)
    made = ApplicationSubmission(
        application=application, version=earlier.version + 1 if earlier else 1, step=step,
        draft_version=content.draft_version, facts=dict(content.facts), known=dict(content.known),
        evidence=list(content.evidence), task=content.task, named=list(content.named), law=content.answer.digest,
        read_on=content.read_on, by=step.person, at=step.at,
    )  # fmt: skip
    made.hash = submission_hash(made)
    made.save(force_insert=True)
    policy, rule = law_of(call)
    record_objects(application, ClaimGround.of(policy, rule.key), made.named, step.person, made)


def _hold_entitlement(step: ApplicationStep, offer: Offer) -> None:
    edition, code = step.application.edition, f"E{offer.entitlement_id}"
    ground = ClaimGround.of(load_policy(edition.policy), edition.rule_key)
    record_objects(
        step.application, ground, [{"kind": ObjectKind.ENTITLEMENT.value, "code": code, "typed": code}], step.person
    )


def submission_hash(made: ApplicationSubmission) -> str:
    """SHA-256 over all that a submission says, and whose it is."""
    return content_hash([
        made.application_id, made.version, made.step_id, made.draft_version, made.facts, made.known, made.evidence,
        made.task, made.named, made.law, made.read_on.isoformat(), made.by_id, made.at.isoformat(),
    ])  # fmt: skip


def _check_correction(earlier: ApplicationSubmission, content: SubmissionContent, step: ApplicationStep) -> None:
    """A correction changes the returned fields alone; what the platform knows itself may have changed meanwhile."""
    returned = step.application.steps.filter(action="return", number__lt=step.number).last()
    open_fields = set(returned.payload["fields"]) if returned else set()
    before = SubmissionContent(
        earlier.draft_version, earlier.facts, earlier.known, earlier.evidence, earlier.task, earlier.named,
        content.answer, content.read_on, (),
    )  # fmt: skip
    assert step.application.call is not None
    _, rule = law_of(step.application.call)
    labels = {spec.name: spec.zh for spec in rule.facts} | {"task": "榜单", "objects": "申报对象"}
    if changed := [name for name in labels if name not in open_fields and before.field(name) != content.field(name)]:
        raise Conflict(
            f"只可改退回补正的栏目；还改了{'、'.join(labels[name] for name in changed)}，请改回后再提交",
            code="submission.field_not_returned",
        )
