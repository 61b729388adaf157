"""Columns made coarser: every combination with its cost on a page, one picked by a click, and the product as picked."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from django.test import Client

from huisuan.opendata.gate.stores import load_content, quarantine
from huisuan.opendata.models import GateFile
from support.gate import list_entry, remade, steward, uploaded

pytestmark = pytest.mark.django_db
ROWS = (
    "年龄,区划代码,补助金额\n"
    + "".join(f"{20 + n % 40},3401{2 + n % 4:02d},{1000 + n % 7}\n" for n in range(60))
    + ("93,340221,9999\n")
)


def client_of(username: str) -> Client:
    made = Client()
    made.force_login(steward(username), backend="django.contrib.auth.backends.ModelBackend")
    return made


def product(file: GateFile) -> list[list[str]]:
    made = file.remakes.latest("id").products.get(format="csv")
    return list(csv.reader(io.StringIO(load_content(quarantine(), made.sha256).decode())))


def test_the_steward_picks_a_combination_by_a_click_and_the_product_is_made_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    list_entry()
    file = uploaded(ROWS.encode(), "补助.csv")
    assert file.state == "clean"
    way, judge = f"/opendata/desk/{file.pk}/lattice", client_of("judge")
    page = judge.get(way, {"k": "3", "quasi": ["年龄", "区划代码"]}).content.decode()
    assert "每 20" in page
    forms = [dict(re.findall(r'name="(quasi|level)" value="([^"]+)"', each)) for each in page.split("<form method=")]
    assert {"quasi": "区划代码", "level": "市"} in forms
    picked = {"k": "3", "part": "", "quasi": ["年龄", "区划代码"], "level": ["每 20", "市"]}
    assert client_of("uploader").post(way, picked).status_code == 422
    assert client_of("wuhu-clerk").get(way).status_code == 200
    assert judge.post(way, {**picked, "leave_out": "on"}).status_code == 302
    file = remade(file)
    rows = product(file)
    assert {row[0] for row in rows[1:]} == {"20 至 40 以下", "40 至 60 以下"}
    assert {row[1] for row in rows[1:]} == {"340100"}
    assert file.remakes.latest("id").recipe["generalised"] == {
        "levels": {"年龄": "每 20", "区划代码": "市"}, "k": 3, "rows_at_risk": 0, "rows_left_out": 1,
    }  # fmt: skip
    assert "每 20" in client_of("releaser").get(f"/opendata/desk/{file.pk}").content.decode()
    assert judge.post(way, {"k": "3", "part": ""}).status_code == 302  # not at all, after all
    file.refresh_from_db()
    assert file.state == "clean"
    assert product(remade(file))[1] == ["20", "340102", "1000"]
