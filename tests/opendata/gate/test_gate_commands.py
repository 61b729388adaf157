"""The gate on the command line: from a file to a release that anybody verifies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.keys.platform_key import public
from huisuan.opendata.models import GateFile
from huisuan.parties.models import Person
from support.command_tree import invoke
from support.gate import list_entry, resident_ids, scan_now, steward

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "h"))
    monkeypatch.chdir(tmp_path)


def said(*words: str) -> Any:
    result = invoke("data", *words, "--json")
    assert result.exit_code == 0, (words, result.output, result.exception)
    return json.loads(result.stdout)


def test_a_file_from_its_upload_to_a_statement_that_is_verified(tmp_path: Path) -> None:
    entry = list_entry()
    for name in ("chen", "qian", "sun"):
        steward(name)
    Person.objects.create_person("li", None, role="province", name="李")
    text = "序号,身份证号\n" + "".join(f"{n},{each}\n" for n, each in enumerate(resident_ids(4)))
    (tmp_path / "名单.csv").write_text(text, encoding="utf-8")
    made = said("upload", entry, "名单.csv", "--by", "chen")
    number = str(made["number"])
    assert (made["state"], made["scan"]["state"]) == ("received", "queued")
    file = scan_now(GateFile.objects.get())
    assert {one["kind"] for one in said("findings", number, "--by", "qian")} == {"resident_id"}
    assert said("judge", number, "1", "--action", "mask", "--column", "--by", "qian")["state"] == "clean"
    assert said("remake", number, "--by", "qian")["state"] == "remade"
    scan_now(file)
    assert said("findings", number, "--product", "--by", "qian") == []
    assert [one["state"] for one in said("files", "--by", "sun")] == ["ready"]
    refused = invoke("data", "release", number, "--by", "qian")
    assert refused.exit_code == 1
    done = said("release", number, "--by", "sun", "--to", "放行")
    assert [step["duty"] for step in done["history"] if step["by"]] == ["upload", "judge", "judge", "release"]
    for ending in ("csv", "parquet"):
        product = f"放行/{entry}.{ending}"
        assert said("verify", product, f"{product}.statement.json", "--key", public())["product_format"] == ending
    assert invoke("data", "verify", "名单.csv", f"放行/{entry}.csv.statement.json").exit_code == 1
    assert said("key", "destroy", entry, "--by", "li")["number"] == 1
    assert said("withdraw", number, "--reason", "更正", "--by", "chen")["state"] == "withdrawn"
