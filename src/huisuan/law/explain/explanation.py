"""The answer for one claim: a status, an amount in fen, and why, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches

from huisuan.law.explain.counterfactual import nearest_eligible
from huisuan.law.explain.evaluation import CitedValue
from huisuan.law.explain.prose import Wording
from huisuan.law.explain.reasons import budget_reason, list_reasons
from huisuan.law.explain.verdict import RuleEvaluator, Verdict
from huisuan.law.model.answers import Answer, Limit, SettingUsed, Status, Step
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Cap, InterpretationSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import WHITESPACE, InvalidValue, Value, ValueKind, format_value, parse_value, to_json
from huisuan.law.policy.by_day import cut_rule, part_starts, without_totals
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.setting_bounds import has_legal_bound
from huisuan.law.policy.settings import AdoptedSetting


def parse_facts(rule: Rule, raw: Mapping[str, object]) -> dict[str, Value | None]:
    """Facts from JSON; what is absent or null is missing. Names like `spend@2024-07-01` tell parts of a period apart.

    Raises:
        LawError: unknown names, values of the wrong type or out of range: all of them at once.
    """
    raw = without_totals(rule, raw)
    specs = {spec.name: spec for spec in cut_rule(rule, part_starts(rule, raw)).facts}
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
                if _is_absent(spec.kind, value)
                else parse_value(spec.kind, value, maximum=spec.maximum, options=spec.options)
            )
        except InvalidValue as error:
            wrong.append(f"{name}（{spec.zh}）：{error}")
    if wrong:
        raise LawError("；".join(wrong), code="law.facts_invalid")
    return facts


def _is_absent(kind: ValueKind, value: object) -> bool:
    """Null, and a text that says nothing."""
    return value is None or (kind == ValueKind.TEXT and isinstance(value, str) and not value.strip(WHITESPACE))


def default_day(policy: Policy, today: date) -> date:
    """The day on which the law is read where none is named: today, but within the policy's validity."""
    return min(max(today, policy.valid_from), policy.last_day(today))


def explain(
    policy: Policy,
    rule: Rule,
    facts: Mapping[str, Value | None],
    *,
    on: date,
    as_known: date,
    budget_left_fen: int | None = None,
    began: date | None = None,
) -> Answer:
    """The answer of a rule for facts (as `parse_facts` gives them) on a day, as known on a day.

    `began`: the day on which began what the claim is about, where the policy's validity may depend on it.
    """
    evaluator = RuleEvaluator(policy, rule, on, as_known, part_starts(rule, facts), began)
    answer = answer_from_verdict(policy, evaluator, evaluator(facts), facts, on=evaluator.on, as_known=as_known)
    amount = answer.amount_fen
    if budget_left_fen is None or amount is None or amount <= budget_left_fen:
        return answer
    why = (budget_reason(rule, amount, budget_left_fen),)
    return replace(answer, status=Status.BUDGET_EXHAUSTED, amount_fen=0, reasons=why, grants="", nearest=())


def answer_from_verdict(
    policy: Policy,
    evaluator: RuleEvaluator,
    verdict: Verdict,
    facts: Mapping[str, Value | None],
    *,
    on: date,
    as_known: date,
) -> Answer:
    """A verdict on these facts in words, with its grounds."""
    rule, status = evaluator.rule, verdict.status
    narration = _Narration(verdict, Wording("zh", evaluator.terms, facts), Wording("en", evaluator.terms, facts))
    adopted = evaluator.reading.adopted
    return Answer(
        policy=policy.name, digest=policy.digest_as_known(as_known), key=rule.key, sentence=rule.sentence,
        title=rule.title, on=on, as_known=as_known, status=status, amount_fen=verdict.amount_fen,
        reasons=list_reasons(policy, verdict, narration.zh, narration.en, (on, as_known)),
        steps=tuple(_marked(step, policy) for step in narration.steps()),
        limits=tuple(_limit(seen) for seen in verdict.cited if seen.limit is not None and seen.uncapped is not None),
        settings=tuple(_settings_used(rule, adopted, evaluator.terms.options)),
        interpretations=tuple(_options_used(rule, adopted, evaluator.terms.options)),
        facts=dict(facts), grants=rule.grants if status in (Status.ELIGIBLE, Status.PRIORITY) else "",
        nearest=nearest_eligible(evaluator, facts, verdict) if status is Status.NOT_ELIGIBLE else (),
        settings_by=_settings_by(rule, evaluator.terms.options),
    )  # fmt: skip


class _Narration:
    """The steps of a verdict, in Chinese and in English."""

    def __init__(self, verdict: Verdict, zh: Wording, en: Wording) -> None:
        self.verdict, self.zh, self.en = verdict, zh, en

    def steps(self) -> Iterator[Step]:
        """Conditions, then figures and caps, then what follows."""
        verdict, rule = self.verdict, self.verdict.rule
        if verdict.unset or verdict.status in (Status.NOT_IN_FORCE, Status.NOT_YET_KNOWN):
            return  # nothing was asked
        for condition, holds in zip(rule.conditions, verdict.holds, strict=False):
            zh, en = self.zh.condition(condition), self.en.condition(condition)
            yield Step("condition", condition.sentence, condition.phrase, zh, en, holds, holds)
        narrated: list[CitedValue] = []  # a figure that decides and is paid was evaluated twice
        for seen in verdict.cited:
            if seen not in narrated:
                narrated.append(seen)
                yield from self._figure(seen)
        if rule.amount is not None:
            zh = f"应享：{self.zh.expression(rule.amount)} ＝ {self.zh.value(ValueKind.MONEY, verdict.value)}"
            en = f"Owed: {self.en.expression(rule.amount)} = {self.en.value(ValueKind.MONEY, verdict.value)}"
            yield Step("amount", rule.sentence, rule.phrase, zh, en, verdict.value)
        if rule.priority is not None:
            zh, en = (
                f"优先条件：{self.zh.expression(rule.priority)}",
                f"For priority: {self.en.expression(rule.priority)}",
            )
            yield Step("priority", rule.sentence, rule.phrase, zh, en, verdict.priority, verdict.priority)

    def _figure(self, seen: CitedValue) -> Iterator[Step]:
        cited, value = seen.cited, seen.value
        if isinstance(cited.node, Cap):
            if value is not None:
                zh = f"{cited.zh} {self._cap_text(self.zh, seen, '上限生效，未封顶为', '未达上限，为')}"
                en = f"{cited.en} {self._cap_text(self.en, seen, 'the cap binds; uncapped', 'below the cap:')}"
                yield Step("limit", cited.sentence, cited.phrase, zh, en, value)
        elif cited.zh:
            zh = f"{cited.zh}：{self.zh.expression(cited.node)} ＝ {self.zh.value(cited.kind, value)}"
            en = f"{cited.en}: {self.en.expression(cited.node)} = {self.en.value(cited.kind, value)}"
            yield Step("figure", cited.sentence, cited.phrase, zh, en, value)

    @staticmethod
    def _cap_text(wording: Wording, seen: CitedValue, bound: str, free: str) -> str:
        colon = "：" if wording.language == "zh" else ": "
        phrase = bound if seen.uncapped > seen.limit else free
        limit, uncapped = wording.value(ValueKind.MONEY, seen.limit), wording.value(ValueKind.MONEY, seen.uncapped)
        return f"{limit}{colon}{phrase} {uncapped}"


def _settings_by(rule: Rule, options: Mapping[str, str]) -> str:
    day = rule.reading_day.chosen(options) if rule.reading_day and rule.settings(options) else None
    return day.value if day else ""


def _marked(step: Step, policy: Policy) -> Step:
    """The step, with a mark where it rests on words that nobody has compared with the issued text yet."""
    if not policy.text.sentences[step.sentence].unchecked:
        return step
    return replace(
        step, text=f"{step.text}（待与印发文本核对）", text_en=f"{step.text_en} (to be checked against the issued text)"
    )


def _limit(seen: CitedValue) -> Limit:
    cited = seen.cited
    return Limit(
        cited.sentence, cited.phrase, int(seen.limit), int(seen.uncapped // 1), bool(seen.uncapped > seen.limit)
    )


def _settings_used(
    rule: Rule, adopted: Mapping[str, AdoptedSetting], options: Mapping[str, str]
) -> Iterator[SettingUsed]:
    for spec in rule.settings(options):
        setting = adopted.get(spec.name)
        if setting is not None:
            yield SettingUsed(
                spec.name,
                spec.zh,
                to_json(setting.value),
                format_value(spec.kind, setting.value, spec.regions),
                setting.authority,
                setting.document,
                setting.valid_from,
                setting.known_from,
                ""
                if not has_legal_bound(spec)
                else format_value(ValueKind.SHARE if spec.regions else spec.kind, spec.at_most),
                "",
                spec.sentence,
                spec.phrase,
            )


def _options_used(
    rule: Rule, adopted: Mapping[str, AdoptedSetting], options: Mapping[str, str]
) -> Iterator[SettingUsed]:
    for spec in rule.interpretations(options):
        setting = adopted.get(spec.name)
        if setting is not None:
            yield option_used(spec, setting)


def option_used(spec: InterpretationSpec, adopted: AdoptedSetting) -> SettingUsed:
    """The option chosen for an open question, with its authority and dates."""
    option = spec.options[str(adopted.value)]
    return SettingUsed(
        spec.name, option, str(adopted.value), option, adopted.authority, adopted.document, adopted.valid_from,
        adopted.known_from, "", spec.zh, spec.sentence, spec.phrase,
    )  # fmt: skip
