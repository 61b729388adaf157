"""The answer for one claim: a status, an amount in fen, and why, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from huisuan.law import nodes
from huisuan.law.answer import Answer, Limit, Reason, SettingUsed, Status, Step
from huisuan.law.evaluate import Evaluation, Seen, Terms
from huisuan.law.nodes import InterpretationSpec, SettingSpec
from huisuan.law.policy import Policy
from huisuan.law.prose import Wording
from huisuan.law.rules import Rule
from huisuan.law.settings import Adopted, terms_of
from huisuan.law.text import LawError
from huisuan.law.values import Kind, Value, Wrong, read, shown, to_json, yuan


def read_facts(rule: Rule, raw: Mapping[str, object]) -> dict[str, Value | None]:
    """Facts from JSON; what is absent or null is missing.

    Raises:
        LawError: unknown names, values of the wrong type or out of range: all of them at once.
    """
    specs = {spec.name: spec for spec in rule.facts}
    wrong: list[str] = []
    facts: dict[str, Value | None] = {}
    for name, value in raw.items():
        if name not in specs:
            near = get_close_matches(name, specs, n=1)
            hint = f"；是不是 {near[0]}？" if near else f"；该句的事实有 {'、'.join(specs)}"
            wrong.append(f"{name}：没有这个事实{hint}")
            continue
        spec = specs[name]
        try:
            facts[name] = (
                None
                if _absent(spec.kind, value)
                else read(spec.kind, value, maximum=spec.maximum, options=spec.options)
            )
        except Wrong as error:
            wrong.append(f"{name}（{spec.zh}）：{error}")
    if wrong:
        raise LawError("；".join(wrong))
    return facts


def _absent(kind: Kind, value: object) -> bool:
    """Null, and a text that says nothing."""
    return value is None or (kind == Kind.TEXT and isinstance(value, str) and not value.strip())


def default_day(policy: Policy, today: date) -> date:
    """The day on which the law is read where none is named: today, but within the policy's validity."""
    return min(max(today, policy.valid_from), policy.valid_to)


def explain(
    policy: Policy,
    rule: Rule,
    facts: Mapping[str, Value | None],
    *,
    on: date,
    as_known: date,
    budget_left_fen: int | None = None,
) -> Answer:
    """The answer of a rule for facts (as `read_facts` gives them) on a day, as known on a day."""
    adopted = policy.adopted(on, as_known)
    terms, lacking = terms_of(rule, adopted)
    unset = tuple(_not_set(spec) for spec in lacking)
    used = _settings_used(rule, adopted)
    common: dict[str, Any] = {
        "policy": policy.name, "digest": policy.digest, "sentence": rule.sentence, "title": rule.title, "on": on,
        "as_known": as_known, "settings": used[0], "interpretations": used[1], "facts": dict(facts),
    }  # fmt: skip
    if not policy.in_force(on):
        text = f"政策有效期 {policy.valid_from} 至 {policy.valid_to}，{on} 不在其内"
        english = f"The policy holds from {policy.valid_from} to {policy.valid_to}, not on {on}"
        return Answer(
            status=Status.NOT_IN_FORCE, amount_fen=0, reasons=(Reason("not_in_force", text, english),), **common
        )
    if unset:
        return Answer(status=Status.MISSING_FACTS, amount_fen=None, reasons=unset, **common)
    case = _Case(rule, facts, terms)
    status, amount, reasons = case.decide()
    if budget_left_fen is not None and amount is not None and amount > budget_left_fen:
        text = f"应享 {yuan(amount)} 元，预算只余 {yuan(budget_left_fen)} 元"
        english = f"Owed {yuan(amount)} yuan, but only {yuan(budget_left_fen)} yuan are left"
        status, reasons = (
            Status.BUDGET_EXHAUSTED,
            (Reason(f"budget@{rule.sentence}", text, english, rule.sentence, rule.phrase),),
        )
        amount = 0
    return Answer(
        status=status,
        amount_fen=amount,
        reasons=tuple(reasons),
        steps=tuple(case.steps),
        limits=tuple(case.limits),
        **common,
    )


class _Case:
    """One rule over one set of facts."""

    def __init__(self, rule: Rule, facts: Mapping[str, Value | None], terms: Terms) -> None:
        self.rule, self.facts, self.terms = rule, facts, terms
        self.steps: list[Step] = []
        self.limits: list[Limit] = []
        self.zh, self.en = Wording("zh", terms, facts), Wording("en", terms, facts)

    def decide(self) -> tuple[Status, int | None, tuple[Reason, ...]]:
        failed, missing = self._conditions()
        amount, lacking = self._amount()
        missing |= lacking
        if failed:
            return Status.NOT_ELIGIBLE, 0, tuple(failed)
        if missing:
            return Status.MISSING_FACTS, None, tuple(_missing(self.rule, missing))
        rule = self.rule
        if rule.amount is None:
            text = f"可一事一议支持，由{rule.decided_by}决定；法律没有给出金额"
            english = "Support is decided case by case; the law names no amount"
            return (
                Status.DISCRETIONARY,
                None,
                (Reason(f"discretion@{rule.sentence}", text, english, rule.sentence, rule.phrase),),
            )
        return Status.ELIGIBLE, amount, tuple(self._remarks(amount))

    def _conditions(self) -> tuple[list[Reason], set[str]]:
        failed: list[Reason] = []
        missing: set[str] = set()
        for condition in self.rule.conditions:
            walk = Evaluation(self.facts, self.terms)
            holds = walk.of(condition.node)
            zh, en = self.zh.condition(condition), self.en.condition(condition)
            self.steps.append(Step("condition", condition.sentence, condition.phrase, zh, en, holds, holds))
            if holds is False:
                code = f"failed:{condition.name}@{condition.sentence}"
                failed.append(Reason(code, f"不符合：{zh}", f"Not met: {en}", condition.sentence, condition.phrase))
            elif holds is None:
                missing |= set(walk.missing)
        return failed, missing

    def _amount(self) -> tuple[int | None, set[str]]:
        rule = self.rule
        if rule.amount is None:
            return None, set()
        walk = Evaluation(self.facts, self.terms)
        amount = walk.of(rule.amount)
        for seen in walk.seen:
            self._note(seen)
        zh = f"应享：{self.zh.of(rule.amount)} ＝ {self.zh.shown(Kind.MONEY, amount)}"
        en = f"Owed: {self.en.of(rule.amount)} = {self.en.shown(Kind.MONEY, amount)}"
        self.steps.append(Step("amount", rule.sentence, rule.phrase, zh, en, amount))
        return amount, set(walk.missing) if amount is None else set()

    def _note(self, seen: Seen) -> None:
        cited, value = seen.cited, seen.value
        if isinstance(cited.node, nodes.Cap):
            if value is not None:
                self._note_limit(cited, value, seen.uncapped, Evaluation(self.facts, self.terms).of(cited.node.limit))
        elif cited.zh:
            zh = f"{cited.zh}：{self.zh.of(cited.node)} ＝ {self.zh.shown(cited.kind, value)}"
            en = f"{cited.en}: {self.en.of(cited.node)} = {self.en.shown(cited.kind, value)}"
            self.steps.append(Step("figure", cited.sentence, cited.phrase, zh, en, value))

    def _note_limit(self, cited: nodes.Cited, value: Any, uncapped: Any, limit: Any) -> None:
        bound = uncapped > limit
        self.limits.append(Limit(cited.sentence, cited.phrase, int(limit), int(uncapped // 1), bound))
        said_zh = "上限生效，未封顶为" if bound else "未达上限，为"
        said_en = "the cap binds; uncapped" if bound else "below the cap:"
        zh = f"{cited.zh} {self.zh.shown(Kind.MONEY, limit)}：{said_zh} {self.zh.shown(Kind.MONEY, uncapped)}"
        en = f"{cited.en} {self.en.shown(Kind.MONEY, limit)}: {said_en} {self.en.shown(Kind.MONEY, uncapped)}"
        self.steps.append(Step("limit", cited.sentence, cited.phrase, zh, en, value))

    def _remarks(self, amount: int | None) -> Iterator[Reason]:
        for limit in self.limits:
            if limit.bound:
                text = f"上限 {yuan(limit.limit_fen)} 元生效；未封顶为 {yuan(limit.uncapped_fen)} 元"
                english = f"The cap of {yuan(limit.limit_fen)} yuan binds; uncapped {yuan(limit.uncapped_fen)} yuan"
                yield Reason(f"capped@{limit.sentence}", text, english, limit.sentence, limit.phrase)
        if amount == 0:
            text, english = "符合条件，但按此计算为 0 元", "Eligible, but the amount comes to 0"
            yield Reason(f"zero@{self.rule.sentence}", text, english, self.rule.sentence, self.rule.phrase)


def _not_set(spec: SettingSpec | InterpretationSpec) -> Reason:
    text, english = f"{spec.zh}：当日尚未确定", f"{spec.en}: not set on that day"
    return Reason(f"setting:{spec.name}", text, english, spec.sentence, spec.phrase)


def _missing(rule: Rule, names: set[str]) -> Iterator[Reason]:
    for spec in rule.facts:
        if spec.name in names:
            text = f"缺少“{spec.zh}”" + (f"（证明材料：{spec.evidence}）" if spec.evidence else "")
            yield Reason(f"missing:{spec.name}", text, f"“{spec.en}” is missing", spec.asked_by)


def _settings_used(
    rule: Rule, adopted: Mapping[str, Adopted]
) -> tuple[tuple[SettingUsed, ...], tuple[SettingUsed, ...]]:
    settings = tuple(
        SettingUsed(
            spec.name,
            spec.zh,
            to_json(each.value),
            shown(spec.kind, each.value),
            each.authority,
            each.document,
            each.valid_from,
            each.known_from,
            "" if spec.at_most is None else shown(spec.kind, spec.at_most),
            "",
            spec.sentence,
            spec.phrase,
        )
        for spec in rule.settings()
        if (each := adopted.get(spec.name))
    )
    interpretations = tuple(
        SettingUsed(
            spec.name,
            spec.options[str(each.value)],
            str(each.value),
            spec.options[str(each.value)],
            each.authority,
            each.document,
            each.valid_from,
            each.known_from,
            "",
            spec.zh,
            spec.sentence,
            spec.phrase,
        )
        for spec in rule.interpretations()
        if (each := adopted.get(spec.name))
    )
    return settings, interpretations
