"""Other people's tools, unchanged, on the list and its files at a running server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.models import GateRelease
from support.catalogue import PROVIDER, as_csv, code, line
from support.gate import NOW, released
from support.open_tools import lacking_open_tools, run_tool

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(lacking_open_tools()), reason=lacking_open_tools()),
]
ROWS = "名称,车位数\n" + "".join(f"第{n}停车场,{n * n % 37}\n" for n in range(400))
SHAPES = Path(__file__).with_name("dcat_shapes.ttl")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[GateRelease]:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    import_catalogue(as_csv([line(2, title="学校名录", theme="教育")]), "清单.csv", by="test", now=NOW)
    return released(ROWS.encode())


def test_ckanapi_as_a_library_and_as_a_command(live_server: Any, out: list[GateRelease], tmp_path: Path) -> None:
    program = f"""
import ckanapi, json
ckan = ckanapi.RemoteCKAN({live_server.url!r})
found = ckan.action.package_search(q="停车", fq="tags:交通运输", **{{"facet.field": ["organization"]}})
errors = []
wrong = (("package_show", dict(id="none")), ("package_show", dict()), ("package_search", dict(fq="colour:red")))
for name, asked in wrong:
    try:
        ckan.call_action(name, asked)
    except ckanapi.errors.CKANAPIError as error:
        errors.append(type(error).__name__)
one = found["results"][0]
print(json.dumps([found["count"], found["facets"], ckan.action.organization_list(), ckan.action.tag_list(),
    ckan.call_action("resource_show", dict(id=one["resources"][0]["id"]), requests_kwargs=None)["hash"],
    ckan.action.package_search(start=500)["results"], errors]))
"""
    found = json.loads(run_tool(tmp_path / "lib", "python", "-c", program))
    provider = PROVIDER.lower()
    assert found[:3] == [1, {"organization": {provider: 1}}, [provider]]
    assert (sorted(found[3]), found[4], found[5]) == (["交通运输", "教育"], out[0].sha256, [])
    assert found[6] == ["NotFound", "ValidationError", "SearchQueryError"]
    listed = json.loads(run_tool(tmp_path / "cli", "ckanapi", "action", "package_list", "-r", live_server.url))
    assert listed == [code(1).lower(), code(2).lower()]
    searched = run_tool(tmp_path / "cli", "ckanapi", "search", "datasets", "q=停车", "-r", live_server.url)
    assert [json.loads(row)["name"] for row in searched.splitlines()] == listed[:1]
    dumped = run_tool(tmp_path / "cli", "ckanapi", "dump", "datasets", "--all", "-r", live_server.url)
    assert [json.loads(row)["name"] for row in dumped.splitlines()] == listed


def test_pyshacl_finds_the_dcat_of_the_list_and_of_an_entry_whole(
    live_server: Any, out: list[GateRelease], tmp_path: Path
) -> None:
    program = f"""
import urllib.request, rdflib, pyshacl
for path in ("/opendata/catalogue.jsonld", "/opendata/{code()}/dcat.jsonld"):
    text = urllib.request.urlopen({live_server.url!r} + path).read().decode()
    data = rdflib.Graph().parse(data=text, format="json-ld")
    conforms, _, said = pyshacl.validate(data, shacl_graph={str(SHAPES)!r})
    assert conforms, said
    dcat = rdflib.Namespace("http://www.w3.org/ns/dcat#")
    print(*(len(set(data.subjects(rdflib.RDF.type, kind))) for kind in (dcat.Dataset, dcat.Distribution)))
    data.remove((None, dcat.byteSize, None))
    assert not pyshacl.validate(data, shacl_graph={str(SHAPES)!r})[0]
"""
    assert run_tool(tmp_path / "shacl", "python", "-c", program).split() == ["2", "2", "1", "2"]
    assert Client().get("/opendata/catalogue.jsonld", {"page": 2}).status_code == 404
    assert Client().get("/opendata/catalogue.jsonld", {"page": "x"}).status_code == 404


def test_frictionless_mlcroissant_and_datasets_load_the_rows(
    live_server: Any, out: list[GateRelease], tmp_path: Path
) -> None:
    csv, parquet = (f"{live_server.url}/opendata/files/{each.pk}.{each.product.format}" for each in out)
    schema = f"{live_server.url}/opendata/files/{out[0].pk}.schema.json"
    program = f"""
import frictionless
report = frictionless.Resource(path={csv!r}, encoding="utf-8", schema={schema!r}).validate()
assert report.valid, report.flatten(["message"])
print(report.tasks[0].stats["rows"], *frictionless.Schema.from_descriptor({schema!r}).field_names)
"""
    assert run_tool(tmp_path / "a", "python", "-c", program).split() == ["400", "名称", "车位数"]
    program = f"""
import mlcroissant
found = mlcroissant.Dataset(jsonld="{live_server.url}/opendata/{code()}/croissant.json")
rows = list(found.records(record_set="rows"))
print(len(rows), [value.decode() if isinstance(value, bytes) else value for value in rows[3].values()])
"""
    assert run_tool(tmp_path / "b", "python", "-c", program).split("\n")[0] == "400 ['第3停车场', '9']"
    program = f"""
import datasets
whole = datasets.load_dataset("csv", data_files={csv!r}, split="train")
streamed = datasets.load_dataset("parquet", data_files={parquet!r}, split="train", streaming=True)
print(whole.num_rows, len(list(streamed)), next(iter(streamed))["名称"])
"""
    assert run_tool(tmp_path / "c", "python", "-c", program).split() == ["400", "400", "第0停车场"]


def test_the_page_and_the_file_name_their_descriptions(out: list[GateRelease]) -> None:
    page = Client().get(f"/opendata/{code()}").content.decode()
    schema = f"/opendata/files/{out[0].pk}.schema.json"
    for address in (schema, f"/opendata/{code()}/dcat.jsonld", f"/opendata/{code()}/croissant.json"):
        assert address in page
    assert f'<{schema}>; rel="describedby"' in Client().head(f"/opendata/files/{out[0].pk}.csv")["Link"]
    assert Client().get(f"/opendata/{code(2)}/croissant.json").status_code == 404
