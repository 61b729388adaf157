"""From a template that was filled in to a computed answer, on the command line and over HTTP."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.test import Client
from openpyxl import load_workbook
from typer.testing import CliRunner

from huisuan.law.cli.law_commands import app
from huisuan.law.policy.load import load_policy

RUN = CliRunner()
POLICY = "anhui-agi-2023"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_filled_workbook_becomes_amounts(tmp_path: Path, suffix: str) -> None:
    book, good, errors, result = (tmp_path / name for name in ("表.xlsx", f"facts{suffix}", "errors.csv", "out.csv"))
    assert RUN.invoke(app, ["template", POLICY, "2.2", "--output", str(book)]).exit_code == 0
    filled = load_workbook(book)
    for row in (["是", "企业", None, 1534567.85, 300000], ["是", "企业", None, "很多", 0], ["否", "高校", None, 1, 0]):
        filled["填报"].append(row)
    filled.save(book)
    read = RUN.invoke(
        app,
        ["read", POLICY, "2.2", "--input", str(book), "--output", str(good), "--errors", str(errors), "--json"],
    )
    assert read.exit_code == 1
    told = json.loads(read.stdout)
    assert (told["rows"], told["refused"], told["errors"][0]["cell"]) == (2, 1, "D3")
    assert errors.read_text(encoding="utf-8-sig").count("很多") == 1
    computed = RUN.invoke(
        app, ["compute", POLICY, "2.2", "--input", str(good), "--output", str(result), "--on", "2024-12-31"]
    )
    assert computed.exit_code == 0, computed.output
    with result.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["source_row"], row["status"], row["amount_fen"]) for row in rows] == [
        ("2", "eligible", "24691357"),
        ("4", "not_eligible", "0"),
    ]


def test_where_all_is_well_the_exit_code_is_zero_and_the_facts_are_told(tmp_path: Path) -> None:
    path = tmp_path / "表.csv"
    path.write_text("in_anhui,kind,spend,self_use\ntrue,enterprise,100,0\n", encoding="utf-8")
    read = RUN.invoke(app, ["read", POLICY, "2.2", "--input", str(path), "--json"])
    assert read.exit_code == 0
    told = {"in_anhui": True, "kind": "enterprise", "alike": None, "spend": 100, "self_use": 0}
    assert json.loads(read.stdout)["facts"] == [told]


@pytest.mark.parametrize(
    "arguments",
    [
        ["template", POLICY, "2.2", "--output", "x.doc"],
        ["read", POLICY, "2.2", "--input", "x.csv", "--output", "x.txt"],
        ["read", POLICY, "2.2", "--input", "x.csv", "--errors", "x.txt"],
    ],
)
def test_a_file_of_another_kind_is_wrong_usage(arguments: list[str]) -> None:
    assert RUN.invoke(app, arguments).exit_code == 2


def test_the_schema_and_the_templates_are_served_to_anyone() -> None:
    policy = load_policy(POLICY)
    for rule in policy.rules:
        address = f"/api/v1/law/{POLICY}/{rule.key}"
        schema = Client().get(f"{address}/schema").json()
        assert list(schema["properties"]) == [spec.name for spec in rule.facts]
        for kind, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            answer = Client().get(f"{address}/template.{kind}")
            assert answer.content.startswith(start)
            assert f'filename="{POLICY}-{rule.key}.{kind}"' in answer["Content-Disposition"]
    assert Client().get(f"/api/v1/law/{POLICY}/99/schema").status_code == 404
