"""What a programme declares of the contract after its decision: reports, acceptance, and who of a race goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import SettingSpec
from huisuan.law.model.values import ValueKind


@dataclass(frozen=True)
class RaceSpec:
    """Several runners of one task. At milestone `at` the `remain` best go on, none below `mark`; the others stop.

    `runners` is how many of a task are put under contract at most. All are settings.
    """

    runners: SettingSpec
    at: SettingSpec
    remain: SettingSpec
    mark: SettingSpec

    def figures(self) -> dict[str, SettingSpec]:
        """Its figures by name."""
        return {"runners": self.runners, "at": self.at, "remain": self.remain, "mark": self.mark}


@dataclass(frozen=True)
class ContractSpec:
    """Money by milestone. All figures are settings.

    A report is due `report_days` working days after the day of a milestone, and is reminded of `remind_days` days
    before it. What is evaluated below `mark` at the end is found at the next claim of the party. `panel`: so many drawn
    experts accept a milestone; None: the office that made the contract does.
    """

    report_days: SettingSpec
    remind_days: SettingSpec
    mark: SettingSpec
    panel: SettingSpec | None = None
    race: RaceSpec | None = None

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
        return said


def race(*, runners: object, at: object, remain: object, mark: object) -> RaceSpec:
    """A race as an article writes it.

    Raises:
        LawError: a figure that is no setting.
    """
    return RaceSpec(_count(runners), _count(at), _count(remain), _count(mark))


def milestone_contract(
    *, report_days: object, remind_days: object, mark: object, panel: object = None, race: RaceSpec | None = None
) -> ContractSpec:
    """The contract of a programme as an article writes it; the figures are settings of the policy.

    Raises:
        LawError: a figure that is no setting.
    """
    drawn = None if panel is None else _count(panel)
    return ContractSpec(_count(report_days), _count(remind_days), _count(mark), drawn, race)


def _count(figure: object) -> SettingSpec:
    spec = figure if isinstance(figure, SettingSpec) else getattr(getattr(figure, "node", None), "spec", None)
    if not isinstance(spec, SettingSpec) or spec.kind is not ValueKind.INT:
        raise LawError("合同的数字须是个数参数（count_setting），不能写死", code="law.setting_expected")
    return spec
