"""Conditional data under a grant: accredited, accepted, marked, written down; and stopped at once."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client, RequestFactory
from pyarrow import parquet

from huisuan.base.errors import Gone, InvalidRequest, NotAllowed
from huisuan.opendata.access import delivering
from huisuan.opendata.access.grants import GivenGrant, accept_grant, give_grant, revoke_grant
from huisuan.opendata.access.ledger import broken_at
from huisuan.opendata.access.marking import MARK_COLUMN
from huisuan.opendata.access.query import run_query
from huisuan.opendata.access.released import get_release, readable
from huisuan.opendata.access.watermark import grant_mark
from huisuan.opendata.gate.releasing import withdraw_file
from huisuan.opendata.models import AccessWay, DataAccess, DataGrant, GateRelease
from huisuan.parties.viewer import Viewer
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.data_grants import grant_data_access
from huisuan.programmes.registers.services import import_register
from support.catalogue import code
from support.command_tree import invoke
from support.gate import NOW, released, resident_ids, steward
from support.programmes import person
from support.registers import OFFICE

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
ROWS = "名称,身份证号\n" + "".join(f"第{n}停车场,{number}\n" for n, number in enumerate(resident_ids(200)))
TERMS = GivenGrant(
    code(), "", "训练停车预测模型", "授权许可", "不得转让；不得还原个人。", "名录 F-1",
    date(2026, 1, 1), date(2027, 12, 31),
)  # fmt: skip


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[GateRelease]:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    return released(ROWS.encode(), access="有条件开放", ground="数据条例", terms="须签订协议")


@pytest.fixture
def grant(out: list[GateRelease], world: World) -> DataGrant:
    given = give_grant(replace(TERMS, uscc=world.alpha.uscc), steward("releaser"), NOW)
    return accept_grant(given.pk, world.people["alpha"], NOW)


def body(answer: object) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_a_granted_firm_gets_copies_that_name_the_grant_and_each_access_is_written_down(
    out: list[GateRelease], grant: DataGrant, world: World
) -> None:
    alpha, beta = world.browser("alpha"), world.browser("beta")
    one, two = out
    rows = list(csv.reader(io.StringIO(body(alpha.get(f"/opendata/files/{one.pk}.csv")).decode())))
    assert rows[0][-1] == MARK_COLUMN
    assert {row[-1] for row in rows[1:]} == {grant_mark(grant)} == {f"授权{grant.pk}/{world.alpha.uscc}"}
    part = alpha.get(f"/opendata/files/{two.pk}.parquet", headers={"range": "bytes=0-99"})
    assert (part.status_code, len(body(part))) == (206, 100)
    body(alpha.get(f"/opendata/files/{two.pk}.parquet", headers={"range": "bytes=100-199"}))  # of the same download
    table = parquet.read_table(io.BytesIO(body(alpha.get(f"/api/v1/opendata/released/{two.pk}/content"))))
    assert set(table[MARK_COLUMN].to_pylist()) == {grant_mark(grant)}
    alpha.get(f"/opendata/{code()}")
    alpha.get("/opendata/query", {"entry": code(), "sql": "SELECT count(*) FROM data"})
    written = DataAccess.objects.filter(grant=grant).values_list("number", "way", "person__username", "detail")
    assert [row[1] for row in written] == ["file", "file", "api", "page", "sql"]
    assert {row[2] for row in written} == {"alpha"}
    assert written[1][3] == "分段 bytes=0-99"
    assert broken_at(grant) is None
    for browser in (alpha, world.browser("city"), world.browser("province")):
        page = browser.get(f"/opendata/grants/{grant.pk}").content.decode()
        assert "bytes=0-99" in page
    assert beta.get(f"/opendata/grants/{grant.pk}").status_code == 404
    assert beta.get(f"/opendata/files/{one.pk}.csv").status_code == 403
    assert Client().get(f"/opendata/files/{one.pk}.csv").status_code == 403


def test_what_is_shown_of_a_granted_release_bears_the_mark_and_the_digest_of_its_copy(
    out: list[GateRelease], grant: DataGrant, world: World
) -> None:
    alpha, mark, table = world.browser("alpha"), grant_mark(grant), out[1]
    unmade = alpha.get(f"/opendata/{code()}").content.decode()
    assert mark in unmade
    assert not any(each.sha256 in unmade for each in out)
    assert alpha.get(f"/api/v1/opendata/released/{table.pk}").json()["sha256"] is None
    sent = alpha.get(f"/opendata/files/{table.pk}.parquet")
    digest = hashlib.sha256(body(sent)).hexdigest()
    assert digest == sent["ETag"].strip('"') != table.sha256
    assert digest in alpha.get(f"/opendata/{code()}").content.decode()
    said = alpha.get(f"/api/v1/opendata/released/{table.pk}").json()
    assert (said["sha256"], said["columns"][-1], said["preview"][0][-1]) == (digest, MARK_COLUMN, mark)
    found = run_query(f"SELECT * FROM data UNION ALL SELECT * FROM r{table.pk}", viewer(world), NOW, code())
    assert (found.columns[-1], {row[-1] for row in found.rows}) == (MARK_COLUMN, {mark})
    chosen = run_query("SELECT 名称 FROM data LIMIT 7", viewer(world), NOW, code())
    assert (chosen.columns, {row[-1] for row in chosen.rows}) == (["名称", MARK_COLUMN], {mark})
    assert DataAccess.objects.filter(grant=grant).order_by("number").last().detail.endswith(" rows=7")  # type: ignore[union-attr]
    assert table.sha256 in world.browser("province").get(f"/opendata/{code()}").content.decode()


def test_a_grant_that_ends_between_two_checks_lets_nothing_out_unmarked(
    out: list[GateRelease], grant: DataGrant, world: World
) -> None:
    read = get_release(out[0].pk, viewer(world), NOW)
    revoke_grant(grant.pk, "用途不符", world.people["province"], NOW)
    with pytest.raises(Gone):
        readable(read.release, viewer(world), NOW)
    asked = RequestFactory().get("/")
    sent = body(delivering.deliver_release(asked, read, viewer(world), lambda: NOW, AccessWay.FILE)).decode()
    assert all(line.endswith(grant_mark(grant)) for line in sent.splitlines()[1:])
    assert DataAccess.objects.filter(grant=grant).count() == 1


def test_what_a_firm_accepted_stays_as_it_was_signed(grant: DataGrant, world: World) -> None:
    for changed in (
        {"statement": "{}"},
        {"signature": "x"},
        {"accepted_at": NOW + timedelta(days=1)},
        {"accepted_by": world.people["beta"]},
        {"accepted_at": None, "accepted_by": None, "statement": "", "signature": ""},
    ):
        with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
            DataGrant.objects.filter(pk=grant.pk).update(**changed)
    assert revoke_grant(grant.pk, "用途不符", world.people["province"], NOW).revoked_at == NOW


def viewer(world: World) -> Viewer:
    return Viewer.for_person(world.people["alpha"])


def test_a_row_that_is_changed_or_taken_out_of_the_ledger_is_seen(
    out: list[GateRelease], grant: DataGrant, world: World
) -> None:
    for _ in range(3):
        body(world.browser("alpha").get(f"/opendata/files/{out[0].pk}.csv"))
    with pytest.raises(Exception, match="Cannot"), transaction.atomic():
        DataAccess.objects.filter(number=2).update(detail="none")
    with connection.cursor() as cursor:  # somebody who holds the database
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE opendata_dataaccess DISABLE TRIGGER USER")
        cursor.execute("UPDATE opendata_dataaccess SET detail = 'none' WHERE number = 2")
    assert broken_at(grant) == 2


def test_what_is_revoked_or_withdrawn_stops_in_the_middle_and_the_ledger_names_who_had_it(
    out: list[GateRelease], grant: DataGrant, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "_PIECE", 500)
    monkeypatch.setattr(delivering, "_ASKED_EVERY", -1)
    alpha, way = world.browser("alpha"), f"/opendata/files/{out[0].pk}.csv"
    pieces = iter(alpha.get(way).streaming_content)
    next(pieces)
    revoke_grant(grant.pk, "用途不符", world.people["province"], NOW)
    with pytest.raises(Gone):
        next(pieces)
    assert alpha.get(way).status_code == 410
    assert alpha.get("/opendata/query", {"entry": code(), "sql": "SELECT 1 FROM data"}).status_code == 410
    again = give_grant(replace(TERMS, uscc=world.alpha.uscc), steward("releaser"), NOW)
    assert alpha.get(way).status_code == 410  # not accepted yet
    accept_grant(again.pk, world.people["alpha"], NOW)
    pieces = iter(alpha.get(way, headers={"range": "bytes=0-"}).streaming_content)
    next(pieces)
    withdraw_file(out[0].file_id, "提供部门更正", steward("releaser"), NOW)
    with pytest.raises(Gone):
        next(pieces)
    assert alpha.get(way, headers={"range": "bytes=500-"}).status_code == 410
    assert [row.person.username for row in DataAccess.objects.filter(grant=again)] == ["alpha"]


def test_only_a_firm_of_the_register_is_granted_and_only_conditional_data(
    out: list[GateRelease], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, name = connection.settings_dict["HOST"], connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@/{name}?host={at}")  # for the command: the test's own
    asked = replace(TERMS, uscc=world.alpha.uscc)
    with pytest.raises(NotAllowed):
        grant_data_access(asked, steward("releaser"), NOW)
    keeper = world.people["province"]
    give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), NOW)
    firms = f"编号,企业名称,企业代码,市,自,至,认定依据,认定文件\nF-1,甲,{world.alpha.uscc},合肥市,2024-01-01,,x,y"
    import_register(firms.encode(), "企业.csv", "anhui-agi-2023", "agi_firms", by=keeper, now=NOW, reason="x")
    assert grant_data_access(replace(asked, ground=""), steward("releaser"), NOW).ground.endswith("F-1")
    given_and_revoked_over_http_and_by_command(world)
    with pytest.raises(NotAllowed):
        give_grant(asked, steward("wuhu", "340200"), NOW)
    with pytest.raises(InvalidRequest):
        give_grant(replace(asked, ends_on=date(2025, 1, 1)), steward("releaser"), NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        DataGrant.objects.create(
            entry=out[0].file.entry, party=world.alpha, purpose="x", licence="x", terms=" ", ground="x",
            starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1), given_by=steward("releaser"), given_at=NOW,
        )  # fmt: skip


def given_and_revoked_over_http_and_by_command(world: World) -> None:
    """By the city over HTTP, accepted by the firm, read under it, revoked by a command; no undecided application."""
    city, alpha = Client(), world.browser("alpha")
    city.force_login(steward("releaser"), backend="django.contrib.auth.backends.ModelBackend")
    asked = {
        "entry": code(), "uscc": world.alpha.uscc, "purpose": "训练", "licence": "授权许可", "terms": "不得转让。",
        "starts_on": "2026-01-01", "ends_on": "2099-12-31",
    }  # fmt: skip
    ways = "/api/v1/opendata/grants"
    undecided = city.post(ways, {**asked, "application": "A-1"}, content_type="application/json")
    assert (undecided.status_code, undecided.json()["code"]) == (409, "grant.application_not_decided")
    made = city.post(ways, asked, content_type="application/json").json()
    assert (made["state"], made["ground"].endswith("F-1")) == ("offered", True)
    assert alpha.post(ways, asked, content_type="application/json").status_code == 403
    accepted = alpha.post(f"{ways}/{made['number']}/acceptance", content_type="application/json").json()
    assert (accepted["state"], bool(accepted["signature"])) == ("in_force", True)
    listed = alpha.get("/api/v1/opendata/released").json()
    body(alpha.get(f"/api/v1/opendata/released/{listed['released'][0]['number']}/content"))
    shown = city.get(f"{ways}/{made['number']}").json()
    assert (shown["accesses"], shown["ledger"][0]["person"], shown["broken_at"]) == (1, "alpha", None)
    assert world.browser("beta").get(f"{ways}/{made['number']}").status_code == 404
    revoked = invoke(
        "data", "grant", "revoke", str(made["number"]), "--by", "province", "--reason", "用途不符", "--json"
    )
    assert json.loads(revoked.stdout)["state"] == "revoked"
    rows = json.loads(invoke("data", "grant", "list", "--by", "alpha", "--json").stdout)
    assert (rows[0]["number"], rows[0]["state_zh"], rows[0]["reason"]) == (made["number"], "已收回", "用途不符")
    assert alpha.get("/api/v1/opendata/released").json()["total"] == 0
