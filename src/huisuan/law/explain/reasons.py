"""Reasons in words: why the answer is not simply the full amount, each with its code and its ground."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from huisuan.law.explain.prose import Wording
from huisuan.law.explain.verdict import Verdict
from huisuan.law.model.answers import Reason, Status
from huisuan.law.model.awaited import awaited_region
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Condition, Rule, RuleKind
from huisuan.law.model.values import format_fen
from huisuan.law.policy.policy import Policy


def list_reasons(
    policy: Policy, verdict: Verdict, zh: Wording, en: Wording, days: tuple[date, date]
) -> tuple[Reason, ...]:
    """The reasons of a verdict (on a day, as known on a day), one per code and in the same order."""
    match verdict.status:
        case Status.NOT_IN_FORCE:
            return (_not_in_force(policy, *days),)
        case Status.NOT_YET_KNOWN:
            return (_not_yet_known(policy, days[1]),)
        case Status.NOT_ELIGIBLE:
            return tuple(_failed(verdict, zh, en))
        case Status.MISSING_FACTS:
            return tuple(_missing(spec) for spec in verdict.missing)
        case Status.NOT_SET:
            awaiting = (_awaited(condition, spec, zh, en) for condition, spec in verdict.awaiting)
            return (*(_not_set(spec) for spec in verdict.unset), *awaiting)
    return tuple(_remarks(verdict, zh, en))


def budget_reason(rule: Rule, amount: int, left: int) -> Reason:
    """The amount is owed, but the budget has less left (both in fen)."""
    text = f"应享 {format_fen(amount)} 元，预算只余 {format_fen(left)} 元"
    english = f"Owed {format_fen(amount)} yuan, but only {format_fen(left)} yuan are left"
    return Reason(f"budget@{rule.sentence}", text, english, rule.sentence, rule.phrase)


def _not_yet_known(policy: Policy, as_known: date) -> Reason:
    text = f"政策 {policy.issued} 印发，截至 {as_known} 尚未公布"
    english = f"The policy was issued on {policy.issued} and not yet known on {as_known}"
    return Reason("not_yet_known", text, english, *_ground(policy))


def _ground(policy: Policy) -> tuple[str, ...]:
    return (policy.validity.sentence, policy.validity.phrase) if policy.validity else ()


def _not_in_force(policy: Policy, on: date, as_known: date) -> Reason:
    by, last = policy.replacement(as_known), policy.last_day(as_known)
    if policy.in_force(on, as_known):
        text = f"所问的事在政策施行（{policy.valid_from}）之前已经开始，按解释口径不适用本政策"
        english = f"It began before the policy took force ({policy.valid_from}); by interpretation it is not covered"
    elif by is not None and on > last:
        text = f"政策自 {by.valid_from} 起由 {by.by}（{by.document}）代替，{on} 不适用"
        english = f"The policy was replaced by {by.by} from {by.valid_from}; it does not cover {on}"
    else:
        text = f"政策有效期 {policy.valid_from} 至 {policy.valid_to}，{on} 不在其内"
        english = f"The policy holds from {policy.valid_from} to {policy.valid_to}, not on {on}"
    return Reason("not_in_force", text, english, *_ground(policy))


def _failed(verdict: Verdict, zh: Wording, en: Wording) -> Iterator[Reason]:
    for condition in verdict.failed:
        text, english = f"不符合：{zh.condition(condition)}", f"Not met: {en.condition(condition)}"
        yield Reason(
            f"failed:{condition.name}@{condition.sentence}", text, english, condition.sentence, condition.phrase
        )


def _not_set(spec: SettingSpec | InterpretationSpec) -> Reason:
    text, english = f"{spec.zh}：当日尚未确定", f"{spec.en}: not set on that day"
    return Reason(f"setting:{spec.name}", text, english, spec.sentence, spec.phrase)


def _left_out(spec: SettingSpec | InterpretationSpec) -> Reason:
    text = f"{spec.zh}：尚未确定，这一段的用量未计入；确定之后重新计算"
    english = f"{spec.en}: not set, so the use of this part is not counted; it is computed anew once it is set"
    return Reason(f"setting:{spec.name}", text, english, spec.sentence, spec.phrase)


def _awaited(condition: Condition, spec: SettingSpec, zh: Wording, en: Wording) -> Reason:
    where = awaited_region(condition.node)
    text, english = (
        f"{zh.expression(where)}：尚未确定“{spec.zh}”",
        f"{en.expression(where)}: “{spec.en}” is not set there",
    )
    return Reason(f"setting:{spec.name}", text, english, condition.sentence, condition.phrase)


def _missing(spec: FactSpec) -> Reason:
    text = f"缺少“{spec.zh}”" + (f"（证明材料：{spec.evidence}）" if spec.evidence else "")
    return Reason(f"missing:{spec.name}", text, f"“{spec.en}” is missing", spec.asked_by)


def _remarks(verdict: Verdict, zh: Wording, en: Wording) -> Iterator[Reason]:
    rule = verdict.rule
    ground = (rule.sentence, rule.phrase)
    if verdict.status is Status.DISCRETIONARY:
        text = f"可一事一议支持，由{rule.decided_by}决定；法律没有给出金额"
        english = f"Support is decided case by case by {rule.decided_by_en}; the law names no amount"
        yield Reason(f"discretion@{rule.sentence}", text, english, *ground)
    elif verdict.status is Status.PRIORITY:
        yield Reason(f"priority@{rule.sentence}", f"优先：{rule.grants}", f"With priority: {rule.grants_en}", *ground)
    elif rule.kind is RuleKind.ENTITLES:
        if rule.priority is not None:
            text = f"可享“{rule.grants}”，但不优先：{zh.expression(rule.priority)}不成立"
            english = f"{rule.grants_en}, but without priority: {en.expression(rule.priority)} does not hold"
            yield Reason(f"no_priority@{rule.sentence}", text, english, *ground)
    else:
        yield from _caps(verdict)
        if verdict.amount_fen == 0:
            text, english = "符合条件，但按此计算为 0 元", "Eligible, but the amount comes to 0"
            yield Reason(f"zero@{rule.sentence}", text, english, *ground)
        yield from map(_left_out, verdict.open_)


def _caps(verdict: Verdict) -> Iterator[Reason]:
    for cap in verdict.caps:
        cited, limit, uncapped = cap.cited, format_fen(cap.limit), format_fen(int(cap.at_least // 1))
        text = f"上限 {limit} 元生效；未封顶{'' if cap.exact else '至少'}为 {uncapped} 元"
        english = f"The cap of {limit} yuan binds; uncapped {'' if cap.exact else 'at least '}{uncapped} yuan"
        yield Reason(f"capped@{cited.sentence}", text, english, cited.sentence, cited.phrase)
