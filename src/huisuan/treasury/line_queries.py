"""Reading budget lines: what stands on each, which were not used for years, and bank lines that wait for a person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.treasury.models import Account, AppropriationLine, BankOutcome, BankReturnLine, Entry

UNUSED_YEARS = 2  # then what is left on a line is handed back


@dataclass(frozen=True)
class LineRow:
    """A line with what stands on its accounts, in fen. `unused_years`: full years since its own with money left."""

    id: int
    line: str
    policy: str
    sentence: str
    year: int
    office: str
    available_fen: int
    committed_fen: int
    ordered_fen: int
    paid_fen: int
    lapsed_fen: int
    unused_years: int

    @property
    def to_hand_back(self) -> bool:
        """Whether what is left of it is to be handed back."""
        return self.unused_years >= UNUSED_YEARS

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self) | {"to_hand_back": self.to_hand_back}


def list_lines(policy: str, now: datetime, *, unused_only: bool = False) -> list[LineRow]:
    """The lines of one policy, or of all (empty), the newest first; on request only those to be handed back."""
    found = AppropriationLine.objects.filter(policy=policy) if policy else AppropriationLine.objects.all()
    lines = list(found)
    balances: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Account.objects.filter(line__in=lines, debt="").values_list("line_id", "kind", "balance")
    for line_id, kind, fen in rows:
        assert line_id is not None  # filtered
        balances[line_id][kind] = fen
    year = now.astimezone(SHANGHAI).year
    shown = [_row(line, balances[line.pk], year) for line in lines]
    return [row for row in shown if row.to_hand_back] if unused_only else shown


def _row(line: AppropriationLine, held: dict[str, int], year: int) -> LineRow:
    left = held.get("available", 0)
    return LineRow(
        line.pk, str(line), line.policy, line.sentence, line.year, line.office, left, held.get("committed", 0),
        held.get("ordered", 0), held.get("paid", 0), held.get("lapsed", 0),
        max(0, year - line.year) if left or held.get("committed", 0) else 0,
    )  # fmt: skip


def get_budget_line(number: int) -> AppropriationLine:
    """A line by its id.

    Raises:
        NotFound: none.
    """
    found = AppropriationLine.objects.filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有预算 {number}", code="treasury.line_unknown")
    return found


def get_return_line(number: str) -> BankReturnLine:
    """A line of a file of returns by its number, as `3/2` or `3-2`.

    Raises:
        NotFound: none.
    """
    of_file, _, at = number.replace("-", "/").partition("/")
    sound = all(part.isdecimal() and len(part) < 10 for part in (of_file, at))
    found = BankReturnLine.objects.filter(file=int(of_file), number=int(at)).first() if sound else None
    if found is None:
        raise NotFound(f"没有回单行 {number}", code="treasury.return_line_unknown")
    return found


def unmatched_to_dict(row: BankReturnLine) -> dict[str, Any]:
    """A line that waits, as JSON carries it."""
    return {
        "line": str(row), "order": row.order_name, "amount_fen": row.amount_fen, "succeeded": row.succeeded,
        "why": row.why, "bank_reason": row.bank_reason,
    }  # fmt: skip


def unmatched_lines() -> QuerySet[BankReturnLine]:
    """Lines of returns that paid what fitted no order and that nobody has dealt with yet, the oldest first.

    A failure that fits no order moved no money: the report of its import tells it, and nothing waits for a decision.
    """
    dealt_with = Entry.objects.filter(reverses=OuterRef("entry"))
    moved = BankReturnLine.objects.filter(outcome=BankOutcome.CLEARING, entry__isnull=False)
    found = moved.exclude(Exists(dealt_with))
    return found.select_related("file", "order").order_by("pk")
