"""What an answer consists of: a status, an amount in fen, and why, each line with its ground in the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from huisuan.law.model.values import to_json


class Status(StrEnum):
    """The answers; a zero is never silent. Priority is what titles and channels give beyond eligible.

    Not set is what only an authority can answer: a rate of the year, the share of a city. No fact is missing then.
    Not yet known is what is asked of a policy as of a day before it was issued.
    """

    ELIGIBLE = "eligible"
    PRIORITY = "priority"
    NOT_ELIGIBLE = "not_eligible"
    MISSING_FACTS = "missing_facts"
    NOT_SET = "not_set"
    NOT_IN_FORCE = "not_in_force"
    NOT_YET_KNOWN = "not_yet_known"
    DISCRETIONARY = "discretionary"
    BUDGET_EXHAUSTED = "budget_exhausted"


STATUS_ZH = {
    Status.ELIGIBLE: "应享", Status.PRIORITY: "符合条件且优先", Status.NOT_ELIGIBLE: "不符合条件",
    Status.MISSING_FACTS: "缺少事实", Status.NOT_SET: "参数未定",
    Status.NOT_IN_FORCE: "不在有效期", Status.NOT_YET_KNOWN: "尚未公布",
    Status.DISCRETIONARY: "一事一议", Status.BUDGET_EXHAUSTED: "预算已用完",
}  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why the answer is not simply the full amount. `code` is stable and the same in every reading."""

    code: str
    text: str
    text_en: str = ""
    sentence: str = ""
    phrase: str = ""


@dataclass(frozen=True)
class Step:
    """One line of the reasoning with its ground. `holds`: True, False or (not known, or a figure) None."""

    kind: str
    sentence: str
    phrase: str
    text: str
    text_en: str
    value: Any
    holds: bool | None = None

    @property
    def mark(self) -> str:
        """✓ holds, ✗ does not, ? is not known, · is a figure."""
        if self.value is None:
            return "?"
        return {True: "✓", False: "✗", None: "·"}[self.holds]


@dataclass(frozen=True)
class Limit:
    """A cap of the law and whether it bound."""

    sentence: str
    phrase: str
    limit_fen: int
    uncapped_fen: int
    bound: bool


@dataclass(frozen=True)
class NeededChange:
    """One fact of the nearest eligible case that would have to be different."""

    fact: str
    label: str
    label_en: str
    now: Any
    needed: Any
    text: str
    text_en: str


@dataclass(frozen=True)
class SettingUsed:
    """A setting (or the option of an interpretation) that the answer rests on."""

    name: str
    label: str
    value: Any
    shown: str
    authority: str
    document: str
    valid_from: date
    known_from: date
    bound: str = ""
    question: str = ""
    sentence: str = ""
    phrase: str = ""


@dataclass(frozen=True)
class Answer:
    """What the law says for one set of facts. `amount_fen` is None where no number may be given."""

    policy: str
    digest: str
    key: str
    sentence: str
    title: str
    on: date
    as_known: date
    status: Status
    amount_fen: int | None
    reasons: tuple[Reason, ...]
    steps: tuple[Step, ...] = ()
    limits: tuple[Limit, ...] = ()
    settings: tuple[SettingUsed, ...] = ()
    interpretations: tuple[SettingUsed, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    grants: str = ""
    nearest: tuple[NeededChange, ...] = ()
    settings_by: str = ""  # by which day of the claim its settings are read: a name of `DayBasis`

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON carries it."""
        return {**_to_plain(asdict(self)), "status": self.status.value}


def _to_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return to_json(value)
