"""All combinations of levels for the product of a table, with what each costs: what its steward picks from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.anonymity.hierarchies import build_hierarchy
from huisuan.opendata.anonymity.lattice import Generalisation, measure_lattice
from huisuan.opendata.anonymity.roles import SuggestedRole, suggest_role
from huisuan.opendata.anonymity.table_risk import FEWEST_K, MOST_K
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.labels import part_label, safe_label
from huisuan.opendata.gate.remaking import table_as_judged
from huisuan.opendata.models import GateFile

LARGEST_MEASURED = 64 * 1024 * 1024  # bytes of a file that is read once more to be measured


@dataclass(frozen=True)
class TableChoice:
    """The columns of the product with their suggested roles, and every combination for those that were chosen."""

    part: str
    parts: tuple[str, ...]
    rows: int
    roles: dict[str, str]
    quasi: tuple[str, ...]
    sensitive: str
    k: int
    lattice: list[Generalisation]


def measure_choice(file: GateFile, part: str, quasi: Sequence[str], sensitive: str, k: int) -> TableChoice:
    """Measure the product of a table as it is judged now; without `quasi` its suggested quasi-identifiers.

    Raises:
        Conflict, InvalidRequest, Unavailable: see `table_as_judged` and `measure_lattice`; k is out of bounds.
    """
    if not FEWEST_K <= k <= MOST_K:
        raise InvalidRequest(f"k={k}：须在 {FEWEST_K} 至 {MOST_K} 之间", code="anonymity.k_out_of_bounds")
    if file.size > LARGEST_MEASURED:
        raise InvalidRequest(
            f"文件大于 {LARGEST_MEASURED // 1024 // 1024} MB：请用 huisuan data risk 算",
            code="gate.too_large_to_measure",
        )
    read = table_as_judged(file, latest_scan(file), part)
    made = read.made
    columns = {heading: [row[at] for row in made.rows] for at, heading in enumerate(made.header)}
    roles = {heading: str(suggest_role(heading, values)) for heading, values in columns.items()}
    chosen = tuple(name for name in quasi if name in columns)
    chosen = chosen or tuple(name for name, role in roles.items() if role == SuggestedRole.QUASI_IDENTIFIER)
    suggested = next((name for name, role in roles.items() if role == SuggestedRole.SENSITIVE), "")
    held = sensitive if sensitive in columns else suggested
    hierarchies = [build_hierarchy(heading, columns[heading]) for heading in chosen]
    lattice = measure_lattice(hierarchies, k, columns[held] if held else None) if chosen and made.rows else []
    shown = {safe_label(name): role for name, role in roles.items()}
    return TableChoice(part_label(read.part), read.parts, len(made.rows), shown, chosen, held, k, lattice)
