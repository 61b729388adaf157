"""What is taken back is gone on every way out, at once: each is walked before and after, and says when and who."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from huisuan.opendata.access.grants import GivenGrant, accept_grant, give_grant, revoke_grant
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.gate.releasing import withdraw_file
from huisuan.opendata.models import CorpusShard, DataAccess, GateRelease
from support.catalogue import as_csv, code, line
from support.gate import NOW, built_corpus, released, steward

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
ROWS = "正文,车位数\n".encode() + b"".join(f"lot {n},{n * n}\n".encode() for n in range(9))
CONDITIONAL = {"access": "有条件开放", "ground": "数据条例", "terms": "须签订协议"}


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def files(table: GateRelease, other: GateRelease) -> list[str]:
    """Every address under which something of a release is handed out."""
    number, sql = table.pk, "SELECT count(*) FROM "
    shard = CorpusShard.objects.filter(sources__release__file=table.file_id).values_list("number", flat=True)[0]
    return [
        f"/opendata/files/{number}.parquet", f"/opendata/files/{other.pk}.csv",
        f"/opendata/files/{number}.statement.json", f"/opendata/files/{number}.scan.json",
        f"/opendata/files/{number}.schema.json",
        f"/opendata/query?sql={sql}r{number}", f"/opendata/query?entry={code()}&sql={sql}data",
        f"/api/v1/opendata/released/{number}", f"/api/v1/opendata/released/{number}/content",
        f"/opendata/corpora/briefs/{shard}.parquet", f"/opendata/corpora/briefs/{shard}.jsonl",
        f"/api/v1/opendata/corpora/briefs/shards/{shard}/parquet",
    ]  # fmt: skip


def walked(browser: Client, ways: list[str]) -> dict[str, int]:
    """By address the status; of a refusal the day and the office must be told."""
    found = {}
    for way in ways:
        answer = browser.get(way, headers={"range": "bytes=0-"})
        found[way] = 200 if answer.status_code == 206 else answer.status_code
        if answer.status_code == 410:
            said = answer.content.decode()
            said = said if answer["Content-Type"].startswith("text/html") else json.loads(said)["detail"]
            assert "2026-11-02" in said, way
            assert "局" in said or "省专班" in said, way
        elif answer.streaming:
            b"".join(answer.streaming_content)
    asked = {"entry": code(), "sql": "SELECT count(*) FROM data"}
    found["sql"] = browser.post("/api/v1/opendata/query", asked, content_type="application/json").status_code
    return found


def described(pk: int) -> dict[str, Any]:
    """What other people's tools are told of the release."""
    site = Client()

    def action(name: str, **params: str) -> Any:
        return site.get(f"/api/3/action/{name}", params).json()

    entries = site.get("/opendata/catalogue.jsonld").json()["dcat:dataset"]
    return {
        "package": len(action("package_show", id=code())["result"]["resources"]),
        "found": action("package_search", fq="res_format:CSV")["result"]["count"],
        "resource": action("resource_show", id=f"r{pk}")["success"],
        "dcat": len(site.get(f"/opendata/{code()}/dcat.jsonld").json()["dcat:distribution"]),
        "catalogue": sum(len(each["dcat:distribution"]) for each in entries),
        "croissant": site.get(f"/opendata/{code()}/croissant.json").status_code,
        "released": site.get("/api/v1/opendata/released").json()["total"],
        "page": "lot 1" in site.get(f"/opendata/{code()}").content.decode(),
    }


@pytest.mark.parametrize("how", ["withdrawn", "closed"])
def test_what_everyone_had_is_gone_on_every_way(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built_corpus()
    table, other = GateRelease.objects.order_by("-product__format")
    ways = files(table, other)
    assert set(walked(Client(), ways).values()) == {200}
    assert described(table.pk) == {
        "package": 2, "found": 1, "resource": True, "dcat": 2, "catalogue": 2, "croissant": 200, "released": 2,
        "page": True,
    }  # fmt: skip
    if how == "withdrawn":
        withdraw_file(table.file_id, "提供部门更正", steward("releaser"), NOW)
    else:
        row = line(access="不予开放", ground="数据条例", terms="涉及安全", licence="")
        import_catalogue(as_csv([row]), "清单.csv", by="test", now=NOW)
    assert {way: status for way, status in walked(Client(), ways).items() if status != 410} == {}
    assert described(table.pk) == {
        "package": 0, "found": 0, "resource": False, "dcat": 0, "catalogue": 0, "croissant": 410, "released": 0,
        "page": False,
    }  # fmt: skip
    page = Client().get(f"/opendata/{code()}").content.decode()
    assert "不再提供的 2 份" in page
    assert "没有列在这里" not in page
    monkeypatch.setattr("huisuan.portal.opendata.dataset_face._MOST_GONE", 1)
    page = Client().get(f"/opendata/{code()}").content.decode()
    assert "不再提供的 1 份" in page
    assert "另有 1 项没有列在这里" in page
    feed = Client().get("/opendata/changes.atom").content.decode()
    assert ("已撤回" in feed) == (how == "withdrawn")
    assert ("已放行" in feed) == (how == "withdrawn")


def test_a_firm_whose_grant_is_revoked_has_it_on_no_way_and_the_ledger_names_who_had_it(world: World) -> None:
    released(ROWS, **CONDITIONAL)
    built_corpus()
    table, other = GateRelease.objects.order_by("-product__format")
    ways, alpha = files(table, other), world.browser("alpha")
    assert set(walked(alpha, ways).values()) == {403}
    given = give_grant(
        GivenGrant(code(), world.alpha.uscc, "训练", "授权许可", "不得转让。", "名录 F-1", date(2026, 1, 1),
                   date(2099, 12, 31)), steward("releaser"), NOW,
    )  # fmt: skip
    accept_grant(given.pk, world.people["alpha"], NOW)
    assert set(walked(alpha, ways).values()) == {200}
    revoke_grant(given.pk, "用途不符", world.people["province"], NOW)
    assert {way: status for way, status in walked(alpha, ways).items() if status != 410} == {}
    assert "lot 1" not in alpha.get(f"/opendata/{code()}").content.decode()
    had = DataAccess.objects.filter(grant=given)
    assert {row.person.username for row in had} == {"alpha"}
    assert {row.way for row in had} == {"file", "api", "sql"}
    count = had.count()
    for _ in range(3):  # what gives nothing out is no access; the ranges of one download are one
        alpha.get(ways[0], headers={"range": "bytes=0-"})
    assert had.count() == count
