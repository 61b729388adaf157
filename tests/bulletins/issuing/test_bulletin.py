"""A bulletin follows from its snapshot, byte for byte, and says which part of it does not."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from huisuan.base.hashing import text_sha256
from huisuan.bulletins.issuing.bulletin_folder import BulletinImprint, make_bulletin
from huisuan.bulletins.issuing.snapshot_file import format_snapshot
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.scores.criteria import CRITERIA
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts
from huisuan.opendata.scores.ranking import rank_offices
from support.command_tree import invoke

IMPRINT = BulletinImprint("某省数据局", "某数通〔2026〕3号", date(2026, 10, 15), "2026年第三季度")


def _snapshot(day: date, delivered: date | None) -> dict[str, Any]:
    """Sixteen cities and sixty departments, the first of which has its file out since `delivered`."""
    formula = load_formula()

    def entry(at: int) -> EntryFacts:
        out = delivered if at == 0 else (day if at % 3 else None)
        return EntryFacts(f"E{at:03}", "open", "table", "quarterly", at % 5 != 0, True, at % 4 != 0, out, at % 2)

    departments = [OfficeFacts(f"34{1 + at % 16:02}00", f"第{at:02}局 <b>&", (entry(at),), {}) for at in range(60)]
    cities = [
        OfficeFacts(f"34{1 + at:02}00", "", tuple(entry(one) for one in range(at, 60, 16)), {}) for at in range(16)
    ]
    said = {
        "format": "huisuan-openness-1", "day": day.isoformat(),
        "formula": {
            "authority": formula.authority, "suggested": True, "seed": 1, "weightings": 1000, "within_percent": 20,
            "criteria": [
                {"code": one.code, "group": one.group, "text": one.text, "query": one.query,
                 "points": formula.points[one.code]}
                for one in CRITERIA
            ],
        },
        "regions": {f"34{1 + at:02}00": f"第{at}市" for at in range(16)},
        "departments": [one.to_dict() for one in rank_offices(departments, formula, day)],
        "cities": [one.to_dict() for one in rank_offices(cities, formula, day)],
    }  # fmt: skip
    return {**said, "sha256": text_sha256(canonical(said))}


@pytest.mark.slow
def test_the_same_snapshot_is_the_same_bytes_and_what_differs_is_named(tmp_path: Path) -> None:
    """Made by command twice and from Python; then a file, the snapshot and a stated version are changed in turn."""
    before, now = _snapshot(date(2026, 6, 30), None), _snapshot(date(2026, 9, 30), date(2026, 9, 1))
    old, new = tmp_path / "q2.json", tmp_path / "q3.json"
    old.write_bytes(format_snapshot(before))
    new.write_bytes(format_snapshot(now))
    words = ("--office", IMPRINT.office, "--number", IMPRINT.number, "--day", "2026-10-15", "--period", IMPRINT.period)
    for name in ("one", "two"):
        answer = invoke("bulletin", "make", str(new), str(tmp_path / name), *words, "--before", str(old))
        assert answer.exit_code == 0, answer.output
    anew = make_bulletin(now, before, IMPRINT)
    for name, content in anew.items():
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() == content
    # as anybody would, in a process that has no database and no settings
    command = [Path(sys.executable).with_name("huisuan"), "bulletin", "verify", tmp_path / "one"]
    assert subprocess.run(command, check=False, env={"HUISUAN_HOME": str(tmp_path / "none")}).returncode == 0
    assert not (tmp_path / "none").exists()
    assert getattr(invoke("bulletin", "make", str(new), str(tmp_path / "one"), *words).exception, "code", "") == (
        "bulletin.exists"
    )

    page = tmp_path / "one" / "bulletin.html"
    page.write_bytes(page.read_bytes() + b"<!-- -->")
    manifest = tmp_path / "one" / "manifest.json"
    stated = json.loads(manifest.read_text(encoding="utf-8"))
    stated["shaped_by"]["typesetter"] = "typst 0.1.0"
    manifest.write_text(json.dumps(stated), encoding="utf-8")
    answer = invoke("bulletin", "verify", str(tmp_path / "one"), "--json")
    assert answer.exit_code == 1
    assert [one["what"] for one in json.loads(answer.stdout)["differences"]] == ["bulletin.html", "typesetter"]
    (tmp_path / "two" / "snapshot.json").write_bytes(format_snapshot({**now, "day": "2026-09-29"}))
    refused = invoke("bulletin", "verify", str(tmp_path / "two"))
    assert getattr(refused.exception, "code", "") == "bulletin.snapshot_changed"


def test_it_has_the_usual_form_and_says_what_changed() -> None:
    """In all three formats; names are text, whatever signs they hold."""
    before, now = _snapshot(date(2026, 6, 30), None), _snapshot(date(2026, 9, 30), date(2026, 9, 1))
    made = make_bulletin(now, before, IMPRINT)
    with pikepdf.open(io.BytesIO(made["bulletin.pdf"])) as opened:
        assert [round(float(side)) for side in opened.pages[0].mediabox] == [0, 0, 595, 842]
    pdf = "".join(page.extract_text() for page in PdfReader(io.BytesIO(made["bulletin.pdf"])).pages)
    with zipfile.ZipFile(io.BytesIO(made["bulletin.docx"])) as package:
        docx = package.read("word/document.xml").decode()
    html = made["bulletin.html"].decode()
    for text in ("一、总体情况", "二、主要问题", "三、下一步工作要求", "计分公式"):
        assert text in docx
        assert text in html
        assert text in pdf
    assert "第00局 &lt;b&gt;&amp;（第0市）" in html
    assert "<b>" not in html
    first = next(one for one in now["departments"] if one["department"].startswith("第00局"))
    earlier = next(one for one in before["departments"] if one["department"].startswith("第00局"))
    assert first["score"] - earlier["score"] == 20  # delivered, and readable by machines
    assert '<td class="n">+20</td><td class="n">2/5</td>' in html
