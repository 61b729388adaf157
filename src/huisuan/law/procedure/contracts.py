"""What a programme declares of the contract after its decision: reports, acceptance, and who of a race goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.values import ValueKind
from huisuan.law.procedure.cap_scopes import cap_scope, text_amount

#: who knows what a project came to in the end: the platform, from its evaluation; nobody states it beforehand
CONCLUSION = "conclusion"


@dataclass(frozen=True)
class RaceSpec:
    """Several runners of one task. At milestone `at` the `remain` best go on, none below `mark`; the others stop.

    `runners` is how many of a task are put under contract at most. All these are settings. `cap_fen` is the limit of
    what is paid, `cap_of` the question whether each runner has it or all of a task together (`CapScope`).
    """

    runners: SettingSpec
    at: SettingSpec
    remain: SettingSpec
    mark: SettingSpec
    cap_fen: int = 0
    cap_of: InterpretationSpec | None = None

    def figures(self) -> dict[str, SettingSpec]:
        """Its figures by name."""
        return {"runners": self.runners, "at": self.at, "remain": self.remain, "mark": self.mark}


@dataclass(frozen=True)
class AuditSpec:
    """Which fact of the rule says what was budgeted, and which what the audit found left of it at the end."""

    budget: str
    unspent: str


@dataclass(frozen=True)
class ContractSpec:
    """Money by milestone. All figures are settings.

    A report is due `report_days` working days after the day of a milestone, and is reminded of `remind_days` days
    before it. What is evaluated below `mark` at the end is found at the next claim of the party. `panel`: so many drawn
    experts accept a milestone; None: the office that made the contract does. `audited`: it is not closed before the
    audit of what it came to is on record.
    """

    report_days: SettingSpec
    remind_days: SettingSpec
    mark: SettingSpec
    panel: SettingSpec | None = None
    race: RaceSpec | None = None
    audited: AuditSpec | None = None

    def figures(self) -> dict[str, SettingSpec]:
        """Its figures by name, in the order in which they are told; those of a race apart."""
        found = {"report_days": self.report_days, "remind_days": self.remind_days, "mark": self.mark}
        return found if self.panel is None else found | {"panel": self.panel}

    def settings(self) -> tuple[SettingSpec, ...]:
        """Every setting that it rests on."""
        return (*self.figures().values(), *(self.race.figures().values() if self.race else ()))

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it; settings by name."""
        said: dict[str, Any] = {"figures": {name: spec.name for name, spec in self.figures().items()}}
        if self.race is not None:
            said["race"] = {name: spec.name for name, spec in self.race.figures().items()}
            if self.race.cap_of is not None:
                said["race_cap"] = {"of": self.race.cap_of.name, "fen": self.race.cap_fen}
        if self.audited is not None:
            said["audited"] = {"budget": self.audited.budget, "unspent": self.audited.unspent}
        return said


def audited(*, budget: object, unspent: object) -> AuditSpec:
    """The audit at the end of a project as an article writes it: two facts of the rule, in money.

    Raises:
        LawError: one is no such fact, or others than the platform are said to know what was left.
    """
    first, left = _money_fact(budget), _money_fact(unspent)
    if left.known_by != CONCLUSION:
        raise LawError(
            f'结题审计（audited）的结余须是一项 known_by="{CONCLUSION}" 的事实', code="law.audited_facts_wrong"
        )
    return AuditSpec(first.name, left.name)


def _money_fact(handle: object) -> FactSpec:
    node = getattr(handle, "node", None)
    specs = () if node is None else nodes.facts_of(node)
    if len(specs) != 1 or specs[0].kind is not ValueKind.MONEY:
        raise LawError("结题审计（audited）须写一项金额事实", code="law.audited_facts_wrong")
    return specs[0]


def race(
    *, runners: object, at: object, remain: object, mark: object, cap: object = None, cap_of: object = None
) -> RaceSpec:
    """A race as an article writes it; `cap` is an amount of the text.

    Raises:
        LawError: a figure that is no setting, a limit that is none of the text, a question that asks something else.
    """
    figures = (_count(runners), _count(at), _count(remain), _count(mark))
    if cap is None or cap_of is None:
        return RaceSpec(*figures)
    return RaceSpec(*figures, text_amount(cap, "赛马的上限"), cap_scope(cap_of))


def milestone_contract(
    *, report_days: object, remind_days: object, mark: object, panel: object = None, race: RaceSpec | None = None,
    audited: AuditSpec | None = None,
) -> ContractSpec:  # fmt: skip
    """The contract of a programme as an article writes it; the figures are settings of the policy.

    Raises:
        LawError: a figure that is no setting.
    """
    drawn = None if panel is None else _count(panel)
    return ContractSpec(_count(report_days), _count(remind_days), _count(mark), drawn, race, audited)


def _count(figure: object) -> SettingSpec:
    spec = figure if isinstance(figure, SettingSpec) else getattr(getattr(figure, "node", None), "spec", None)
    if not isinstance(spec, SettingSpec) or spec.kind is not ValueKind.INT:
        raise LawError("合同的数字须是个数参数（count_setting），不能写死", code="law.setting_expected")
    return spec
