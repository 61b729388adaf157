"""Running worked cases: each goes through the public functions, and every difference from what was written is named.

Cases are asked under the settings in the policy's own folder: what the platform adopts later does not change them.
A case that names no day is asked on the first day in force, with everything known since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.law.budget.allotment import allot_budget
from huisuan.law.cases.case_file import Case, load_cases, parse_given, parse_yuan
from huisuan.law.explain.claims import ClaimInput, decide_claims
from huisuan.law.explain.combine import RuleInput, combine_answers
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import format_fen, to_json
from huisuan.law.policy.by_day import cut_rule, part_starts
from huisuan.law.policy.load import load_folder, search_path
from huisuan.law.policy.overlap import SharedSpend
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario, setting_declarations
from huisuan.law.policy.stacking import PolicyRule

WITHOUT_AMOUNT = (Status.NOT_ELIGIBLE, Status.NOT_IN_FORCE)  # their amount is zero


@dataclass(frozen=True)
class CaseDifference:
    """One thing that came out otherwise than the case says, both in words."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True)
class CaseResult:
    """A case and how it came out; `wrong` where it could not be asked at all."""

    case: Case
    differences: tuple[CaseDifference, ...] = ()
    wrong: str = ""

    @property
    def holds(self) -> bool:
        """Whether it came out as written."""
        return not self.differences and not self.wrong

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "case": self.case.title,
            "of": self.case.subject,
            "place": self.case.place,
            "holds": self.holds,
            "wrong": self.wrong,
            "differences": [
                {"what": difference.what, "expected": difference.expected, "got": difference.got}
                for difference in self.differences
            ],
        }


def load_policy_cases(policy: Policy) -> tuple[Case, ...]:
    """The cases of a policy, file by file.

    Raises:
        LawError: a file that cannot be read, or that is named by nothing that the policy decides.
    """
    found: list[Case] = []
    for path in sorted((policy.folder / "cases").glob("*.yaml")):
        if path.stem not in case_subjects(policy):
            known = "、".join(case_subjects(policy))
            raise LawError(
                f"cases/{path.name}：没有规则、分配或叠加“{path.stem}”；文件名应为 {known} 之一",
                code="law.case_subject_unknown",
            )
        found.extend(load_cases(path))
    return tuple(found)


def case_subjects(policy: Policy) -> tuple[str, ...]:
    """What cases may ask: rules and allotments by key, and the grounds that rules combine on."""
    keys = (*(rule.key for rule in policy.rules), *(allotment.key for allotment in policy.allotments))
    grounds = (stacking.ground for stacking in policy.stackings)
    return (*keys, *grounds, *(cap.name for cap in policy.shared_caps))


def run_case(policy: Policy, case: Case) -> CaseResult:
    """How one case comes out; what is wrong with the case itself is part of the result, not raised."""
    try:
        law = _policy_for_case(policy, case)
        on, as_known = case.day or law.valid_from, case.as_known or date.max
        if case.kind == "claims":
            found = _check_claims(law, case, on, as_known)
        elif case.subject in [rule.key for rule in law.rules]:
            found = _check_rule(law, _check_kind(case, "facts"), on, as_known)
        elif case.subject in [allotment.key for allotment in law.allotments]:
            found = _check_allotment(law, _check_kind(case, "rows"), on, as_known)
        else:
            found = _check_stack(law, _check_kind(case, "rules"), on, as_known)
        return CaseResult(case, tuple(found))
    except LawError as error:
        return CaseResult(case, wrong=str(error))


def _policy_for_case(policy: Policy, case: Case) -> Policy:
    """The policy with the settings and options of the case, within the same bounds."""
    if not case.settings and not case.interpretations:
        return policy
    declared = setting_declarations(policy)
    values = {
        name: declared.parse_setting(name, parse_given(declared.settings.get(name), raw, case.place), case.place)
        for name, raw in case.settings.items()
    }
    values |= {name: declared.parse_option(name, raw, case.place) for name, raw in case.interpretations.items()}
    return apply_scenario(policy, Scenario(case.title, values))


def _check_kind(case: Case, kind: str) -> Case:
    if case.kind != kind:
        raise LawError(
            f"{case.place}：关于 {case.subject} 的算例应写 {kind}，不是 {case.kind}", code="law.case_question"
        )
    return case


def _check_rule(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[CaseDifference]:
    rule = policy.rule(case.subject)
    facts = _parse_facts(rule, case.given, case.place)
    answer = explain(policy, rule, facts, on=on, as_known=as_known, began=case.began)
    status = _expected_status(case)
    if answer.status is not status:
        yield CaseDifference("答案", STATUS_ZH[status], STATUS_ZH[answer.status])
    owed = (
        parse_yuan(case.expected["amount"], case.place)
        if "amount" in case.expected
        else 0
        if status in WITHOUT_AMOUNT
        else None
    )
    if answer.amount_fen != owed:
        yield CaseDifference("金额", _format_money(owed), _format_money(answer.amount_fen))
    codes, wanted = [reason.code for reason in answer.reasons], case.expected.get("reasons", [])
    if codes != wanted:
        yield CaseDifference("理由", _format_codes(wanted), _format_codes(codes))
    if "nearest" in case.expected:
        needed = {change.fact: to_json(change.needed) for change in answer.nearest}
        meant = {
            name: to_json(value) for name, value in _parse_facts(rule, case.expected["nearest"], case.place).items()
        }
        if needed != meant:
            yield CaseDifference("最近的符合条件的情形", _format_table(meant), _format_table(needed))


def _check_allotment(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[CaseDifference]:
    rule = policy.allotment(case.subject)
    specs = {spec.name: spec for spec in rule.facts}
    rows: dict[str, dict[str, Any]] = {}
    for name, row in case.given.items():
        if not isinstance(row, dict) or not set(row) <= set(specs):
            raise LawError(f"{case.place}：{name} 应为一张表，可写 {'、'.join(specs)}", code="law.table_expected")
        rows[str(name)] = {fact: parse_given(specs[fact], value, case.place) for fact, value in row.items()}
    budget = None if case.budget is None else parse_yuan(case.budget, case.place)
    try:
        done = allot_budget(policy, rule, rows, on=on, as_known=as_known, budget_fen=budget)
    except LawError as refusal:
        if str(case.expected.get("refused", "\0")) not in str(refusal):
            yield CaseDifference("结果", _format_table(case.expected.get("amounts", {})) or "拒绝", f"拒绝：{refusal}")
        return
    shares = {share.name: share.amount_fen for share in done.shares}
    yield from _check_amounts(case, "amounts", shares)


def _check_stack(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[CaseDifference]:
    asked = []
    for key, raw in case.given.items():
        place = _find_rule(policy, str(key))
        if not isinstance(raw, dict):
            raise LawError(f"{case.place}：{key} 应为一张事实的表", code="law.table_expected")
        asked.append(RuleInput(place, _parse_facts(place.rule, raw, f"{case.place}，{key}")))
    shared = [_parse_shared(policy, str(rules), raw, case.place) for rules, raw in case.shared.items()]
    try:
        combined = combine_answers(asked, on=on, as_known=as_known, shared=shared)
    except LawError as refusal:
        if str(case.expected.get("refused", "\0")) not in str(refusal):
            yield CaseDifference("结果", _format_table(case.expected.get("payable", {})) or "拒绝", f"拒绝：{refusal}")
        return
    grounds = [found for found in combined if found.ground == case.subject]
    rows = [row for found in grounds for row in found.rows]
    shown = {row.place.rule.key if row.place.policy is policy else row.place.key: row.payable_fen for row in rows}
    yield from _check_amounts(case, "payable", shown)


def _check_claims(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[CaseDifference]:
    """Several claims: facts by the claim's name, with `claimant` and (of several rules) `rule` beside them."""
    claims = []
    for name, raw in case.given.items():
        if not isinstance(raw, dict) or "claimant" not in raw:
            raise LawError(f"{case.place}：申报 {name} 应为一张表，写明 claimant（谁的）", code="law.table_expected")
        rule = policy.rule(str(raw.get("rule", case.subject)))
        facts = {fact: value for fact, value in raw.items() if fact not in ("claimant", "rule")}
        parsed = _parse_facts(rule, facts, f"{case.place}，{name}")
        claims.append(ClaimInput(rule.key, str(raw["claimant"]), parsed, str(name)))
    answers = decide_claims(policy, claims, on=on, as_known=as_known)
    yield from _check_amounts(case, "amounts", {answer.claim.name: answer.amount_fen for answer in answers})
    codes = ((answer.claim.name, reason.code) for answer in answers for reason in answer.reasons)
    told = {name: code[8:].rpartition("@")[0] for name, code in codes if code.startswith("repeats:")}
    meant = {str(name): str(first) for name, first in case.expected.get("repeats", {}).items()}
    if told != meant:
        yield CaseDifference("重复", _format_table(meant), _format_table(told))


def _parse_shared(policy: Policy, rules: str, raw: object, place: str) -> SharedSpend:
    """A part of the spend that several rules claim: `"anhui-agi-2023/2.2 + w.2": 20万元`."""
    return SharedSpend(
        frozenset(_find_rule(policy, key.strip()).key for key in rules.split("+")), parse_yuan(raw, place)
    )


def _find_rule(policy: Policy, key: str) -> PolicyRule:
    """A rule of this policy ("1.2"), or of another one ("anhui-agi-2023/2.2") as its own folder has it."""
    name, slash, rule = key.rpartition("/")
    if not slash:
        return PolicyRule(policy, policy.rule(key))
    for folder in search_path():
        if (folder / name / "policy.toml").is_file():
            other = load_folder(folder / name)
            return PolicyRule(other, other.rule(rule))
    raise LawError(f"没有政策 {name}（{key}）", code="law.policy_unknown")


def _parse_facts(rule: Rule, raw: Mapping[str, Any], place: str) -> dict[str, Any]:
    try:
        specs = {spec.name: spec for spec in cut_rule(rule, part_starts(rule, map(str, raw))).facts}
        return dict(
            parse_facts(rule, {str(name): parse_given(specs.get(name), value, place) for name, value in raw.items()})
        )
    except LawError as error:
        raise LawError(f"{place}：{error}", code=error.code) from None


def _expected_status(case: Case) -> Status:
    expected = case.expected.get("answer")
    if expected not in list(Status):
        raise LawError(f"{case.place}：answer 应为 {'、'.join(Status)} 之一", code="law.case_expectation")
    return Status(expected)


def _check_amounts(case: Case, key: str, got: Mapping[str, int | None]) -> Iterator[CaseDifference]:
    expected = case.expected.get(key)
    if not isinstance(expected, dict):
        yield CaseDifference("结果", f"拒绝：{case.expected.get('refused', '')}", _format_amounts(got))
        return
    wanted = {str(name): None if raw is None else parse_yuan(raw, case.place) for name, raw in expected.items()}
    if wanted != got:
        yield CaseDifference(
            "各方金额" if key == "amounts" else "各条可付", _format_amounts(wanted), _format_amounts(got)
        )


def _format_amounts(amounts: Mapping[str, int | None]) -> str:
    return "，".join(f"{name} {_format_money(amount)}" for name, amount in amounts.items())


def _format_money(amount: int | None) -> str:
    return "无金额" if amount is None else f"{format_fen(amount)} 元"


def _format_codes(codes: list[str]) -> str:
    return "、".join(map(str, codes)) or "无"


def _format_table(values: Mapping[str, Any]) -> str:
    return "，".join(f"{name}: {value}" for name, value in values.items()) or "无"
