"""What an award is owed today: by the newest settlement, or by the rule run again on corrected facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.explain import explain
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import LawError, Status
from huisuan.law.policy import load_policy
from huisuan.programmes.awards.basis import load_bases
from huisuan.programmes.models import Application, ApplicationSubmission
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.submissions.known_facts import read_known
from huisuan.programmes.submissions.reading_days import began_of, claim_day
from huisuan.programmes.submissions.selection import selected_values, selection_facts
from huisuan.settlement.models import Entitlement


@dataclass(frozen=True)
class Owed:
    """So many fen, and the entitlement that says so where there is one."""

    fen: int
    entitlement: Entitlement | None = None


def owed_now(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Owed | Refused]:
    """By application. `asked.payload` may correct facts (`facts`: text by name), or name `owed_fen`.

    What a settlement or a rule computes is not named by anybody; where neither can, it is named, with the reason.
    """
    bases = load_bases(applications)
    handed_in = _submissions(applications)
    found: dict[int, Owed | Refused] = {}
    for one in applications:
        if one.pk in bases:
            computed: Owed | Refused | None = Owed(bases[one.pk].owed_fen, bases[one.pk].newest)
        elif one.pk in handed_in:
            computed = _by_rule(one, handed_in[one.pk], asked)
        else:
            computed = None
        found[one.pk] = computed if isinstance(computed, Refused) else _named(one, computed, asked.payload)
    return found


def _submissions(applications: Sequence[Application]) -> dict[int, ApplicationSubmission]:
    rows = ApplicationSubmission.objects.filter(application__in=applications).order_by("application_id", "version")
    return {row.application_id: row for row in rows}  # the last version stays


def _by_rule(one: Application, said: ApplicationSubmission, asked: AskedStep) -> Owed | Refused | None:
    """The rule on what was handed in with the corrections; None where it sets no amount by itself."""
    corrected = asked.payload.get("facts", {})
    try:
        policy = load_policy(one.edition.policy)
        rule = policy.rule(one.edition.rule_key)
        if unknown := set(corrected) - {spec.name for spec in rule.facts}:
            return InvalidRequest(
                f"{one.number}：没有事实 {'、'.join(sorted(unknown))}", code="award.corrected_fact_unknown"
            )
        if chosen := set(corrected) & {spec.name for spec in selection_facts(rule)}:
            return InvalidRequest(
                f"{one.number}：{'、'.join(sorted(chosen))} 由评审排序确定，不能更正", code="award.corrected_selection"
            )
        texts = {**said.facts, **corrected}
        values = {spec.name: parse_cell(spec, str(texts.get(spec.name, "")), by_people=True) for spec in rule.facts}
        values |= read_known(rule, {name: fact for name, fact in said.known.items() if name not in corrected})
        values |= selected_values(policy, rule, one.party, one)
        day = said.read_on
        if any(spec.role and spec.name in corrected for spec in rule.facts):
            day = claim_day(policy, rule, values, said.at.astimezone(SHANGHAI).date()).on
        known, began = asked.now.astimezone(SHANGHAI).date(), began_of(rule, values)
        answer = explain(policy, rule, values, on=day, as_known=known, began=began)
    except (LawError, InvalidCell) as wrong:
        return InvalidRequest(f"{one.number}：更正的事实读不出：{wrong}", code="award.corrected_fact_unreadable")
    if answer.status is Status.NOT_ELIGIBLE:
        return Owed(0)
    return Owed(answer.amount_fen) if answer.amount_fen is not None else None


def _named(one: Application, computed: Owed | None, payload: Mapping[str, Any]) -> Owed | Refused:
    named = payload.get("owed_fen")
    if named is not None and (not isinstance(named, int) or isinstance(named, bool) or named < 0):
        return InvalidRequest(f"{one.number}：应得金额须是不小于 0 的整数（分）", code="award.owed_malformed")
    if computed is not None:
        if named in (None, computed.fen):
            return computed
        return InvalidRequest(
            f"{one.number}：应得金额由平台核算，为 {computed.fen} 分，不另写", code="award.amount_is_computed"
        )
    if named is None:
        return InvalidRequest(
            f"{one.number}：此件的金额不由规则算出，须写明更正后的应得金额（--owed）", code="award.owed_missing"
        )
    return Owed(named)
