"""What waits for somebody at the gate, and what a file holds as its steward sees it: masked, in its row, by column."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.opendata.gate.labels import part_label, safe_label
from huisuan.opendata.gate.stores import checked_path, load_content, quarantine
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateDutyHeld, GateFile
from huisuan.opendata.names.stage import names_in_lines
from huisuan.opendata.scanning.caged import read_tables, read_texts
from huisuan.opendata.scanning.finding_kinds import WITHOUT_VALUE, FindingKind, mask_value
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.words import looks_like_name
from huisuan.parties.models import Person

_LARGEST_SHOWN = 4 * 1024 * 1024  # bytes of a file that is read once more to show rows of it
_LONGEST_CELL, _LONGEST_LINE = 24, 160
_DIGITS = re.compile(r"\d{5,}")


class Waiting(StrEnum):
    """What a file waits for, of a person who may do it."""

    JUDGE = "judge"
    REMAKE = "remake"
    RELEASE = "release"


_STATES = {
    GateState.TO_JUDGE: (Waiting.JUDGE, GateDuty.JUDGE), GateState.CLEAN: (Waiting.REMAKE, GateDuty.JUDGE),
    GateState.READY: (Waiting.RELEASE, GateDuty.RELEASE),
}  # fmt: skip


def waits_for(file: GateFile, person: Person) -> Waiting | None:
    """What a file waits for that this person may do; None: nothing, or it is for somebody else."""
    waiting, duty = _STATES.get(GateState(file.state), (None, None))
    if waiting is None or file.uploaded_by_id == person.pk:
        return None
    held = GateDutyHeld.objects.filter(file=file, person=person).values_list("duty", flat=True).first()
    return waiting if held in (None, duty) else None


def waiting_files(files: QuerySet[GateFile], person: Person) -> QuerySet[GateFile]:
    """Those of the files that wait for something that this person may do."""
    held_as = GateDutyHeld.objects.filter(person=person).values("file")
    others = Q()
    for state, (_, duty) in _STATES.items():
        others |= Q(state=state, pk__in=held_as.exclude(duty=duty))
    return files.filter(state__in=_STATES).exclude(others)


@dataclass
class FoundColumn:
    """All findings of a kind in a column of a part: how many, how many nobody judged, and what was judged."""

    part: str
    column: int
    heading: str
    kind: str
    kind_zh: str
    first: int  # the number of one of them
    count: int = 0
    left: int = 0
    judged: Counter[str] = field(default_factory=Counter)


def found_columns(findings: Iterable[Mapping[str, Any]]) -> list[FoundColumn]:
    """Findings by part, column and kind, in the order of the file."""
    found: dict[tuple[str, int, str], FoundColumn] = {}
    for one in findings:
        key = (one["part"], one["column"], one["kind"])
        if key not in found:
            found[key] = FoundColumn(*key[:2], one["heading"], one["kind"], str(one["kind_zh"]), one["number"])
        column = found[key]
        column.count += 1
        column.left += not one["judged"]
        column.judged.update([one["judged"]] if one["judged"] else [])
    return list(found.values())


def count_kinds(findings: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How many findings there are of each kind, by its Chinese name."""
    return Counter(str(one["kind_zh"]) for one in findings)


Place = tuple[str, int]  # a part and a row of it


def rows_around(
    file: GateFile, shown: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> dict[Place, list[tuple[int, str]]]:
    """The cells of the rows of these findings, every value of all findings masked; none of a file too large to read.

    What is masked: each finding, whatever the patterns find in any cell, and the cells of a column found as a whole.
    """
    wanted = {(one["part"], one["row"]) for one in shown if one["row"] and one["column"]}
    if not wanted or file.size > _LARGEST_SHOWN:
        return {}
    name = load_content(quarantine(), file.name_sha256).decode("utf-8", "replace")
    tables = read_tables(checked_path(quarantine(), file.sha256), name)
    if isinstance(tables, str):
        return {}
    kinds: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for one in findings:
        kinds[one["part"], one["row"], one["column"]].append(one["kind"])
    found: dict[Place, list[tuple[int, str]]] = {}
    for table in tables:
        part = part_label(table.part)
        for row, cells in table.rows:
            if (part, row) in wanted:
                found[part, row] = [
                    (at, _masked(cell, kinds[part, row, at] + kinds[part, 0, at]))
                    for at, cell in enumerate(cells, start=1)
                ]
    return found


def lines_around(
    file: GateFile, shown: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]
) -> dict[Place, str]:
    """The lines of running text in which these findings stand, every value masked; none of a file too large to read.

    A line in which not all that was found is found again is not shown, nor a longer run of digits: it may be a piece.
    """
    wanted = {(one["part"], one["row"]) for one in shown if one["row"] and not one["column"]}
    if not wanted or file.size > _LARGEST_SHOWN:
        return {}
    name = load_content(quarantine(), file.name_sha256).decode("utf-8", "replace")
    texts = read_texts(checked_path(quarantine(), file.sha256), name)
    if isinstance(texts, str):
        return {}
    people = Counter((one["part"], one["row"]) for one in findings if one["kind"] == FindingKind.NAME)
    found: dict[Place, str] = {}
    for text in texts:
        part = part_label(text.part)
        for row, cells in text.rows:
            if (part, row) in wanted:
                line = _masked_line("\t".join(cells), people[part, row])
                found.update({(part, row): line} if line else {})
    return found


def _masked_line(line: str, people: int) -> str:
    """A line with what the patterns and the tagger find masked; "" where fewer names are found than were before."""
    plain = fold_text(line).text
    names = names_in_lines([plain])
    if sum(plain.count(name) for name in names) < people or looks_like_name(plain.strip()):
        return ""
    for name in sorted(names, key=len, reverse=True):
        plain = plain.replace(name, mask_value(FindingKind.NAME, name))
    shown = _DIGITS.sub("***", safe_label(plain))
    return shown if len(shown) <= _LONGEST_LINE else shown[:_LONGEST_LINE] + "…"


def _masked(cell: str, kinds: Sequence[str]) -> str:
    shown = safe_label(cell)
    if shown == cell and cell.strip():
        for kind in kinds:
            shown = "***" if kind in WITHOUT_VALUE else mask_value(FindingKind(kind), cell.strip())
    return shown if len(shown) <= _LONGEST_CELL else shown[:_LONGEST_CELL] + "…"
