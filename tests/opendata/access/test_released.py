"""What is released, to anyone: files with ranges and digests, pages, queries; and nothing once it is withdrawn."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.base.errors import Gone, InvalidRequest
from huisuan.opendata.access import delivering
from huisuan.opendata.access.query import run_query
from huisuan.opendata.access.released import statement_paper
from huisuan.opendata.gate.releasing import withdraw_file
from huisuan.opendata.gate.statements import verify_release
from huisuan.opendata.models import GateRelease
from support.catalogue import code
from support.gate import NOW, released, resident_ids, steward

pytestmark = pytest.mark.django_db
ROWS = "名称,身份证号,车位数,select\n" + "".join(
    f"第{n}停车场,{number},{n * n % 37},{n}\n" for n, number in enumerate(resident_ids(400))
)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[GateRelease]:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    return released(ROWS.encode())


def body(answer: object) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


def test_anyone_loads_whole_files_and_ranges_and_checks_them(out: list[GateRelease], tmp_path: Path) -> None:
    for release in out:
        ways = (
            f"/opendata/files/{release.pk}.{release.product.format}",
            f"/api/v1/opendata/released/{release.pk}/content",
        )
        for way in ways:
            whole = Client().get(way)
            content = body(whole)
            assert hashlib.sha256(content).hexdigest() == release.sha256 == whole["ETag"].strip('"')
            head = Client().head(way)
            assert (head.status_code, int(head["Content-Length"])) == (200, len(content))
            part = Client().get(way, headers={"range": "bytes=10-29"})
            assert (part.status_code, body(part)) == (206, content[10:30])
            assert part["Content-Range"] == f"bytes 10-29/{len(content)}"
            assert body(Client().get(way, headers={"range": "bytes=-7"})) == content[-7:]
            assert body(Client().get(way, headers={"range": "bytes=5-", "if-range": '"other"'})) == content
            assert Client().get(way, headers={"range": f"bytes={len(content)}-"}).status_code == 416
            assert Client().get(way, headers={"if-none-match": whole["ETag"]}).status_code == 304
        file, statement = tmp_path / "data", tmp_path / "data.json"
        file.write_bytes(content)
        statement.write_text(statement_paper(release), encoding="utf-8")
        assert verify_release(file, statement)["entry"] == code()


def test_the_page_of_the_dataset_shows_rows_a_chart_and_how_to_load_it(out: list[GateRelease]) -> None:
    page = Client().get(f"/opendata/{code()}").content.decode()
    for text in (
        f"/opendata/files/{out[0].pk}.csv",
        out[0].sha256,
        "第0停车场",
        "车位数的分布",
        "read_parquet",
        "放行声明",
    ):
        assert text in page
    assert not any(number in page for number in resident_ids(400))
    answer = (
        Client().get("/opendata/query", {"entry": code(), "sql": "SELECT count(*) AS n FROM data"}).content.decode()
    )
    assert '<td lang="zh-hans">400</td>' in answer
    assert f"/opendata/{code()}#step" in Client().get("/opendata/changes.atom").content.decode()


def test_what_is_withdrawn_is_gone_on_every_way_and_for_who_is_in_the_middle(
    out: list[GateRelease], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "_PIECE", 1000)
    monkeypatch.setattr(delivering, "_ASKED_EVERY", -1)
    one, parquet = out
    way = f"/opendata/files/{one.pk}.csv"
    answer = Client().get(way, headers={"range": "bytes=0-"})
    pieces = iter(answer.streaming_content)
    first = next(pieces)
    withdraw_file(one.file_id, "提供部门更正", steward("releaser"), NOW)
    with pytest.raises(Gone):
        next(pieces)
    assert len(first) == 1000
    for gone in (way, f"/api/v1/opendata/released/{one.pk}/content", f"/api/v1/opendata/released/{parquet.pk}",
                 f"/opendata/files/{one.pk}.statement.json", f"/opendata/files/{one.pk}.scan.json"):  # fmt: skip
        said = Client().get(gone)
        text = said.content.decode() if said["Content-Type"].startswith("text/html") else said.json()["detail"]
        assert (said.status_code, "2026-11-02" in text, "合肥市城乡建设局" in text) == (410, True, True), gone
    asked = {"sql": f"SELECT * FROM r{parquet.pk}"}
    assert Client().post("/api/v1/opendata/query", asked, content_type="application/json").status_code == 410
    assert Client().get("/api/v1/opendata/released").json()["total"] == 0
    page = Client().get(f"/opendata/{code()}").content.decode()
    assert "第0停车场" not in page
    assert "已撤回：2026-11-02" in page
    with pytest.raises(Gone):
        run_query("SELECT * FROM data", None, timezone.now(), code())


def test_conditional_data_is_for_its_provider_and_for_nobody_without_a_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    one, _ = released(ROWS.encode(), access="有条件开放", ground="数据条例", terms="须签订协议")
    way = f"/opendata/files/{one.pk}.csv"
    for browser, status in ((Client(), 403), (browser_of("wuhu", "340200"), 403), (browser_of("releaser"), 200)):
        assert browser.get(way).status_code == status
        assert browser.get(f"/api/v1/opendata/released/{one.pk}").status_code == status
        page = browser.get(f"/opendata/{code()}").content.decode()
        assert ("第0停车场" in page) == (status == 200)
    assert "须有授权才能读" in Client().get(f"/opendata/{code()}").content.decode()


def browser_of(username: str, region: str = "340100") -> Client:
    browser = Client()
    browser.force_login(steward(username, region), backend="django.contrib.auth.backends.ModelBackend")
    return browser


ATTACKS = [
    ("SELECT * FROM '/etc/passwd'", "query.table"),
    ("SELECT * FROM read_text('/etc/passwd')", "query.table_kind"),
    ("SELECT getenv('HOME')", "query.function"),
    ("SET threads = 4", "query.not_a_select"),
    ("SELECT 1; SELECT 2", "query.not_one"),
    ("COPY data TO '/tmp/x'", "query.not_a_select"),
    ("SELECT * FROM duckdb_settings", "query.table"),
    ("SELECT * FROM information_schema.tables", "query.table"),
    ("SELECT lower(repeat('x', 1000000000))", "query.function"),
    ("SELECT main.sum(1)", "query.function"),
    ("WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x FROM t) SELECT * FROM t", "query.not_listed"),
    ("SELECT string_agg(a.名称 || b.名称 || c.名称) FROM data a, data b, data c, data d", "query.too_much_memory"),
    (
        f"SELECT count(*) FROM {', '.join(f'data t{n}' for n in range(9))} WHERE t0.名称 || t1.名称 < t2.名称",
        "query.too_slow",
    ),
    (
        "SELECT d.sql FROM (WITH duckdb_views AS (SELECT 1 AS x) SELECT x FROM duckdb_views) t, duckdb_views d",
        "query.own_name",
    ),
    ("SELECT * FROM (WITH Pragma_x AS (SELECT 1) SELECT 1) t, data", "query.own_name"),
    ("SELECT * FROM (WITH \"/a.parquet\" AS (SELECT 1) SELECT 1) t, '/a.parquet'", "query.own_name"),
    ("SELECT nosuch FROM data", "query.failed"),
    ("SELECT", "query.syntax"),
]


def test_a_query_that_wants_more_than_rows_of_named_tables_is_refused(out: list[GateRelease], tmp_path: Path) -> None:
    for sql, why in ATTACKS:
        begun = time.monotonic()
        with pytest.raises(InvalidRequest) as refused:
            run_query(sql, None, NOW, code())
        assert (sql, refused.value.code) == (sql, why)
        assert str(tmp_path) not in str(refused.value)
        assert time.monotonic() - begun < 6


def test_a_query_answers_columns_named_like_sql_and_stops_at_its_limit(out: list[GateRelease]) -> None:
    found = run_query(
        'SELECT "select", sum(CAST("select" AS INT)) OVER () FROM data ORDER BY 1 DESC LIMIT 1', None, NOW, code()
    )
    assert found.rows == [["99", 79800]]
    many = run_query(f"SELECT a.名称 FROM data a, r{out[1].pk} b", None, NOW, code())
    assert (len(many.rows), many.cut) == (10_000, "rows")
    asked = {"entry": code(), "sql": "SELECT count(*) AS n FROM data"}
    posted = Client().post("/api/v1/opendata/query", asked, content_type="application/json")
    assert json.loads(posted.content) == {"columns": ["n"], "rows": [[400]], "cut": ""}
