"""A corpus from what was released: built, read by everyone or under a grant, gone with its source, built anew."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from huisuan.base.errors import Gone, InvalidRequest, NotAllowed
from huisuan.opendata.access.grants import GivenGrant, accept_grant, give_grant
from huisuan.opendata.access.ledger import broken_at
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.corpora.building import build_corpus, get_build, rebuild_stale
from huisuan.opendata.corpora.pages import CorpusRules
from huisuan.opendata.corpora.shards import get_shard, shards_holding
from huisuan.opendata.corpora.sources import read_pages, text_releases
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.models import CorpusBuild, DataAccess, DataGrant, GateRelease
from huisuan.parties.models import Person
from support.catalogue import as_csv, code, line
from support.gate import NOW, judge_all, list_entry, released, remade, steward, uploaded
from support.jobs import party
from support.open_tools import lacking_open_tools, run_tool

pytestmark = pytest.mark.django_db
ONE_SHARD = CorpusRules(shards=1)


def texts_file(topic: str, number: int = 12) -> bytes:
    """A released table of texts: each another, the last said twice."""
    buffer = io.StringIO()
    rows = [f"{topic}简报第{n}期。\n本期介绍{topic}的办理情况，共{n * 37}件，已全部办结。" for n in range(number)]
    csv.writer(buffer).writerows([["期", "正文"], *([n, text] for n, text in enumerate([*rows, rows[-1]]))])
    return buffer.getvalue().encode()


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def built(rules: CorpusRules = ONE_SHARD) -> CorpusBuild:
    return build_corpus("briefs", "工作简报", [code()], rules, steward("maker"), NOW)


def lines_of(answer: Any) -> list[dict[str, Any]]:
    content = b"".join(answer.streaming_content)
    return [json.loads(row) for row in content.decode().splitlines()]


def test_a_corpus_says_where_each_line_is_from_and_everyone_reads_it(at_home: None) -> None:
    csv_release, _ = released(texts_file("政务服务"))
    made = built()
    assert made.statistics["left_out"]["same"] == 1
    found = Client().get("/api/v1/opendata/corpora/briefs").json()
    shard = next(each for each in found["shards"] if each["form"] == "jsonl")
    assert (shard["lines"], shard["releases"], found["gone"]) == (12, [csv_release.pk], [])
    assert "| 与另一页相同 | 1 |" in found["card"]
    way = "/api/v1/opendata/corpora/briefs/shards/1/jsonl"
    answer = Client().get(way)
    assert answer["X-Content-SHA256"] == shard["sha256"]
    first, *_ = lines = lines_of(answer)
    assert first == {
        "text": "政务服务简报第0期。\n本期介绍政务服务的办理情况，共0件，已全部办结。", "entry": code(), "version": 1,
        "release": csv_release.pk, "page": 1, "sha256": csv_release.sha256, "licence": "开放许可 1.0",
    }  # fmt: skip
    assert len(lines) == 12
    part = Client().get(way, headers={"range": "bytes=0-9"})
    assert (part.status_code, part["Content-Length"]) == (206, "10")
    assert int(Client().head(way)["Content-Length"]) == shard["size"]
    assert Client().get("/api/v1/opendata/corpora/briefs/shards/2/jsonl").status_code == 404
    again = built()
    assert [each.sha256 for each in again.shards.all()] == [each.sha256 for each in made.shards.all()]


def test_a_source_taken_back_closes_its_shards_at_once_until_they_are_built_anew(at_home: None) -> None:
    first, _ = released(texts_file("政务服务"))
    other, _ = released(texts_file("项目审批"))
    built()
    way = "/api/v1/opendata/corpora/briefs/shards/1/parquet"
    assert Client().get(way).status_code == 200
    withdraw_file(first.file_id, "提供部门更正", steward("releaser"), NOW)
    said = Client().get(way)
    assert (said.status_code, "2026-11-02" in said.json()["detail"]) == (410, True)
    assert {each.lines for each in shards_holding(first.pk)} == {12}
    with pytest.raises(Gone):
        get_shard("briefs", 1, "jsonl", None, NOW)
    (anew,) = rebuild_stale(NOW)
    assert (anew.number, anew.reason) == (2, f"来源不再提供：r{first.pk}")
    lines = lines_of(Client().get("/api/v1/opendata/corpora/briefs/shards/1/jsonl"))
    assert {each["release"] for each in lines} == {other.pk}
    assert rebuild_stale(NOW) == []
    assert shards_holding(first.pk) == []
    withdraw_file(other.file_id, "提供部门更正", steward("releaser"), NOW)
    rebuild_stale(NOW)
    assert Client().get(way).status_code == 410
    assert get_build("briefs").statistics["lines"] == 0


def test_conditional_texts_are_read_under_a_grant_with_its_mark_and_each_access_is_written_down(at_home: None) -> None:
    released(texts_file("政务服务"), access="有条件开放", ground="数据条例", terms="须签订协议")
    built()
    way = "/api/v1/opendata/corpora/briefs/shards/1/jsonl"
    assert Client().get(way).status_code == 403
    hidden = Client().get("/api/v1/opendata/corpora/briefs").json()
    assert (hidden["statistics"], hidden["card"], "sha256" in hidden["shards"][0]) == (None, "", False)
    firm = party(1)
    member = Person.objects.create_person("member", None, role="user", name="member", party=firm)
    today = NOW.date()
    given = GivenGrant(code(), firm.uscc, "训练", "授权许可", "不得转给他人", "名录", today, today.replace(year=2099))
    grant = accept_grant(give_grant(given, steward("releaser"), NOW).pk, member, NOW)
    browser = Client()
    browser.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    lines = lines_of(browser.get(way))
    assert {each["grant"] for each in lines} == {f"授权{grant.pk}/{firm.uscc}"}
    browser.get(way, headers={"range": "bytes=0-9"})  # of the download that began
    row = DataAccess.objects.get(grant=grant, way="api")
    assert row.detail == "briefs-0001.jsonl"
    assert broken_at(DataGrant.objects.get(pk=grant.pk)) is None


def test_who_may_not_build_and_what_is_no_text_is_refused(at_home: None) -> None:
    released("名称,车位数\n甲,1\n".encode())
    with pytest.raises(InvalidRequest) as refused:
        built()
    assert refused.value.code == "corpus.no_text"
    with pytest.raises(NotAllowed):
        build_corpus("briefs", "x", [code()], ONE_SHARD, steward("wuhu", "340200"), NOW)
    for name in ("", "A", "-a", "a/b", "a" * 60):
        with pytest.raises(InvalidRequest):
            build_corpus(name, "x", [code()], ONE_SHARD, steward("maker"), NOW)
    for wrong in ({"shards": 0}, {"similarity": 10}, {"language": "la"}, {"shortest": 9, "longest": 3}):
        with pytest.raises(InvalidRequest):
            CorpusRules(**wrong)


def test_a_released_document_is_read_by_page_or_by_part(at_home: None, tmp_path: Path) -> None:
    import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
    assert text_releases([code()]) == []
    from huisuan.opendata.corpora.sources import _of_document

    path = tmp_path / "d.jsonl"
    rows = [{"page": 1, "text": "甲"}, {"page": 1, "text": "乙"}, {"page": 3, "text": "丙"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(_of_document(path, 1)) == [(1, "甲\n乙"), (3, "丙")]
    path.write_text('{"part":"首页","line":1,"text":"甲"}\n{"part":"次页","line":1,"text":"乙"}\n')
    assert list(_of_document(path, 1)) == [(1, "甲"), (2, "乙")]
    for wrong in ("{", "[]", '{"page":1}', '{"page":null,"text":""}', '{"page":1,"text":2}'):
        path.write_text(wrong + "\n")
        with pytest.raises(InvalidRequest):
            list(_of_document(path, 1))


def test_a_document_that_came_through_the_gate_is_in_the_corpus(at_home: None) -> None:
    list_entry()
    text = "关于做好公共数据开放工作的通知\n各区县：现将有关事项通知如下，请认真执行。联系电话 13912345678。\n"
    file = remade(judge_all(uploaded(text.encode(), "通知.txt")))
    release_file(file.pk, steward("releaser"), NOW)
    assert built().statistics["lines"] == 1
    (found,) = lines_of(Client().get("/api/v1/opendata/corpora/briefs/shards/1/jsonl"))
    assert found["page"] == 1
    assert "公共数据开放工作的通知\n各区县" in found["text"]
    assert "13912345678" not in found["text"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(bool(lacking_open_tools()), reason=lacking_open_tools())
def test_datasets_loads_and_streams_a_corpus_over_http(live_server: Any, at_home: None, tmp_path: Path) -> None:
    released(texts_file("政务服务", 40))
    built(CorpusRules(shards=2))
    program = f"""
import datasets, json, urllib.request
site = {live_server.url!r}
found = json.load(urllib.request.urlopen(site + "/api/v1/opendata/corpora/briefs"))
ways = [f"{{site}}/opendata/corpora/briefs/{{each['number']}}.{{each['form']}}" for each in found["shards"]]
parquet = [way for way in ways if way.endswith("parquet")]
whole = datasets.load_dataset("parquet", data_files=parquet, split="train")
lines = [way for way in ways if way.endswith("jsonl")]
streamed = datasets.load_dataset("json", data_files=lines, split="train", streaming=True)
print(whole.num_rows, len(list(streamed)), *sorted(whole.column_names))
"""
    said = run_tool(tmp_path / "d", "python", "-c", program).split()
    assert said == ["40", "40", "entry", "licence", "page", "release", "sha256", "text", "version"]


def test_a_release_is_named_once_among_the_sources_of_a_shard(at_home: None) -> None:
    released(texts_file("政务服务"))
    built()
    assert [page.page for page in read_pages(text_releases([code()]))] == list(range(1, 14))
    assert GateRelease.objects.filter(corpus_sources__shard__build=get_build("briefs")).distinct().count() == 1
