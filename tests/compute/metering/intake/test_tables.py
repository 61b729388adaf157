"""One page names every table of an import: the SQL names no other, and each has the columns that the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

import huisuan.compute.metering as metering
from huisuan.compute.accelerators import Card, CardNames
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.metering.intake import tables
from huisuan.compute.metering.intake.reconcile import reconcile
from huisuan.compute.metering.intake.sacct import parse_sacct
from huisuan.compute.metering.intake.tables import RELATIONS, STORED, TENANT
from huisuan.compute.sacct.export import EXPORT_FIELDS

ROOT = Path(next(iter(metering.__path__)))
NAMED = re.compile(
    r"(?<!EXTRACT\()\b(?:(?<!DISTINCT )FROM|JOIN|INTO|UPDATE|DESCRIBE|CREATE TABLE|CREATE OR REPLACE TABLE|CREATE VIEW)"
    r"\s+([a-z_]+)\b(?![.(])"
)
WITHIN = re.compile(r"(?:WITH(?: RECURSIVE)?|\),)\s+([a-z_]+) AS \(")
NOT_DUCKDB = re.compile(r"compute_|parties_|information_schema|epoch$")
#: of the trace's own tables, which `compute.traces` makes
OF_TRACES = {"judged"}
CARDS = [Card(1, "A800-80G", "NVIDIA")]
NAMES = CardNames(CARDS, {"gpu": CARDS}, {"a800": CARDS}, {("gpu", "a800"): CARDS})
LINE = (
    "{0}|{0}|ah|u1|lab|gpu|COMPLETED|2024-03-01T08:00:00|2024-03-01T08:00:00|2024-03-01T08:00:00|2024-03-01T09:00:00|"
    "3600|00:00:00|gres/gpu:a800=8|gres/gpu=8|1|gpu001|0:0|train"
)


def texts(module: Path) -> list[str]:
    """The strings of a module, the parts of f-strings put together; docstrings apart."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    documented = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef))
    docs = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(_part(value) for value in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | parts:
            found.append(node.value)
    return found


def _part(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "{}"


def named(module: Path) -> set[str]:
    """The tables and views that a module's SQL names, and those that it uses by their constants."""
    found: set[str] = set()
    for text in texts(module):
        within = set(WITHIN.findall(text))
        found |= {name for name in NAMED.findall(text) if name not in within and not NOT_DUCKDB.match(name)}
    source = module.read_text(encoding="utf-8")
    found |= set(re.findall(r"\bregister\(\"([a-z_]+)\"", source))
    constants = {name: value.name for name, value in vars(tables).items() if name.isupper() and hasattr(value, "name")}
    return found | {
        table for constant, table in constants.items() if re.search(rf"\b{constant}\.(load|create)\(", source)
    }


def modules() -> list[Path]:
    return [*sorted((ROOT / "intake").glob("*.py")), *sorted((ROOT / "imports").glob("*.py"))]


def test_the_sql_names_no_table_that_the_page_does_not_list() -> None:
    unlisted = {f"{module.parent.name}.{module.stem}": named(module) - RELATIONS.keys() for module in modules()}
    assert {module: names for module, names in unlisted.items() if names} == {}


def test_the_page_says_who_makes_and_who_uses_each_table() -> None:
    users: dict[str, set[str]] = {name: set() for name in RELATIONS}
    for module in modules():
        if module.stem != "tables":
            for name in named(module):
                users[name].add(f"{module.parent.name}.{module.stem}")
    listed = {name: {relation.producer, *relation.consumers} for name, relation in RELATIONS.items()}
    assert users == listed


def test_each_table_has_the_columns_that_the_page_says() -> None:
    text = "\n".join([EXPORT_FIELDS.replace(",", "|"), LINE.format(1), LINE.format(2)])
    parsed = parse_sacct(split_source(text.encode(), "x"), NAMES, ZoneInfo("Asia/Shanghai"))
    with parsed.con as con:
        STORED.create(con)
        TENANT.create(con)
        reconcile(parsed)
        there = {name for (name,) in con.execute("SELECT table_name FROM information_schema.tables").fetchall()}
        assert {"verdict", "record", "run_number", "held_correction", "without_cards"} <= there
        assert {name: columns(con, name) for name in there} == {name: dict(RELATIONS[name].columns) for name in there}


def columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return dict(con.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall())
