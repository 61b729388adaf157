"""The data of an issued bulletin, as anybody has it: what is published, what is hidden, how it adds up; and the attack.

A file is JSON: `cells` (key, value or null where hidden), `breakdowns` (dimension, whole, parts). Nothing in it says
which hidden cell is hidden for its own sake. Several files are one system: equal keys are one cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.bulletins.suppression.attack import Interval, Reader
from huisuan.bulletins.suppression.linked_cells import (
    Breakdown,
    CellKey,
    LinkedCells,
    SameCells,
    list_equal,
    list_sums,
)
from huisuan.bulletins.suppression.pattern import SuppressionPattern
from huisuan.compute.metering.audit.folder import canonical

DATA_FORMAT = "huisuan-bulletin-cells-1"
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class CellsCorrection:
    """What a file takes the place of (SHA-256 of its data as canonical JSON), and every cell that is another now."""

    cells_sha256: str
    changed: tuple[CellKey, ...]

    def to_dict(self) -> dict[str, object]:
        """As a file states it."""
        return {"cells_sha256": self.cells_sha256, "changed": [list(key) for key in self.changed]}


@dataclass(frozen=True)
class BulletinCells:
    """What bulletins say together; a value of None is hidden."""

    values: Mapping[CellKey, int | None]
    breakdowns: tuple[Breakdown, ...]
    corrects: CellsCorrection | None = None
    same: tuple[SameCells, ...] = ()  # of several files: what a correction left as it was

    def to_dict(self) -> dict[str, object]:
        """As a file states it, in a fixed order."""
        corrects = {"corrects": self.corrects.to_dict()} if self.corrects else {}
        return {
            **corrects,
            "format": DATA_FORMAT,
            "cells": [{"key": list(key), "value": value} for key, value in sorted(self.values.items())],
            "breakdowns": [
                {"dimension": one.dimension, "whole": one.whole, "parts": list(one.parts)} for one in self.breakdowns
            ],
        }


def publish_cells(system: LinkedCells, pattern: SuppressionPattern, keys: Iterable[CellKey]) -> BulletinCells:
    """What a bulletin that has these cells says of them."""
    values = {key: None if key in pattern.hidden else system.values[system.number[key]] for key in keys}
    return BulletinCells(values, system.breakdowns)


def read_bulletin_cells(paths: Sequence[Path]) -> BulletinCells:
    """Everything that these files publish.

    Raises:
        InvalidRequest: a file is no bulletin's data, or two of them give different values for one cell.
        OSError: one cannot be read.
    """
    values: dict[CellKey, int | None] = {}
    source: dict[CellKey, Path] = {}
    breakdowns: dict[Breakdown, None] = {}
    files, same = _keep_versions_apart({path: _parse(path) for path in paths})
    for path, read in files.items():
        for key, value in read.values.items():
            before = values.get(key)
            if before is not None and value is not None and before != value:
                raise InvalidRequest(
                    f"{path}：单元格 {'/'.join(key)} 是 {value:,}，{source[key]} 里是 {before:,}；"
                    "更正过的通报请连同更正它的一版一起给，或只给新的一版",
                    code="bulletin.cells_disagree",
                )
            if before is None:
                values[key], source[key] = value, path
        breakdowns |= dict.fromkeys(read.breakdowns)
    return BulletinCells(values, tuple(breakdowns), same=tuple(same))


def cells_digest(cells: BulletinCells) -> str:
    """By what a correction names the data that it takes the place of."""
    return text_sha256(canonical(cells.to_dict()))


def _keep_versions_apart(files: Mapping[Path, BulletinCells]) -> tuple[dict[Path, BulletinCells], list[SameCells]]:
    """What another of the files corrects gets measures of its own; what the correction left is the same in both."""
    corrected = {one.corrects.cells_sha256: one for one in files.values() if one.corrects}
    kept, same = {}, []
    for path, one in files.items():
        digest = cells_digest(one)
        newer = corrected.get(digest)
        name = {key: (f"{key[0]}@{digest[:12]}", *key[1:]) if newer else key for key in one.values}
        kept[path] = replace(one, values={name[key]: value for key, value in one.values.items()})
        if newer and newer.corrects:
            left = set(one.values) - set(newer.corrects.changed)
            # the newer version may be corrected itself: then its cells bear its name
            newest = cells_digest(newer)
            again = newest in corrected
            same += [(name[key], (f"{key[0]}@{newest[:12]}", *key[1:]) if again else key) for key in sorted(left)]
    return kept, same


def _parse(path: Path) -> BulletinCells:
    try:
        whole = json.loads(path.read_bytes()[: _LARGEST + 1])
        return parse_bulletin_cells(whole.get("cells_data", whole))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest(
            f"{path}：不是通报的数据文件（JSON，format 为 {DATA_FORMAT}）：{error}", code="bulletin.no_data_file"
        ) from None


def parse_bulletin_cells(data: Mapping[str, Any]) -> BulletinCells:
    """The inverse of `BulletinCells.to_dict`.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    if data["format"] != DATA_FORMAT:
        raise ValueError(f"format {data['format']!r}")
    values: dict[CellKey, int | None] = {}
    for cell in data["cells"]:
        key, value = _key(cell["key"]), cell["value"]
        if value is not None and (type(value) is not int or value < 0):
            raise ValueError(f"{'/'.join(key)}: {value!r}")
        values[key] = value
    breakdowns = tuple(
        Breakdown(int(one["dimension"]), str(one["whole"]), tuple(str(part) for part in one["parts"]))
        for one in data["breakdowns"]
    )
    said = data.get("corrects")
    corrects = CellsCorrection(str(said["cells_sha256"]), tuple(_key(key) for key in said["changed"])) if said else None
    return BulletinCells(values, breakdowns, corrects)


def _key(members: Iterable[object]) -> CellKey:
    return tuple(str(member) for member in members)


@dataclass(frozen=True)
class FoundCell:
    """A hidden cell with what a reader knows of it."""

    key: CellKey
    interval: Interval

    def to_dict(self) -> dict[str, object]:
        """As JSON says it."""
        return {
            "key": list(self.key), "least": self.interval.least, "most": self.interval.most,
            "recovered": self.interval.is_exact,
        }  # fmt: skip


def attack_bulletins(
    published: BulletinCells, floors: Mapping[CellKey, int] | None = None, own: Mapping[CellKey, int] | None = None
) -> list[FoundCell]:
    """Of every hidden cell what can be found out; `floors` and `own` are what a contributor adds of its own.

    Raises:
        InvalidRequest: a key is not there, or the values contradict each other.
    """
    keys = sorted(published.values)
    number = {key: at for at, key in enumerate(keys)}
    for key in [*(floors or {}), *(own or {})]:
        if key not in number:
            raise InvalidRequest(f"通报里没有单元格 {'/'.join(key)}", code="bulletin.no_such_cell")
    known = {number[key]: value for key, value in published.values.items() if value is not None}
    hidden = [number[key] for key in keys if published.values[key] is None]
    reader = Reader(
        [*list_sums(keys, published.breakdowns), *list_equal(keys, published.same)], known, hidden,
        {number[key]: value for key, value in (floors or {}).items()},
        {number[key]: value for key, value in (own or {}).items()},
    )  # fmt: skip
    mine = set(own or {})
    return [FoundCell(keys[cell], reader.interval(cell)) for cell in hidden if keys[cell] not in mine]
