"""A bulletin follows from its snapshot, byte for byte, and says which part of it does not."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from huisuan.base.errors import Refused
from huisuan.base.hashing import bytes_sha256, text_sha256
from huisuan.bulletins.issuing.bulletin_folder import BulletinImprint, make_bulletin
from huisuan.bulletins.issuing.openness_letter import DEMANDS
from huisuan.bulletins.issuing.snapshot_file import format_snapshot
from huisuan.bulletins.issuing.verifying import verify_bulletin
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.scores.criteria import CRITERIA
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts
from huisuan.opendata.scores.ranking import rank_offices
from support.command_tree import invoke
from support.docx_templates import field, template

MILLIMETRE = 72 / 25.4  # points
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


def test_the_page_is_that_of_the_national_standard() -> None:
    """GB/T 9704-2012: 37 mm above, 28 mm left, a block of 156 x 225 mm, 22 lines of 28 characters, read off the PDF."""
    words = "严" * 480
    imprint = BulletinImprint(IMPRINT.office, IMPRINT.number, IMPRINT.day, IMPRINT.period, (words, words, words))
    made = make_bulletin(_snapshot(date(2026, 9, 30), None), None, imprint)
    full = 0
    for page in PdfReader(io.BytesIO(made["bulletin.pdf"])).pages:
        lines: list[tuple[float, float, str]] = []

        def keep(text: str, cm: Any, tm: Any, _font: Any, _size: float, into: Any = lines) -> None:
            if text.strip("\n"):
                into.append((tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5], text.strip("\n")))

        page.extract_text(visitor_text=keep)
        body = [one for one in lines if set(one[2]) == {"严"}]
        if len(body) < 22:
            continue
        full += 1
        assert len(body) == 22
        edges = {round(x / MILLIMETRE, 1) for x, _y, text in body if len(text) == 28}
        assert edges == {28.0}
        assert max(len(text) for _x, _y, text in body) == 28
        height = float(page.mediabox.height)
        # lines are a 22nd of 225 mm apart; a character is 156 / 28 mm high, and its foot an eighth of it below the line
        feet = sorted(((height - y) / MILLIMETRE for _x, y, _text in body))
        assert [round(after - before, 2) for before, after in pairwise(feet)] == [round(225 / 22, 2)] * 21
        assert 37 <= feet[0] - 156 / 28 * 7 / 8 <= 37 + 225 / 22 - 156 / 28
        assert feet[-1] <= 37 + 225
    assert full


def test_an_offices_template_makes_the_docx_and_another_template_is_named(tmp_path: Path) -> None:
    """The same snapshot and template are the same bytes; what no bulletin has is refused before anything is made."""
    snapshot = _snapshot(date(2026, 9, 30), None)
    form = template(
        "文号", "附注", "标题", "总体情况", "主要问题", "工作要求", rows=("附件1列1", "附件1列2", "附件1列3")
    )
    made = make_bulletin(snapshot, None, IMPRINT, form)
    folder = tmp_path / "made"
    folder.mkdir()
    for name, content in made.items():
        (folder / name).write_bytes(content)
    assert verify_bulletin(folder) == []
    with zipfile.ZipFile(io.BytesIO(made["bulletin.docx"])) as package:
        assert {one.date_time for one in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        text = package.read("word/document.xml").decode()
    for said in (IMPRINT.number, snapshot["sha256"], "16个市、60个部门", "第0市", DEMANDS[0]):
        assert said in text
    assert "一、总体情况" not in text  # the template has headings of its own
    stated = json.loads(made["manifest.json"])
    assert stated["shaped_by"]["template"] == stated["files"]["template.docx"] == bytes_sha256(form)

    (folder / "template.docx").write_bytes(template("文号", "附注"))
    assert [one.what for one in verify_bulletin(folder)] == ["template.docx"]
    for names, code in (
        (("文号", "附注", "核验码"), "document.template_field_unknown"),
        (("文号", "标题"), "document.template_field_missing"),
    ):
        with pytest.raises(Refused) as refused:
            make_bulletin(snapshot, None, IMPRINT, template(*names))
        assert refused.value.code == code
    with pytest.raises(Refused) as refused:
        make_bulletin(snapshot, None, IMPRINT, template("文号", "附注", more=field(" INCLUDETEXT C:/secret ")))
    assert refused.value.code == "document.template_active"
