"""The list of open data on pages and over HTTP, for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from support.catalogue import as_csv, code, line

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed() -> None:
    lines = [
        line(1, links=code(2)),
        line(2, title="旧案卷", theme="文化", access="不予开放", ground="档案法第二十八条", terms="涉及未成年人",
             kind="档案", origin_day="1990-01-01", reviewed_by_archive="市档案馆", reviewed_by_origin="市建设局",
             opening_ground="档案法第二十八条"),
    ]  # fmt: skip
    import_catalogue(as_csv(lines), "清单.csv", by="test", now=timezone.now())


@pytest.mark.usefixtures("listed")
def test_anyone_searches_the_list_and_opens_an_entry_with_what_belongs_to_it() -> None:
    browser = Client()
    page = browser.get(reverse("opendata"), {"q": "停车", "access": "open"}).content.decode()
    assert "公共停车场名录" in page
    assert "旧案卷" not in page
    for counted in ("交通运输（1）", "文化（0）", "无条件开放（1）", "不予开放（0）"):
        assert counted in page
    assert "公共停车场名录" not in browser.get(reverse("opendata"), {"theme": "文化"}).content.decode()
    nothing = browser.get(reverse("opendata"), {"q": "没有的词"})
    assert (nothing.status_code, "公共停车场名录" in nothing.content.decode()) == (200, False)
    sorted_by = browser.get(reverse("opendata"), {"sort": "-title"}).content.decode()
    assert sorted_by.index("旧案卷") < sorted_by.index("公共停车场名录")
    entry = browser.get(reverse("opendata-entry", args=[code(1)])).content.decode()
    assert reverse("opendata-entry", args=[code(2)]) in entry
    closed = browser.get(reverse("opendata-entry", args=[code(2)])).content.decode()
    for text in ("不予开放的理由", "涉及未成年人", "2015-01-01", "市档案馆"):
        assert text in closed
    assert browser.get(reverse("opendata-entry", args=["nothing"])).status_code == 404


@pytest.mark.usefixtures("listed")
def test_the_list_is_exported_as_it_is_filtered() -> None:
    answer = Client().get(reverse("opendata"), {"access": "closed", "export": "csv"})
    text = b"".join(answer).decode("utf-8-sig") if answer.streaming else answer.content.decode("utf-8-sig")
    assert "旧案卷" in text
    assert "停车场" not in text


@pytest.mark.usefixtures("listed")
def test_the_api_answers_with_facets_and_versions(client: Client) -> None:
    found = client.get("/api/v1/opendata/entries", {"q": "案卷"}).json()
    assert (found["total"], found["entries"][0]["access_zh"]) == (1, "不予开放")
    assert found["facets"]["kind"] == [{"value": "archives", "count": 1}]
    assert client.get(f"/api/v1/opendata/entries/{code(1)}").json()["versions"][0]["number"] == 1
    assert client.get("/api/v1/opendata/entries/nothing").status_code == 404


def test_only_the_province_brings_the_list_up_to_date(world: World) -> None:
    for who, status in (("alpha", 403), ("city", 403), ("province", 200)):
        file = SimpleUploadedFile("清单.csv", as_csv([line()]))
        answer = world.browser(who).post(
            "/api/v1/opendata/entries", {"file": file}, headers={"origin": "http://testserver"}
        )
        assert answer.status_code == status, (who, answer.content)
