"""CKAN's actions as any client calls them: by GET and POST, with CKAN's own answers; only what is public."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.gate.releasing import withdraw_file
from support.catalogue import PROVIDER, as_csv, code, line
from support.gate import NOW, released, steward

pytestmark = pytest.mark.django_db
ROWS = "名称,车位数\n" + "".join(f"第{n}停车场,{n * n % 37}\n" for n in range(30))
NAME = code().lower()


def ask(action: str, status: int = 200, **params: Any) -> Any:
    """What stands under `result`, or `error`; asked under both addresses."""
    old = Client(enforce_csrf_checks=True).post(f"/api/action/{action}", params, content_type="application/json")
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in params.items()}
    new = Client().get(f"/api/3/action/{action}", flat)
    assert old.json() == new.json()
    assert (old.status_code, new.status_code) == (status, status)
    assert old.json()["success"] is (status == 200)
    return old.json()["result" if status == 200 else "error"]


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open table with its files; a conditional one and a closed one beside it."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    released(ROWS.encode())
    closed = {"access": "不予开放", "ground": "数据条例", "terms": "涉及安全", "licence": ""}
    rows = [line(2, title="学校名录", theme="教育", access="有条件开放", ground="数据条例", terms="须签订协议"),
            line(3, title="水厂图纸", theme="教育", region="340200", **closed)]  # fmt: skip
    assert import_catalogue(as_csv(rows), "清单.csv", by="test", now=NOW).as_json()["faults"] == []


def test_packages_are_listed_shown_and_have_their_files(listed: None) -> None:
    assert ask("package_list") == [code(number).lower() for number in (1, 2, 3)]
    assert ask("package_list", limit=1, offset=1) == [code(2).lower()]
    shown = ask("package_show", id=code())
    assert (shown["name"], shown["title"], shown["isopen"], shown["num_resources"]) == (NAME, "公共停车场名录", True, 2)
    assert shown["organization"]["title"] == "合肥市城乡建设局"
    first = shown["resources"][0]
    content = Client().get(first["url"].removeprefix("http://testserver"))
    assert (content.status_code, content["ETag"].strip('"')) == (200, first["hash"])
    assert ask("resource_show", id=first["id"]) == first
    assert ask("package_show", id=code(2))["resources"] == []


def test_search_filters_sorts_pages_and_counts(listed: None) -> None:
    def names(**params: Any) -> list[str]:
        return [each["title"] for each in ask("package_search", **params)["results"]]

    assert names(q="停车 fq") == []
    assert names(q="停车") == names(q="title:停车") == names(fq="res_format:CSV") == ["公共停车场名录"]
    assert names(fq='+tags:"教育" -access:closed') == names(q="名录", fq="region:340100 AND tags:教育") == ["学校名录"]
    assert len(names(fq=f"organization:({PROVIDER.lower()} OR other)")) == 3
    assert names(fq="metadata_modified:[NOW TO *]") == names(fq="state:deleted") == []
    assert names(sort="name desc", rows=2) == ["水厂图纸", "学校名录"]
    assert names(sort="name desc", start=2, rows=1) == ["公共停车场名录"]
    past = ask("package_search", start=10**6)
    assert (past["count"], past["results"]) == (3, [])
    counted = ask("package_search", rows=0, **{"facet.field": ["tags", "organization", "res_format", "access"]})
    assert counted["facets"] == {
        "tags": {"教育": 2, "交通运输": 1}, "organization": {PROVIDER.lower(): 3},
        "res_format": {"CSV": 1, "Parquet": 1}, "access": {"closed": 1, "conditional": 1, "open": 1},
    }  # fmt: skip
    assert counted["search_facets"]["organization"]["items"][0]["display_name"] == "合肥市城乡建设局"
    for wrong in ({"q": 'title:"停'}, {"fq": "colour:red"}, {"sort": "colour"}, {"facet.field": ["colour"]}):
        assert ask("package_search", 400, **wrong)["__type"] == "Search Query Error"


def test_organisations_tags_and_the_site_itself(listed: None) -> None:
    provider = PROVIDER.lower()
    assert ask("organization_list") == [provider]
    assert ask("organization_list", all_fields=True)[0]["package_count"] == 3
    shown = ask("organization_show", id=provider, include_datasets=True)
    assert [each["title"] for each in shown["packages"]] == ["公共停车场名录", "学校名录", "水厂图纸"]
    assert ask("tag_list") == sorted(["教育", "交通运输"], key=["交通运输", "教育"].index)
    assert ask("tag_list", query="教", all_fields=True)[0]["display_name"] == "教育"
    assert ask("status_show")["site_url"] == "http://testserver"
    assert "resources" in ask("help_show", name="package_show")


MANY = {"fq_list": [f"title:{number}" for number in range(21)]}  # each would cost the database a look


def test_refusals_are_ckans_own(listed: None) -> None:
    assert ask("package_show", 404, id="none") == {"__type": "Not Found Error", "message": "Not found"}
    assert ask("organization_show", 404, id="none")["__type"] == "Not Found Error"
    assert ask("resource_show", 404, id="r999999")["__type"] == "Not Found Error"
    assert ask("package_show", 409)["id"] == ["Missing value"]
    for wrong in ({"rows": "many"}, {"start": -1}, {"facet.field": {"a": 1}}, {"q": ["a"]}, MANY):
        refused = Client().post("/api/3/action/package_search", wrong, content_type="application/json")
        assert (refused.status_code, refused.json()["error"]["__type"]) == (409, "Validation Error")
    for body in ("{", "[1]", '"x"'):
        refused = Client().post("/api/3/action/package_show", body, content_type="application/json")
        assert (refused.status_code, refused.json()[:11]) == (400, "Bad request")
    assert Client().get("/api/3/action/package_create").json() == "Bad request - Action name not known: package_create"


def test_what_is_conditional_or_withdrawn_is_not_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    one, _ = released(ROWS.encode(), access="有条件开放", ground="数据条例", terms="须签订协议")
    assert ask("package_show", id=NAME)["resources"] == []
    assert ask("resource_show", 403, id=f"r{one.pk}")["__type"] == "Authorization Error"
    assert ask("package_search", fq="res_format:CSV")["count"] == 0
    withdraw_file(one.file_id, "提供部门更正", steward("releaser"), NOW)
    gone = ask("resource_show", 404, id=f"r{one.pk}")
    assert (gone["__type"], "2026-11-02" in gone["message"]) == ("Not Found Error", True)


def test_a_page_of_packages_takes_no_query_a_row(listed: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        ask("package_search", rows=1)
    import_catalogue(as_csv([line(number) for number in range(10, 60)]), "清单.csv", by="test", now=NOW)
    with CaptureQueriesContext(connection) as many:
        assert len(ask("package_search", rows=100)["results"]) == 53
    assert len(many) == len(few)
