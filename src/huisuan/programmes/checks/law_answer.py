"""What the law says of a submission as of its day, alone and beside the applicant's other claims on the same spend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.law.explain import RuleInput, combine_answers, explain, parse_facts
from huisuan.law.model import Answer, LawError, Status
from huisuan.law.policy import PolicyRule, ground_of, load_policy
from huisuan.programmes.checks.subject import CheckFinding, CheckSubject
from huisuan.programmes.models import NOT_CLAIMING_STATES, Application, CheckKind, ClaimObject, Offer
from huisuan.programmes.submissions.content import submitted_values
from huisuan.programmes.submissions.reading_days import began_of
from huisuan.programmes.submissions.selection import awaits_selection

#: of an answer that gives what is asked for
SAYS_YES = (Status.ELIGIBLE, Status.PRIORITY, Status.DISCRETIONARY)


def check_law(subject: CheckSubject) -> CheckFinding:
    """The law's own answer to the facts as they were handed in, read as it was known that day."""
    if subject.submission is None:
        return _check_offered(subject)
    asked = asked_rule(subject.application)
    if asked is None:
        return CheckFinding(CheckKind.LAW, False, "政策或所填事实已读不出，政策条件无从判断")
    day, known = _days(subject)
    began = began_of(asked.place.rule, asked.facts)
    answer = explain(asked.place.policy, asked.place.rule, asked.facts, on=day, as_known=known, began=began)
    words = "；".join(reason.text for reason in answer.reasons)
    amount = "" if answer.amount_fen is None else f"，应享 {yuan(answer.amount_fen)} 元"
    holds = answer.status in SAYS_YES
    open_yet = awaits_selection(asked.place.policy, asked.place.rule, subject.application)
    amount += "（按入选计算，是否入选由评审排序确定）" if open_yet else ""
    reason = f"{answer.title}：{'符合条件' if holds else '不符合或无法判断'}{amount}{'：' if words else ''}{words}"
    return CheckFinding(CheckKind.LAW, holds, reason, _seen(answer))


def _check_offered(subject: CheckSubject) -> CheckFinding:
    offer = _offer(subject.application)
    if offer is None:
        return CheckFinding(CheckKind.LAW, False, "没有可供核验的提交或应享，政策条件无从判断")
    owed = offer.entitlement
    saw = {"run": owed.run_id, "entitlement": owed.pk, "payable_fen": owed.payable}
    reason = f"第 {owed.run_id} 次结算，可付 {yuan(owed.payable)} 元"
    return CheckFinding(CheckKind.LAW, owed.payable > 0, reason, saw)


def check_stacking(subject: CheckSubject) -> CheckFinding:
    """What is payable beside what earlier rules pay for the same spend, under whatever policy."""
    own = asked_rule(subject.application)
    others = list(others_on_the_ground(subject.application))
    numbers = "、".join(other.number for other, _ in others)
    if not others:
        return CheckFinding(CheckKind.STACKING, True, "同一支出没有别的在办或已批准的申报")
    asked = [each for _, each in others if each is not None]
    if own is None or len(asked) < len(others):
        reason = f"与 {numbers} 同一支出，但事实读不出，叠加请人工核对"
        return CheckFinding(CheckKind.STACKING, False, reason, {"others": numbers})
    day, known = _days(subject)
    try:
        combined = combine_answers(one_a_rule([own, *asked]), on=day, as_known=known)
    except LawError as error:
        return CheckFinding(CheckKind.STACKING, False, f"与 {numbers} 的叠加无法计算：{error}", {"code": error.code})
    rows = [row for layer in combined for row in layer.rows]
    saw: dict[str, Any] = {
        "others": numbers, "on": day.isoformat(), "as_known": known.isoformat(),
        "rules": [
            {"rule": row.place.key, "amount_fen": row.answer.amount_fen, "payable_fen": row.payable_fen}
            for row in rows
        ],
    }  # fmt: skip
    mine = next((row for row in rows if row.place.key == own.place.key), None)
    if mine is None or (mine.payable_fen is not None and mine.payable_fen == mine.answer.amount_fen):
        return CheckFinding(CheckKind.STACKING, True, f"与 {numbers} 同一支出，按叠加口径不减少", saw)
    why = mine.reason.text if mine.reason else "可付金额未定"
    if mine.reason:
        saw["reasons"] = [{"code": mine.reason.code, "text": mine.reason.text, "text_en": mine.reason.text_en}]
    return CheckFinding(CheckKind.STACKING, False, f"与 {numbers} 同一支出：{why}", saw)


def one_a_rule(asked: list[RuleInput]) -> list[RuleInput]:
    """The first claim under each rule, in their order; a second one under the same is the law's own affair."""
    return list({each.place.key: each for each in reversed(asked)}.values())


def _days(subject: CheckSubject) -> tuple[date, date]:
    """The day of the law, and by when its settings were known."""
    if subject.submission is not None:
        return subject.submission.read_on, subject.submission.at.astimezone(SHANGHAI).date()
    offer = _offer(subject.application)
    return (offer.entitlement.run.on, offer.entitlement.run.as_known) if offer else (subject.day, subject.day)


def asked_rule(application: Application) -> RuleInput | None:
    """The rule and the facts of an application: what was handed in last, or the entitlement that was offered."""
    try:
        submission = application.submissions.last()
        if submission is not None:
            policy, rule, values = submitted_values(submission)
            return RuleInput(PolicyRule(policy, rule), values)
        offer = _offer(application)
        if offer is None:
            return None
        place = _place(application)
        return RuleInput(place, parse_facts(place.rule, offer.entitlement.facts))
    except LawError:  # a policy that is gone, facts that its rule has no more
        return None


def _place(application: Application) -> PolicyRule:
    policy = load_policy(application.edition.policy)
    return PolicyRule(policy, policy.claim_rule(application.edition.rule_key))


def _offer(application: Application) -> Offer | None:
    found = Offer.objects.filter(application=application, replaced_by__isnull=True)
    return found.select_related("entitlement__run").first()


def others_on_the_ground(application: Application) -> Iterator[tuple[Application, RuleInput | None]]:
    """The applicant's other claims of the year on the same ground; of those that name objects, those of the same."""
    own = _place(application)
    mine = (
        Application.objects.filter(year=application.year)
        .exclude(pk=application.pk)
        .exclude(state__in=NOT_CLAIMING_STATES)
    )
    of_applicant = Q(party=application.party_id) if application.party_id else Q(city=application.city_id)
    others, on_ground = list(mine.filter(of_applicant).prefetch_related("edition").order_by("pk")), set[int]()
    for edition, other in {other.edition_id: other for other in others}.items():
        place = _place(other)
        if ground_of(place) == ground_of(own) and place.key != own.key:
            on_ground.add(edition)
    beside = [other for other in others if other.edition_id in on_ground]
    named = _objects([application, *beside]) if beside else {}
    objects = named.get(application.pk, set())
    for other in beside:
        theirs = named.get(other.pk, set())
        if not (objects and theirs) or objects & theirs:
            yield other, asked_rule(other)


def _objects(applications: Sequence[Application]) -> dict[int, set[tuple[str, str, str]]]:
    """By application what it names and holds."""
    held = ClaimObject.objects.filter(application__in=applications, living=True).exclude(kind="entitlement")
    found: dict[int, set[tuple[str, str, str]]] = {}
    for pk, *named in held.values_list("application", "kind", "series", "code"):
        found.setdefault(pk, set()).add((named[0], named[1], named[2]))
    return found


def _seen(answer: Answer) -> dict[str, Any]:
    said = answer.to_dict()
    kept = ("digest", "key", "on", "as_known", "status", "amount_fen", "reasons", "facts", "settings_by")
    return {name: said[name] for name in kept}
