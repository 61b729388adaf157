"""What a draft would say if it were handed in now, and what is still missing of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.compute.fact_sources.registry import ClaimMeasure, measure_of
from huisuan.law.explain import default_day, explain
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import Answer, Rule, Value
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import OBJECT_WORDS, ObjectKind
from huisuan.programmes.claim_objects.codes import NamedObject, asked_objects, parse_objects
from huisuan.programmes.models import Application, ApplicationSubmission, Call, Draft
from huisuan.programmes.submissions.known_facts import find_known_facts, last_paid_day, read_known
from huisuan.programmes.submissions.reading_days import claim_day, depends_on_the_beginning
from huisuan.programmes.submissions.selection import selected_values

#: what can be returned for correction beside the facts of the rule
BESIDE_FACTS = ("task", "objects")
_MISSING = "missing:"


@dataclass(frozen=True)
class MissingItem:
    """One thing without which a draft cannot be handed in: `field` is a fact's name, "task" or "objects"."""

    field: str
    code: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """As JSON carries it."""
        return {"field": self.field, "code": self.code, "text": self.text}


@dataclass(frozen=True)
class SubmissionContent:
    """What is handed in, and the day on which the law is read for it; the files of `evidence` lie in the store."""

    draft_version: int
    facts: Mapping[str, str]
    known: Mapping[str, Mapping[str, object]]
    evidence: Sequence[Mapping[str, Any]]
    task: str
    named: Sequence[Mapping[str, str]]
    answer: Answer
    read_on: date
    missing: tuple[MissingItem, ...]

    def field(self, name: str) -> object:
        """What it says in a field, to be compared with another version."""
        if name == "task":
            return self.task
        if name == "objects":
            return [(each["kind"], each["code"]) for each in self.named]
        return self.facts.get(name, ""), [file["sha256"] for file in self.evidence if file["fact"] == name]


def law_of(call: Call) -> tuple[Policy, Rule]:
    """The policy of a call, and the rule that says the amount."""
    policy = load_policy(call.edition.policy)
    return policy, policy.claim_rule(call.edition.rule_key)


def read_draft(call: Call, draft: Draft, task: str, now: datetime) -> SubmissionContent:
    """What a draft says under a call at an instant; nothing is stored."""
    policy, rule = law_of(call)
    today = now.astimezone(SHANGHAI).date()
    on = default_day(policy, today)
    named, unnamed = _objects(call, draft)
    found = find_known_facts(policy, rule, draft.party, call.year, named, on, today)
    begun = Application.objects.filter(draft=draft, call=call).order_by("-pk").first()
    selected = selected_values(policy, rule, draft.party, begun)
    # what is known is not for anybody to type
    typed = [spec.name for spec in rule.facts if spec.name not in found and spec.name not in selected]
    texts = {name: draft.facts[name] for name in typed if draft.facts.get(name)}
    values, unreadable = _read(rule, texts)
    values |= {name: fact.value for name, fact in found.items()}
    values |= selected
    read = claim_day(policy, rule, values, today, last_paid_day(policy, rule, draft.party, call.year, named, today))
    answer = explain(policy, rule, values, on=read.on, as_known=today, began=read.began)
    standing = draft.evidence.filter(withdrawn_at__isnull=True)
    evidence = list(standing.values("fact", "filename", "media_type", "size", "sha256"))
    missing = (
        *unreadable,
        *_lacking(rule, answer, unreadable),
        *_when_it_happened(policy, rule, values, unreadable, today),
        *_no_file(call, rule, {*found, *selected, *(str(file["fact"]) for file in evidence)}, values),
        *_task(call, task),
        *unnamed,
        *_one_project(rule, named),
    )
    known = {name: fact.to_dict() for name, fact in found.items()}
    objects = [each.to_dict() for each in named]
    return SubmissionContent(draft.version, texts, known, evidence, task, objects, answer, read.on, missing)


def latest_submissions(applications: Iterable[Application]) -> dict[int, ApplicationSubmission]:
    """By application what was handed in last."""
    by_pk = {one.pk: one for one in applications}
    made = ApplicationSubmission.objects.filter(application__in=by_pk).order_by("application_id", "-version")
    found = {last.application_id: last for last in made.distinct("application_id")}
    for pk, last in found.items():
        last.application = by_pk[pk]
    return found


def submitted_values(made: ApplicationSubmission) -> tuple[Policy, Rule, dict[str, Value | None]]:
    """The law that a submission is read by, and its facts; what cannot be read any more is not there.

    What a selection decides is read as it stands now: see `submissions.selection`.

    Raises:
        LawError: a policy or a rule that is gone.
    """
    edition = made.application.edition
    policy = load_policy(edition.policy)
    rule = policy.claim_rule(edition.rule_key)
    values = _read(rule, made.facts)[0] | read_known(rule, made.known)
    return policy, rule, values | selected_values(policy, rule, made.application.party, made.application)


def require_complete(content: SubmissionContent) -> None:
    """Refuse what lacks something, with the whole list.

    Raises:
        InvalidRequest: it names all that is missing.
    """
    if content.missing:
        raise InvalidRequest(
            f"还缺 {len(content.missing)} 项，不能提交：{'；'.join(item.text for item in content.missing)}",
            code="submission.incomplete",
        )


def content_hash(said: Iterable[object]) -> str:
    """SHA-256 over the canonical JSON of what a submission says."""
    return text_sha256(json.dumps(list(said), ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _read(rule: Rule, texts: Mapping[str, str]) -> tuple[dict[str, Value | None], tuple[MissingItem, ...]]:
    values: dict[str, Value | None] = {}
    wrong: list[MissingItem] = []
    for spec in rule.facts:
        try:
            values[spec.name] = parse_cell(spec, texts.get(spec.name, ""), by_people=True)
        except InvalidCell as misread:
            wrong.append(MissingItem(spec.name, "fact_unreadable", f"“{spec.zh}”读不出：{misread}"))
    return values, tuple(wrong)


def _lacking(rule: Rule, answer: Answer, unreadable: Sequence[MissingItem]) -> Iterator[MissingItem]:
    """The facts without which the law cannot answer; those that no longer matter are not asked for."""
    named = {item.field for item in unreadable}
    asked = {reason.code.removeprefix(_MISSING) for reason in answer.reasons if reason.code.startswith(_MISSING)}
    for spec in rule.facts:
        if spec.name in asked - named:
            yield MissingItem(spec.name, "fact_missing", f"“{spec.zh}”未填")


def _when_it_happened(
    policy: Policy, rule: Rule, values: Mapping[str, Value | None], unreadable: Sequence[MissingItem], today: date
) -> Iterator[MissingItem]:
    """The day on which what is claimed for happened; when it began only where the validity depends on it."""
    named, days = {item.field for item in unreadable}, {spec.role: spec for spec in rule.facts if spec.role}
    event = days.get("event")
    if event is None or event.name in named:
        return
    happened = values.get(event.name)
    if not isinstance(happened, date):
        yield MissingItem(event.name, "fact_missing", f"“{event.zh}”未填")
        return
    if happened > today:
        yield MissingItem(event.name, "not_happened_yet", f"“{event.zh}”{happened} 还没有到，发生以后才能申报")
    began = days.get("began")
    unsaid = began is not None and began.name not in named and values.get(began.name) is None
    if began is not None and unsaid and depends_on_the_beginning(policy, happened, today):
        yield MissingItem(began.name, "fact_missing", f"“{began.zh}”未填：是否在有效期内开始，决定能否适用")


def _no_file(
    call: Call, rule: Rule, proven: set[str], values: Mapping[str, Value | None]
) -> Iterator[MissingItem]:  # fmt: skip
    """Of what is declared the files are asked for; of what is left empty, no or zero there is nothing to prove."""
    for spec in rule.facts:
        if spec.name in call.evidence and values.get(spec.name) and spec.name not in proven:
            yield MissingItem(spec.name, "evidence_missing", f"“{spec.zh}”没有佐证材料：{spec.evidence or '请上传'}")


def _objects(call: Call, draft: Draft) -> tuple[list[NamedObject], list[MissingItem]]:
    """What the draft names, by kind and code, and what the call asks for besides."""
    try:
        named = parse_objects(draft.named, asked_objects(call.edition.content))
    except InvalidRequest as misread:
        return [], [MissingItem("objects", "object_unreadable", f"申报对象读不出：{misread}")]
    kinds = {each.kind for each in named}
    words = {kind: OBJECT_WORDS[ObjectKind(kind)] for kind in call.object_kinds if kind not in kinds}
    missing = [
        MissingItem("objects", "object_missing", f"没有写明{zh}的编号，如 {example}")
        for zh, _, example in words.values()
    ]
    return named, missing


def _one_project(rule: Rule, named: Sequence[NamedObject]) -> Iterator[MissingItem]:
    """A share of what a city paid is of one project: its vouchers are summed, and capped, by project."""
    projects = [each.typed for each in named if each.kind == ObjectKind.PROJECT.value]
    if len(projects) > 1 and facts_by_voucher(rule):
        said = f"一件申报只写一个项目，写了 {'、'.join(projects)}；其余项目另行申报"
        yield MissingItem("objects", "more_than_one_project", said)


def facts_by_voucher(rule: Rule) -> frozenset[str]:
    """The names of a rule's facts that the register of a city's vouchers knows."""
    return frozenset(spec.name for spec in rule.facts if isinstance(measure_of(spec), ClaimMeasure))


def _task(call: Call, task: str) -> Iterator[MissingItem]:
    if call.tasks and task not in call.tasks:
        yield MissingItem("task", "task_missing", f"没有选榜单中的一项：{'、'.join(call.tasks)}")
    if not call.tasks and task:
        yield MissingItem("task", "task_not_asked", "本通知没有榜单")
