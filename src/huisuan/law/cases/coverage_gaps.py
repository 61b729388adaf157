"""What the worked cases of a policy leave untried: an answer, a condition, a limit, an option of an open question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from huisuan.law.cases.case_file import Case, parse_yuan
from huisuan.law.cases.runner import case_subjects
from huisuan.law.model import expressions as nodes
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.model.awaited import awaited_setting
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import format_fen
from huisuan.law.policy.policy import Policy

MIN_CASES = 5


@dataclass(frozen=True)
class CoverageGap:
    """What is wanting of the cases of a rule, an allotment, a ground or an open question, with the remedy."""

    subject: str
    what: str


def find_gaps(policy: Policy, cases: Iterable[Case]) -> list[CoverageGap]:
    """Everything that no case tries.

    Raises:
        LawError: a case whose amount is none.
    """
    by_subject: dict[str, list[Case]] = {subject: [] for subject in case_subjects(policy)}
    for case in cases:
        by_subject[case.subject].append(case)
    found = [
        CoverageGap(subject, f"有 {len(group)} 个算例；至少要 {MIN_CASES} 个")
        for subject, group in by_subject.items()
        if len(group) < MIN_CASES
    ]
    for rule in policy.rules:
        found += [CoverageGap(rule.key, what) for what in _rule_gaps(rule, by_subject[rule.key])]
    return found + list(_option_gaps(policy, [case for group in by_subject.values() for case in group]))


def _rule_gaps(rule: Rule, cases: list[Case]) -> Iterator[str]:
    codes = {str(code) for case in cases for code in case.expected.get("reasons", [])}
    for condition in rule.conditions:
        awaited = awaited_setting(condition.node)
        code = f"setting:{awaited.name}" if awaited else f"failed:{condition.name}@{condition.sentence}"
        if code not in codes:
            yield f"没有一个算例不符合条件 {condition.name}；请写一个 reasons 含 {code} 的"
    answers = {case.expected.get("answer") for case in cases}
    for status in (Status.MISSING_FACTS, Status.NOT_IN_FORCE):
        if status.value not in answers:
            yield f"没有一个算例答“{STATUS_ZH[status]}”；请写一个 answer: {status.value} 的"
    for sentence in sorted({node.sentence for node in _caps(rule)}):
        yield from _cap_gaps(sentence, cases)


def _caps(rule: Rule) -> Iterator[nodes.Cited]:
    walked = () if rule.amount is None else nodes.walk(rule.amount)
    yield from (node for node in walked if isinstance(node, nodes.Cited) and isinstance(node.node, nodes.Cap))


def _cap_gaps(sentence: str, cases: list[Case]) -> Iterator[str]:
    """A cap is tried by a case above it and one a fen below (exactly at it 30% of whole fen may never come)."""
    code = f"capped@{sentence}"
    bound: set[int] = set()
    free: set[int] = set()
    for case in cases:
        if "amount" in case.expected:
            capped = code in case.expected.get("reasons", [])
            (bound if capped else free).add(parse_yuan(case.expected["amount"], case.place))
    if not bound:
        yield f"没有一个算例超过第 {sentence} 句的上限；请写一个 reasons 含 {code} 的"
    elif not {most - 1 for most in bound} & free:
        below = {most - 1 for most in bound}
        yield f"没有一个算例只差一分到第 {sentence} 句的上限；请写一个 amount 为 {_format_any_of(below)} 元的"


def _format_any_of(amounts: set[int]) -> str:
    return " 或 ".join(format_fen(amount).replace(",", "") for amount in sorted(amounts))


def _subject_for(policy: Policy, question: str) -> str:
    """What a case must be of to try an option of an open question: there is no file of the question itself."""
    for rule in policy.rules:
        if any(spec.name == question for spec in rule.interpretations()):
            return rule.key
    grounds = (stacking.ground for stacking in policy.stackings if stacking.by.name == question)
    return next(grounds, policy.rules[0].key if policy.rules else "")  # a question about the validity: of any rule


def _option_gaps(policy: Policy, cases: list[Case]) -> Iterator[CoverageGap]:
    adopted = policy.adopted(policy.valid_from, policy.valid_to)
    of_procedures = {spec.name for programme in policy.programmes for spec in programme.questions()}
    for name, spec in policy.interpretation_specs().items():
        if name in of_procedures:  # it moves a day, not an amount: no case can try it
            continue
        tried: set[object] = {adopted[name].value} if name in adopted else set()
        tried |= {case.interpretations[name] for case in cases if name in case.interpretations}
        for option in spec.options:
            if option not in tried:
                yield CoverageGap(
                    _subject_for(policy, name),
                    f"没有一个算例选 {option}；请写一个 interpretations: {{{name}: {option}}} 的",
                )
