"""A bulletin in the database: drafted, reviewed by another person, issued with a signature, corrected by a new one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinReview
from huisuan.compute.keys.platform_key import public
from huisuan.parties.models import Person
from support.command_tree import invoke
from support.gate import list_entry

pytestmark = pytest.mark.django_db
TODAY = datetime.now(SHANGHAI).date().isoformat()
WORDS = ("--office", "某省数据局", "--period", "2026年第三季度")


def said(*words: str) -> Any:
    result = invoke("bulletin", *words, "--json")
    assert result.exit_code == 0, (words, result.output, result.exception)
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = invoke("bulletin", *words)
    assert result.exit_code == 1, (words, result.output)
    return str(getattr(result.exception, "code", ""))


def test_from_the_draft_to_the_signature_and_to_its_correction(tmp_path: Path) -> None:
    """By commands; anybody verifies the folder, and the database itself wants two persons and a passed review."""
    list_entry()
    for name in ("li", "wang"):
        Person.objects.create_person(name, None, role="province", name=name)
    Person.objects.create_person("audit", None, role="auditor", name="审")

    number = str(said("draft", *WORDS, "--by", "li")["bulletin"])
    issue = ("issue", number, "--number", "某数通〔2026〕3号", "--day", TODAY, "--by", "li")
    assert refused("draft", *WORDS, "--by", "audit") == "bulletin.for_the_province"
    assert refused("review", number, "--by", "li") == "bulletin.own_draft"
    assert refused(*issue) == "bulletin.not_passed"
    li = Person.objects.get(username="li")
    with pytest.raises(IntegrityError, match="reviewed by whoever drafted it"), transaction.atomic():
        BulletinReview.objects.create(bulletin_id=number, passed=True, by=li, at=datetime.now(UTC))
    with pytest.raises(IntegrityError, match="did not pass"), transaction.atomic():
        BulletinIssue.objects.create(
            bulletin_id=number, number="x", day=TODAY, files={}, statement="{}", signature="s", by=li,
            at=datetime.now(UTC),
        )  # fmt: skip

    assert said("review", number, "--return", "对象写错了", "--by", "wang")["state"] == "returned"
    assert refused("review", number, "--by", "wang") == "bulletin.reviewed_already"
    own = tmp_path / "formula.toml"
    shipped = files("huisuan.opendata.scores").joinpath("formula.toml").read_text("utf-8")
    own.write_text(re.sub("authority = .*", 'authority = "某数〔2026〕1号"', shipped), encoding="utf-8")
    number = str(said("draft", *WORDS, "--formula", str(own), "--by", "li")["bulletin"])
    issue = ("issue", number, *issue[2:])
    assert said("review", number, "--by", "wang")["reviewed_by"] == "wang"
    out = tmp_path / "out"
    issued = said(*issue, "--folder", str(out))
    assert (issued["state"], issued["number"]) == ("issued", "某数通〔2026〕3号")
    assert {path.name for path in out.iterdir()} == {*issued["files"], "statement.json"}
    verified = said("verify", str(out), "--key", public())
    assert (verified["genuine"], verified["signed"]["reviewed_by"]) == (True, "wang")
    assert refused("verify", str(out), "--key", "0" * 64) == "bulletin.other_key"

    assert refused("correct", "9" + number, "--reason", "x", "--by", "li") == "bulletin.not_issued"
    newer = said("correct", number, "--reason", "一个条目算错了", "--by", "wang")
    assert (newer["corrects"], newer["state"]) == ("某数通〔2026〕3号", "draft")
    second = str(newer["bulletin"])
    kept = json.loads(Bulletin.objects.get(pk=newer["bulletin"]).snapshot.content)["formula"]
    assert kept["authority"] == "某数〔2026〕1号"  # a correction changes figures, not the formula
    said("review", second, "--by", "li")
    assert refused("issue", second, *issue[2:]) == "bulletin.number_taken"
    assert said("issue", second, "--number", "某数通〔2026〕4号", *issue[4:])["files"] != issued["files"]
    assert [one["state"] for one in said("list")] == ["issued", "corrected", "returned"]
    assert refused("correct", number, "--reason", "x", "--by", "li") == "bulletin.corrected_already"

    third = said("draft", *WORDS[:3], "2026年第四季度", "--by", "li")["bulletin"]
    carried = json.loads(Bulletin.objects.get(pk=third).snapshot.content)["formula"]
    assert carried["authority"] == "某数〔2026〕1号"  # nor does the next quarter, unless another is given

    (out / "bulletin.html").write_bytes(b"another")
    assert refused("verify", str(out)) == "bulletin.file_is_another"
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        Bulletin.objects.filter(pk=number).update(office="别的")
