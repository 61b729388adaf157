"""docs/architecture.md is true: its files exist, its walks are connected and short, no room is missing."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from support.source_tree import ROOT, modules

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
ROW = re.compile(r"^\| (\d+) \| `([^`]+)` \| [^|]+ \| ([^|]*) ?\|$", re.MULTILINE)
#: heading of a walk -> the most files that it may take
WALKS = {"Walk 1": 25, "Walk 2": 50}


def walk(heading: str) -> list[tuple[str, str]]:
    """The files of a walk in order, and how one gets to each that no other of them imports."""
    section = PAGE.split(f"### {heading}:")[1].split("\n## ")[0].split("\n### ")[0]
    rows = ROW.findall(section)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(rows) + 1))
    return [(file, how.strip()) for _, file, how in rows]


def imported_files() -> dict[str, set[str]]:
    """Which files each file names in an import, at its top or in a function, through the face of a package too."""
    names = {module.name: module for module in modules()}
    found: dict[str, set[str]] = {}
    for module in modules():
        needed: set[str] = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                needed |= {name if name in names else node.module for name in whole}
        found[module.file] = {names[name].file for name in needed if name in names}
    faces = {file: needed for file, needed in found.items() if file.endswith("__init__.py")}
    return {file: needed.union(*(faces[face] for face in needed & faces.keys())) for file, needed in found.items()}


@pytest.mark.parametrize("heading", WALKS)
def test_a_walk_is_short_and_its_files_lead_from_one_to_the_next(heading: str) -> None:
    steps = walk(heading)
    files = [file for file, _ in steps]
    assert len(files) == len(set(files)) <= WALKS[heading]
    missing = [file for file in files if not (ROOT / file).exists() and not (CHECKOUT / file).exists()]
    assert not missing
    needed = imported_files()
    reached = {target for file in files for target in needed.get(file, ()) if target != file}
    assert not [file for file, how in steps if not how and file not in reached]


def floors(column: str) -> list[set[str]]:
    """The rooms of each row of the table with that first column, from the roof."""
    table = PAGE.split(f"| {column} | What")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [set(re.findall(r"`(\w+)(?:/|\.py)`", cell)) for cell in cells]


@pytest.mark.parametrize(
    ("column", "contract"),
    [("Room", "The floors of the house"), ("Rooms of `compute/`", "The floors of compute")],
)
def test_the_floors_are_those_of_the_contracts(column: str, contract: str) -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [entry["layers"] for entry in contracts if entry["name"] == contract]
    assert floors(column) == [set(re.findall(r"\w+", layer)) for layer in layers]


def test_every_room_of_the_law_is_on_the_map() -> None:
    rooms = {path.name for path in (ROOT / "law").iterdir() if (path / "__init__.py").exists()}
    assert rooms - set(re.findall(r"`([a-z_]+)/`", PAGE)) == set()
