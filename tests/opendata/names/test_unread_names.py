"""Where no model of names is installed, text in which nobody looked for them is a finding, never silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.cli.main import assemble
from huisuan.opendata.names import lac_model, stage, text_findings
from huisuan.opendata.names.text_findings import scan_with_names
from huisuan.opendata.scanning.finding_kinds import FindingKind

LONG = "经办人员走访了南站停车场，收费标准与公示的一致，已当面答复"


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stage, text_findings):
        monkeypatch.setattr(module, "model_name", lambda: "")
    monkeypatch.setattr(stage, "load_tagger", lambda: None)
    monkeypatch.setattr(lac_model, "model_name", lambda: "")


def test_text_and_long_cells_are_unread_and_a_table_of_short_ones_is_not(tmp_path: Path) -> None:
    contents = {
        "答复.txt": ("停车场收费的答复\n", [("", 0)]),
        "情况.csv": (f"名称,情况\n南站,{LONG}\n北站,已办\n", [("", 2)]),
        "车位.csv": ("名称,车位数\n南站停车场,120\n", []),
        "plain.txt": ("lots and places\n", []),
    }
    for name, (content, places) in contents.items():
        (tmp_path / name).write_text(content)
        report = scan_with_names(tmp_path / name)
        unread = [one for one in report.findings if one.kind == FindingKind.UNREAD_NAMES]
        assert [(one.part, one.column) for one in unread] == places, name
        assert report.is_clean is not bool(places)
        assert (report.to_dict()["names_judged"], report.model) == (False, "")


def test_the_command_says_that_nobody_looked_for_names(tmp_path: Path) -> None:
    (tmp_path / "答复.txt").write_text("停车场收费的答复\n")
    told = CliRunner().invoke(assemble(), ["data", "scan", str(tmp_path / "答复.txt"), "--json"])
    assert told.exit_code == 1
    assert "正文里的姓名没有查" in told.stderr
    (report,) = json.loads(told.stdout)
    assert (report["names_judged"], set(report["kinds"])) == (False, {"unread_names"})
