"""`huisuan usage` as an operator meets it: output, reports, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from huisuan.compute.metering.cli.usage_commands import app
from support.usage_records import centre, code, line, party, sacct

pytestmark = pytest.mark.django_db


def huisuan(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


@pytest.fixture
def at_hand(tmp_path: Path) -> Path:
    party(1)
    centre()
    (tmp_path / "sacct.txt").write_bytes(sacct(line(1), line(2, End="2024-02-30T00:00:00"), line(3)))
    (tmp_path / "tenants.csv").write_text(f"account,uscc\nlab,{code(1)}\n")
    return tmp_path


def test_import_reports_every_refused_line_and_exits_with_1(at_hand: Path) -> None:
    told = huisuan("import", "--centre", "c1", "--format", "sacct", str(at_hand / "sacct.txt"))
    assert told.exit_code == 1
    assert '行 3，列 End: "2024-02-30T00:00:00"' in told.stderr
    assert "新记录 2" in told.stdout
    assert "usage unclaimed" in told.stderr


def test_import_from_the_standard_input_in_json_and_again_from_the_file(at_hand: Path) -> None:
    words = ("import", "--centre", "c1", "--format", "sacct", "--json", "--tenants", str(at_hand / "tenants.csv"))
    first = huisuan(*words, "-", stdin=(at_hand / "sacct.txt").read_bytes())
    report = json.loads(first.stdout)
    assert (report["new"], report["refused"], report["faults"][0]["line"]) == (2, 1, 3)
    again = json.loads(huisuan(*words, str(at_hand / "sacct.txt")).stdout)
    assert (again["new"], again["unchanged"], again["tenants"]["same"]) == (0, 2, 1)


def test_a_clean_import_exits_with_0(at_hand: Path) -> None:
    assert huisuan("import", "--centre", "c1", "--format", "sacct", "-", stdin=sacct(line(1))).exit_code == 0


def test_list_gives_each_record_with_the_fields_that_were_promised(at_hand: Path) -> None:
    path = str(at_hand / "sacct.txt")
    huisuan("import", "--centre", "c1", "--format", "sacct", "--tenants", str(at_hand / "tenants.csv"), path)
    first, _ = json.loads(huisuan("list", "--json").stdout)
    promised = {
        "job_id": "1",
        "run": 0,
        "user": "zhang",
        "party": code(1),
        "model": "A800-SXM4-80GB",
        "cards": 8,
        "card_seconds": 28_800,
        "start": "2024-03-01T09:00:00+08:00",
        "end": "2024-03-01T10:00:00+08:00",
        "state": "COMPLETED",
        "centre": "c1",
        "sequence": 1,
    }
    assert {name: first[name] for name in promised} == promised
    (one,) = json.loads(huisuan("list", "--json", "--limit", "1", "--after", "c1/1").stdout)
    assert one["job_id"] == "3"
    assert "--after c1/1" in huisuan("list", "--limit", "1").stderr


def test_an_empty_list_is_json_too_and_says_on_the_screen_what_would_fill_it(at_hand: Path) -> None:
    assert json.loads(huisuan("list", "--json").stdout) == []
    assert "huisuan usage import" in huisuan("list").stdout


def test_summary_is_integer_sums_by_party_and_month(at_hand: Path) -> None:
    huisuan("import", "--centre", "c1", "--format", "sacct", str(at_hand / "sacct.txt"))
    told = huisuan("summary", "--by", "party,month", "--json")
    assert json.loads(told.stdout) == [{"party": None, "month": "2024-03", "card_seconds": 57_600, "records": 2}]
    (nobody,) = json.loads(huisuan("unclaimed", "--centre", "c1", "--json").stdout)
    assert (nobody["account"], nobody["card_seconds"]) == ("lab", 57_600)


def test_wrong_usage_exits_with_2(at_hand: Path) -> None:
    assert huisuan("import", str(at_hand / "sacct.txt")).exit_code == 2
