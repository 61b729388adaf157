"""A table's risk: its columns with their suggested roles, and every way to make the quasi-identifiers coarser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.anonymity.hierarchies import build_hierarchy
from huisuan.opendata.anonymity.lattice import Generalisation, measure_lattice, rows_at_risk
from huisuan.opendata.anonymity.roles import SuggestedRole, suggest_role
from huisuan.opendata.scanning.readers.any_file import read_blocks
from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget

FEWEST_K, MOST_K = 2, 1000
_EXAMPLES = 20


@dataclass(frozen=True)
class TableRisk:
    """What was measured; `first_risky` are numbers of lines whose class is too small while everything is exact."""

    rows: int
    roles: dict[str, str]
    quasi: tuple[str, ...]
    sensitive: str
    k: int
    first_risky: list[int]
    lattice: list[Generalisation]

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it; `cheapest` keeps every class at k or more with the least loss."""
        safe = next((one for one in self.lattice if one.rows_at_risk == 0), None)
        return {
            "rows": self.rows, "roles": self.roles, "quasi": list(self.quasi), "sensitive": self.sensitive, "k": self.k,
            "first_risky_lines": self.first_risky, "cheapest": safe.to_dict() if safe else None,
            "lattice": [one.to_dict() for one in self.lattice],
        }  # fmt: skip


def measure_table(
    content: bytes, name: str, *, quasi: Sequence[str] = (), sensitive: str = "", k: int = 5
) -> TableRisk:
    """Measure the first table of a file; without `quasi` its suggested quasi-identifiers.

    Raises:
        InvalidRequest: no table in it, a column that it has not, or a k out of bounds.
    """
    if not FEWEST_K <= k <= MOST_K:
        raise InvalidRequest(f"k={k}：须在 {FEWEST_K} 至 {MOST_K} 之间", code="anonymity.k_out_of_bounds")
    header, body, lines = _table(content, name)
    columns = {
        heading: [row[place] if place < len(row) else "" for row in body]
        for place, heading in enumerate(header)
        if heading
    }
    for asked in (*quasi, *([sensitive] if sensitive else [])):
        if asked not in columns:
            raise InvalidRequest(
                f"{name}: 没有列“{asked[:40]}”；有 {'、'.join(list(columns)[:40])}", code="anonymity.column_unknown"
            )
    roles = {heading: suggest_role(heading, values) for heading, values in columns.items()}
    chosen = tuple(quasi) or tuple(name for name, role in roles.items() if role is SuggestedRole.QUASI_IDENTIFIER)
    sensitive_column = sensitive or next((name for name, role in roles.items() if role is SuggestedRole.SENSITIVE), "")
    hierarchies = [build_hierarchy(heading, columns[heading]) for heading in chosen]
    lattice = measure_lattice(hierarchies, k, columns[sensitive_column] if sensitive_column else None)
    risky = rows_at_risk(hierarchies, [0] * len(hierarchies), k)[:_EXAMPLES]
    return TableRisk(len(body), dict(roles), chosen, sensitive_column, k, [lines[row] for row in risky], lattice)


def _table(content: bytes, name: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows and the numbers of their lines, of the first table; one cut into pieces is put together."""
    found: list[Block] = []
    try:
        for block in read_blocks(content, name, ReadBudget()):
            if isinstance(block, Block) and block.table and block.rows and (not found or block.part == found[0].part):
                found.append(block)
    except LimitReached as reached:
        raise InvalidRequest(
            f"{name}: 超过了限度：{reached.name}；请分成几个文件", code="anonymity.too_large"
        ) from None
    if not found or len(found[0].rows) < 2:
        raise InvalidRequest(f"{name}: 里面没有表；要有表头和至少一行数据", code="anonymity.no_table")
    header = [cell.strip() for cell in found[0].rows[0][1]]
    rows = [row for block in found for row in block.rows[1:]]
    return header, [cells for _, cells in rows], [number for number, _ in rows]
