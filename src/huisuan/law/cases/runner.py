"""Running worked cases: each is asked as anybody would ask, and what differs from what was written is named.

Cases are asked under the settings in the policy's own folder: what the platform adopts later does not change them.
A case that names no day is asked on the first day in force, with everything known since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.law.budget.allotment import allot
from huisuan.law.cases.case_file import Case, fen, given, read_cases
from huisuan.law.explain.combine import Asked, combine
from huisuan.law.explain.explain import explain, read_facts
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import to_json, yuan
from huisuan.law.policy.load import load_folder, search_path
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply, declarations
from huisuan.law.policy.stacking import Place

WITHOUT_AMOUNT = (Status.NOT_ELIGIBLE, Status.NOT_IN_FORCE)


@dataclass(frozen=True)
class Difference:
    """One thing that came out otherwise than the case says, both in words."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True)
class Outcome:
    """A case and how it came out; `wrong` where it could not be asked at all."""

    case: Case
    differences: tuple[Difference, ...] = ()
    wrong: str = ""

    @property
    def holds(self) -> bool:
        """Whether it came out as written."""
        return not self.differences and not self.wrong

    def as_json(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "case": self.case.title, "of": self.case.subject, "place": self.case.place, "holds": self.holds,
            "wrong": self.wrong,
            "differences": [
                {"what": each.what, "expected": each.expected, "got": each.got} for each in self.differences
            ],
        }  # fmt: skip


def cases_of(policy: Policy) -> tuple[Case, ...]:
    """The cases of a policy, file by file.

    Raises:
        LawError: a file that cannot be read, or that is named by nothing that the policy decides.
    """
    found: list[Case] = []
    for path in sorted((policy.folder / "cases").glob("*.yaml")):
        if path.stem not in subjects(policy):
            known = "、".join(subjects(policy))
            raise LawError(f"cases/{path.name}：没有规则、分配或叠加“{path.stem}”；文件名应为 {known} 之一")
        found.extend(read_cases(path))
    return tuple(found)


def subjects(policy: Policy) -> tuple[str, ...]:
    """What cases may ask: rules and allotments by key, and the grounds that rules combine on."""
    keys = (*(rule.key for rule in policy.rules), *(each.key for each in policy.allotments))
    return (*keys, *(each.ground for each in policy.stackings))


def run_all(policy: Policy) -> Iterator[Outcome]:
    """Every case of the policy and how it comes out."""
    for case in cases_of(policy):
        yield run(policy, case)


def run(policy: Policy, case: Case) -> Outcome:
    """How one case comes out; what is wrong with the case itself is told, not raised."""
    try:
        law = _supposed(policy, case)
        on, as_known = case.day or law.valid_from, case.as_known or date.max
        if case.subject in [rule.key for rule in law.rules]:
            found = _rule(law, _of_kind(case, "facts"), on, as_known)
        elif case.subject in [each.key for each in law.allotments]:
            found = _allotment(law, _of_kind(case, "rows"), on, as_known)
        else:
            found = _stack(law, _of_kind(case, "rules"), on, as_known)
        return Outcome(case, tuple(found))
    except LawError as error:
        return Outcome(case, wrong=str(error))


def _supposed(policy: Policy, case: Case) -> Policy:
    """The policy with the settings and options of the case, within the same bounds."""
    if not case.settings and not case.interpretations:
        return policy
    declared = declarations(policy)
    values = {
        name: declared.value(name, given(declared.settings.get(name), raw, case.place), case.place)
        for name, raw in case.settings.items()
    }
    values |= {name: declared.option(name, raw, case.place) for name, raw in case.interpretations.items()}
    return apply(policy, Scenario(case.title, values))


def _of_kind(case: Case, kind: str) -> Case:
    if case.kind != kind:
        raise LawError(f"{case.place}：关于 {case.subject} 的算例应写 {kind}，不是 {case.kind}")
    return case


def _rule(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[Difference]:
    rule = policy.rule(case.subject)
    answer = explain(policy, rule, _facts(rule, case.asked, case.place), on=on, as_known=as_known)
    status = _status(case)
    if answer.status is not status:
        yield Difference("答案", STATUS_ZH[status], STATUS_ZH[answer.status])
    owed = fen(case.told["amount"], case.place) if "amount" in case.told else 0 if status in WITHOUT_AMOUNT else None
    if answer.amount_fen != owed:
        yield Difference("金额", _money(owed), _money(answer.amount_fen))
    codes, wanted = [each.code for each in answer.reasons], case.told.get("reasons", [])
    if codes != wanted:
        yield Difference("理由", _listed(wanted), _listed(codes))
    if "nearest" in case.told:
        needed = {each.fact: to_json(each.needed) for each in answer.nearest}
        meant = {name: to_json(value) for name, value in _facts(rule, case.told["nearest"], case.place).items()}
        if needed != meant:
            yield Difference("最近的符合条件的情形", _table(meant), _table(needed))


def _allotment(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[Difference]:
    rule = policy.allotment(case.subject)
    specs = {spec.name: spec for spec in rule.facts}
    rows: dict[str, dict[str, Any]] = {}
    for name, row in case.asked.items():
        if not isinstance(row, dict) or not set(row) <= set(specs):
            raise LawError(f"{case.place}：{name} 应为一张表，可写 {'、'.join(specs)}")
        rows[str(name)] = {each: given(specs[each], value, case.place) for each, value in row.items()}
    budget = None if case.budget is None else fen(case.budget, case.place)
    try:
        done = allot(policy, rule, rows, on=on, as_known=as_known, budget_fen=budget)
    except LawError as refusal:
        if str(case.told.get("refused", "\0")) not in str(refusal):
            yield Difference("结果", _table(case.told.get("amounts", {})) or "拒绝", f"拒绝：{refusal}")
        return
    shares = {share.name: share.amount_fen for share in done.shares}
    yield from _amounts(case, "amounts", shares)


def _stack(policy: Policy, case: Case, on: date, as_known: date) -> Iterator[Difference]:
    asked = []
    for key, raw in case.asked.items():
        place = _place(policy, str(key))
        if not isinstance(raw, dict):
            raise LawError(f"{case.place}：{key} 应为一张事实的表")
        asked.append(Asked(place, _facts(place.rule, raw, f"{case.place}，{key}")))
    grounds = [found for found in combine(asked, on=on, as_known=as_known) if found.ground == case.subject]
    rows = [row for found in grounds for row in found.rows]
    shown = {row.place.rule.key if row.place.policy is policy else row.place.key: row.payable_fen for row in rows}
    yield from _amounts(case, "payable", shown)


def _place(policy: Policy, key: str) -> Place:
    """A rule of this policy ("1.2"), or of another one ("anhui-agi-2023/2.2") as its own folder has it."""
    name, slash, rule = key.rpartition("/")
    if not slash:
        return Place(policy, policy.rule(key))
    for folder in search_path():
        if (folder / name / "policy.toml").is_file():
            other = load_folder(folder / name)
            return Place(other, other.rule(rule))
    raise LawError(f"没有政策 {name}（{key}）")


def _facts(rule: Rule, raw: Mapping[str, Any], place: str) -> dict[str, Any]:
    specs = {spec.name: spec for spec in rule.facts}
    try:
        return dict(read_facts(rule, {str(name): given(specs.get(name), value, place) for name, value in raw.items()}))
    except LawError as error:
        raise LawError(f"{place}：{error}") from None


def _status(case: Case) -> Status:
    told = case.told.get("answer")
    if told not in list(Status):
        raise LawError(f"{case.place}：answer 应为 {'、'.join(Status)} 之一")
    return Status(told)


def _amounts(case: Case, key: str, got: Mapping[str, int | None]) -> Iterator[Difference]:
    told = case.told.get(key)
    if not isinstance(told, dict):
        yield Difference("结果", f"拒绝：{case.told.get('refused', '')}", _shares(got))
        return
    wanted = {str(name): None if raw is None else fen(raw, case.place) for name, raw in told.items()}
    if wanted != got:
        yield Difference("各方金额" if key == "amounts" else "各条可付", _shares(wanted), _shares(got))


def _shares(amounts: Mapping[str, int | None]) -> str:
    return "，".join(f"{name} {_money(amount)}" for name, amount in amounts.items())


def _money(amount: int | None) -> str:
    return "无金额" if amount is None else f"{yuan(amount)} 元"


def _listed(codes: list[str]) -> str:
    return "、".join(map(str, codes)) or "无"


def _table(values: Mapping[str, Any]) -> str:
    return "，".join(f"{name}: {value}" for name, value in values.items()) or "无"
