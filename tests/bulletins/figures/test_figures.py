"""Bulletins on money, use and scenarios: no firm can be read out of them, whatever was published before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.desk.queries import issues_to_compare
from huisuan.bulletins.models import BulletinIssue, BulletinSnapshot
from huisuan.parties.models import Person
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.services import import_register
from support.command_tree import invoke
from support.paid_money import POLICY, pay_firms, pay_two_quarters
from support.programmes import person
from support.registers import OFFICE

pytestmark = pytest.mark.django_db
TODAY = datetime.now(SHANGHAI).date().isoformat()
MONEY = ("--office", "某省财政厅", "--kind", "money", "--policy", POLICY)


def said(*words: str) -> Any:
    result = invoke("bulletin", *words, "--json")
    assert result.exit_code == 0, (words, result.output, result.exception)
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = invoke("bulletin", *words)
    assert result.exit_code == 1, (words, result.output)
    return str(getattr(result.exception, "code", ""))


def drafted(*words: str) -> str:
    number = str(said("draft", *words, "--by", "li")["bulletin"])
    said("review", number, "--by", "wang")
    return number


def issued(number: str, name: str, folder: Path) -> Path:
    said("issue", number, "--number", name, "--day", TODAY, "--by", "li", "--folder", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    for name in ("li", "wang"):
        Person.objects.create_person(name, None, role="province", name=name)


def test_two_quarters_and_their_half_year_of_money_give_no_firm_away(tmp_path: Path) -> None:
    """By commands: each verified by anybody, all three attacked together; what is out is not issued twice."""
    pay_two_quarters()
    snapshot, made = tmp_path / "q1.json", tmp_path / "made"
    said("snapshot", str(snapshot), *MONEY[2:], "--period", "2024Q1")
    words = ("--office", "某省财政厅", "--number", "试1号", "--day", TODAY, "--period", "2024年第一季度")
    assert "cells.json" in said("make", str(snapshot), str(made), *words)["files"]
    assert said("verify", str(made))["genuine"] is True
    first, second = (drafted(*MONEY, "--period", f"2024Q{at}") for at in (1, 2))
    folders = [issued(first, "某财通〔2024〕1号", tmp_path / "q1")]
    # the first quarter and the second are not linked until the half-year is out, but what was drafted is chosen anew
    assert refused("issue", second, "--number", "x", "--day", TODAY, "--by", "li") == "bulletin.figures_moved"
    folders.append(issued(drafted(*MONEY, "--period", "2024Q2"), "某财通〔2024〕2号", tmp_path / "q2"))
    pay_firms(date(2024, 6, 28), "2.2", [(12, 9_999_00)])  # booked late: the quarter that is out stays what it was
    folders.append(issued(drafted(*MONEY, "--period", "2024H1"), "某财通〔2024〕3号", tmp_path / "h1"))
    for folder in folders:
        assert said("verify", str(folder))["genuine"] is True
    attacked = said("attack", *(str(folder / "cells.json") for folder in folders))
    assert (attacked["recovered"], len(attacked["hidden"]) > 0) == (0, True)
    cells = {tuple(one["key"][1:]): one["value"] for folder in folders for one in _cells(folder)}
    assert cells["2024Q1", "340300", "all"] is cells["2024Q1", "340600", "all"] is None  # one firm each
    assert cells["2024H1", "all", "all"] == cells["2024Q1", "all", "all"] + cells["2024Q2", "all", "all"]
    assert [one["value"] for one in _cells(made)] == [one["value"] for one in _cells(folders[0])]
    public = (folders[0] / "snapshot.json").read_text(encoding="utf-8")
    assert BulletinSnapshot.objects.exclude(kept="").count() == 4
    assert all(uscc not in public for uscc in ("91340100MA2T", "contributions"))
    page = (folders[2] / "bulletin.html").read_text(encoding="utf-8")
    assert "不公布" in page
    assert "2024年上半年" in page

    assert refused("draft", *MONEY, "--period", "2024Q1", "--by", "li") == "bulletin.period_issued"
    assert refused("draft", *MONEY, "--period", "2099Q1", "--by", "li") == "bulletin.period_running"
    assert refused("draft", *MONEY, "--period", "2024Q5", "--by", "li") == "bulletin.period_malformed"
    assert refused("correct", first, "--reason", "少算一笔", "--by", "li") == "bulletin.longer_issued"
    longest = BulletinIssue.objects.get(number="某财通〔2024〕3号").bulletin_id
    assert [one.number for one in issues_to_compare(BulletinIssue.objects.get(number="某财通〔2024〕3号"))] == [
        "某财通〔2024〕2号", "某财通〔2024〕1号"
    ]  # fmt: skip
    assert said("correct", str(longest), "--reason", "核对", "--by", "li")["corrects"] == "某财通〔2024〕3号"


def test_a_correction_hides_what_was_hidden_and_says_the_new_value(tmp_path: Path) -> None:
    """The old version is out with the new one, and the same attack finds nothing in both together."""
    pay_two_quarters()
    number = drafted(*MONEY, "--period", "2024Q1")
    old = issued(number, "1号", tmp_path / "old")
    pay_firms(date(2024, 3, 28), "5.1", [(1, 5_000_00), (2, 6_000_00), (3, 5_500_00), (4, 5_200_00), (7, 100_00)])
    second = str(said("correct", number, "--reason", "漏了一批", "--by", "wang")["bulletin"])
    said("review", second, "--by", "li")
    new = issued(second, "2号", tmp_path / "new")
    before, now = ({tuple(one["key"]): one["value"] for one in _cells(folder)} for folder in (old, new))
    whole = (f"money:{POLICY}", "2024Q1", "all", "all")
    assert before[whole] is not None
    assert now[whole] == before[whole] + 21_800_00
    assert all(now[key] is None for key, value in before.items() if value is None)
    assert said("attack", str(new / "cells.json"))["recovered"] == 0
    both = said("attack", str(old / "cells.json"), str(new / "cells.json"))
    assert (both["recovered"], both["cells"]) == (0, 2 * len(now))  # kept apart, and the same where nothing changed


def test_scenarios_are_ranked_by_year_and_their_money_is_that_of_the_money_bulletin(tmp_path: Path) -> None:
    """A point a stage, ties share a rank, what waited is said; money is hidden as in its own bulletin."""
    pay_two_quarters()
    keeper = Person.objects.get(username="li")
    give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), datetime(2024, 6, 3, 4, tzinfo=UTC))
    head = "编号,场景名称,对接企业,市,自,至,发布单位,领域,进展,对接日期,建成日期"
    rows = (
        ("合肥市", "已建成"),
        ("合肥市", "已开放"),
        ("芜湖市", "已对接"),
        ("芜湖市", "已对接"),
        ("蚌埠市", "已开放"),
    )
    lines = [
        f"S-{at},场景{at},,{city},2023-11-01,,{city}数据局,政府治理,{stage},," for at, (city, stage) in enumerate(rows)
    ]
    import_register(
        "\n".join([head, *lines]).encode(), "场景.csv", POLICY, "scenarios", by=keeper, now=datetime.now(UTC)
    )
    issued(drafted(*MONEY, "--period", "2024"), "钱1号", tmp_path / "money")
    words = ("--office", "某省数据局", "--kind", "scenarios", "--policy", POLICY, "--register", "scenarios")
    folder = issued(drafted(*words, "--period", "2024"), "场1号", tmp_path / "year")
    ranked = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))["progress"]
    found = [(one["region"], one["rank"], one["score"], one["waiting"]) for one in ranked["cities"]]
    assert found == [("340100", 1, 4, ["S-1"]), ("340200", 1, 4, []), ("340300", 3, 1, ["S-4"])]
    assert "年度评比" in (folder / "bulletin.html").read_text(encoding="utf-8")
    whole = {tuple(one["key"]): one["value"] for one in _cells(tmp_path / "money")}
    assert all(whole[tuple(one["key"])] == one["value"] for one in _cells(folder))
    assert said("verify", str(folder))["genuine"] is True
    assert refused("draft", *words[:-1], "none", "--period", "2024", "--by", "li") == "law.register_unknown"


def _cells(folder: Path) -> Any:
    return json.loads((folder / "cells.json").read_text(encoding="utf-8"))["cells"]


def test_use_is_not_published_before_it_is_settled() -> None:
    words = ("--office", "某省数据局", "--kind", "use", "--period", "2024Q1", "--by", "li")
    assert refused("draft", *words) == "bulletin.not_settled"
    assert refused("draft", *MONEY[:-1], "none", "--period", "2024Q1", "--by", "li") == "bulletin.policy_unknown"
    assert datetime.now(UTC).year > 2024
