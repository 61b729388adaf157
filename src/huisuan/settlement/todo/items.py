"""The kinds of work that wait, who does each, and one piece of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from huisuan.base.months import SHANGHAI


class TodoKind(StrEnum):
    """What waits, in the order in which it is listed."""

    PROPOSAL = "proposal"
    CORRECTION = "correction"
    FLAG = "flag"
    SEAL = "seal"
    SETTLEMENT = "settlement"
    UNCLAIMED = "unclaimed"
    AGENT = "agent"


#: who does it; the others of its readers only see that it waits
WHO_ACTS: dict[TodoKind, frozenset[str]] = {
    TodoKind.PROPOSAL: frozenset({"province"}),
    TodoKind.CORRECTION: frozenset({"province"}),
    TodoKind.FLAG: frozenset({"province"}),
    TodoKind.SEAL: frozenset({"province"}),  # the centre's agent signs it afterwards by itself
    TodoKind.SETTLEMENT: frozenset({"province"}),
    TodoKind.UNCLAIMED: frozenset({"province", "centre"}),
    TodoKind.AGENT: frozenset({"centre"}),
}
#: in Chinese, for commands and JSON; pages have their own words
LABELS = {
    TodoKind.PROPOSAL: "参数提案待采用",
    TodoKind.CORRECTION: "更正待确认",
    TodoKind.FLAG: "疑点待答复",
    TodoKind.SEAL: "月份待封账",
    TodoKind.SETTLEMENT: "年度待结算",
    TodoKind.UNCLAIMED: "用量无人认领",
    TodoKind.AGENT: "站点代理没有回音",
}
#: why a year is to be settled
NEVER_SETTLED, NEW_SEALS, NEW_RECORDS, NEW_LAW = "never", "seals", "records", "law"


@dataclass(frozen=True)
class TodoItem:
    """One thing that waits.

    `about` is what it is about: a centre's code, a proposal's number, a year; `region` the centre's city. `count` is
    how many of them, `card_seconds` how much use. `since` is when the oldest came, `due` the last day to do it, None
    where nothing sets one. `detail` is what this kind has besides. `own`: the viewer proposed it and may not adopt it.
    """

    kind: TodoKind
    about: str
    name: str
    name_en: str = ""
    region: str = ""
    count: int = 1
    card_seconds: int | None = None
    since: datetime | None = None
    due: date | None = None
    own: bool = False
    detail: tuple[str, ...] = ()

    def is_overdue(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.due is not None and self.due < today

    def acts(self, role: str) -> bool:
        """Whether somebody of this role does it."""
        return role in WHO_ACTS[self.kind] and not self.own

    def to_dict(self, today: date, role: str) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "kind": self.kind.value, "kind_zh": LABELS[self.kind], "about": self.about, "name": self.name,
            "region": self.region, "count": self.count, "card_seconds": self.card_seconds,
            "since": self.since.astimezone(SHANGHAI).isoformat() if self.since else None, "due": self.due,
            "overdue": self.is_overdue(today), "yours": self.acts(role), "detail": list(self.detail),
        }  # fmt: skip
