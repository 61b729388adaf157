"""The lines of a bill as they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from huisuan.portal.ui import number_format
from huisuan.settlement.models import Bill, BillLine


@dataclass(frozen=True)
class BillLineView:
    """A bill line as it is read."""

    line: BillLine

    @property
    def amount(self) -> str:
        """What it comes to, in yuan to a hundredth of a fen: lines are not rounded."""
        return number_format.line_yuan(self.line.card_seconds, self.line.fen_per_card_hour)


def lines_of(bill: Bill) -> list[BillLineView]:
    """The lines of a bill in their order."""
    return [BillLineView(line) for line in bill.lines.select_related("accelerator")]
