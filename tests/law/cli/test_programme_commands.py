"""`huisuan programme`: procedures as numbered sentences, as JSON and as a drawing."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from typer.testing import CliRunner

from huisuan.law.cli.programme_commands import app

RUN = CliRunner()


def test_every_policy_lists_its_programmes_with_their_offices() -> None:
    rows = json.loads(RUN.invoke(app, ["list", "--json"]).stdout)
    assert {"2.2", "5.1", "8.2", "14.1", "w.2"} <= {row["key"] for row in rows}
    wuhu = next(row for row in rows if row["key"] == "w.2")
    assert (wuhu["policy"], wuhu["offices"]) == ("wuhu-compute-2025", ["芜湖市人民政府", "芜湖市财政局"])


def test_a_programme_is_shown_with_the_figures_of_a_day() -> None:
    shown = RUN.invoke(app, ["show", "5.1", "--on", "2024-06-01"]).stdout.replace("\n", "")
    assert "省科技厅（评审）30 个工作日内完成评审" in shown
    whole = json.loads(RUN.invoke(app, ["show", "5.1", "--on", "2024-06-01", "--json"]).stdout)
    assert (whole["figures"]["5.1.panel"], whole["states"]["draft"]["applicant"]) == (5, "填写中")
    assert len(whole["sentences"]) == len(whole["sentences_en"])
    assert len(whole["sentences"]) == len(whole["steps"]) + 4, "how it begins, what is named, contract, suggested"
    assert "5.1.panel" in whole["suggested"]
    assert "每组专家人数（5）" in whole["sentences"][-1]


def test_the_drawing_is_well_formed_and_an_unknown_programme_is_refused() -> None:
    drawing = ET.fromstring(RUN.invoke(app, ["show", "2.2", "--drawing"]).stdout)  # our own
    assert drawing.tag.endswith("svg")
    assert getattr(RUN.invoke(app, ["show", "9.9"]).exception, "code", "") == "law.programme_unknown"
