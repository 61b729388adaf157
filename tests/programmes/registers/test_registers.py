"""Registers of things: read from files with every bad cell named, corrected with a reason, ended, public to anyone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec
from huisuan.law.procedure.registers import check_register_spec
from huisuan.parties.models import Person
from huisuan.programmes.models import RegisteredThing, RegisterVersion
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.register_commands import app
from huisuan.programmes.registers.entry_line import KnownNames, parse_entry
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import end_entry, import_register
from support.programmes import person
from support.registers import HEADER, OFFICE, PARKS, POLICY, park, registered_park
from support.usage_records import party

NOON = datetime(2024, 6, 3, 4, tzinfo=UTC)


@pytest.fixture
def keeper(db: None) -> Person:
    """A person whose post is to keep the registers of the working group."""
    keeper = person("keeper", "department")
    give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), NOON)
    return keeper


def brought(keeper: Person, *rows: str, reason: str = "", days: int = 0) -> tuple[int, int, int, list[str]]:
    content = "\n".join([HEADER, *rows]).encode()
    now = NOON + timedelta(days=days)
    report = import_register(content, "园区.csv", POLICY, PARKS, by=keeper, now=now, reason=reason)
    return report.new, report.changed, report.same, [str(fault) for fault in report.faults]


def test_good_rows_are_kept_every_bad_cell_is_named_and_the_same_file_changes_nothing(keeper: Person) -> None:
    rows = [
        park("p－1"),
        park("P-2", agi="101"),
        park("P-3", firms="很多", **{"from": "昨天"}),
        park("P - 1"),
        park("P-4"),
    ]
    new, _, _, faults = brought(keeper, *rows)
    assert new == 2
    assert [fault.split("：")[0].split("；")[0] for fault in faults] == [
        '行 3，列 其中通用人工智能企业数: "101" 多于“入园企业数”（100）',
        '行 4，列 自: "昨天" 不是日期',
        '行 4，列 入园企业数: "很多" 不是不小于 0 的整数',
        '行 5，列 编号: "P-1" 与第 2 行同一编号',
    ]
    assert list(standing_versions(POLICY, PARKS).values_list("entry__code", flat=True)) == ["P-1", "P-4"]
    assert brought(keeper, *rows)[:3] == (0, 0, 2)
    assert RegisteredThing.objects.count() == 2, "an entry whose every row was refused is not there"


def test_a_correction_is_a_version_with_its_reason_and_what_it_was_before_stays_readable(keeper: Person) -> None:
    brought(keeper, park())
    new, changed, _, faults = brought(keeper, park(agi="70"), park("P-2"))
    assert (new, changed) == (1, 0)
    assert "改动须写理由" in faults[0]
    assert brought(keeper, park(agi="70"), reason="季度更新", days=1)[:3] == (0, 1, 0)
    versions = RegisterVersion.objects.filter(entry__code="P-1").order_by("number")
    assert [(each.number, each.values["agi_firms"], each.reason) for each in versions] == [
        (1, 61, ""),
        (2, 70, "季度更新"),
    ]


def test_what_is_revoked_is_off_the_register_after_its_last_day_and_comes_back_only_with_a_reason(
    keeper: Person,
) -> None:
    brought(keeper, park())
    ended = end_entry(POLICY, PARKS, "p-1", date(2024, 6, 3), by=keeper, now=NOON, reason="占比降至六成以下")
    assert (ended.number, ended.ended) == (2, True)
    on = [
        standing_versions(POLICY, PARKS, day).count()
        for day in (date(2023, 12, 31), date(2024, 6, 3), date(2024, 6, 4))
    ]
    assert on == [0, 1, 0]
    with pytest.raises(Conflict, match="已自 2024-06-03 之后撤下"):
        end_entry(POLICY, PARKS, "P-1", date(2024, 6, 5), by=keeper, now=NOON, reason="再撤")
    assert brought(keeper, park())[3], "not silently back by an old file"
    assert brought(keeper, park(), reason="复核后恢复")[1] == 1
    with pytest.raises(InvalidRequest, match="早于列入日"):
        end_entry(POLICY, PARKS, "P-1", date(2023, 6, 5), by=keeper, now=NOON, reason="撤")
    with pytest.raises(NotFound):
        end_entry(POLICY, PARKS, "P-9", date(2024, 6, 5), by=keeper, now=NOON, reason="撤")


@pytest.mark.parametrize(("office", "duty"), [("省科技厅", "register"), (OFFICE, "check")])
def test_only_who_holds_the_post_of_its_office_keeps_a_register(db: None, office: str, duty: str) -> None:
    other = person("other", "department")
    give_post(other, office, duty, date(2024, 1, 1), person("giver"), NOON)
    with pytest.raises(NotAllowed) as refused:
        brought(other, park())
    assert refused.value.code == "register.no_post_in_force"


def test_a_file_without_a_column_or_with_one_twice_is_refused_whole(keeper: Person) -> None:
    for content, says in ((b"name\nx", "缺少列 编号"), ((HEADER + ",编号").encode(), "两列“编号”"), (b"", "是空的")):
        with pytest.raises(InvalidRequest, match=says):
            import_register(content, "x.csv", POLICY, PARKS, by=keeper, now=NOON)
    with pytest.raises(NotFound, match="没有名录 nothing"):
        import_register(b"", "x.csv", POLICY, "nothing", by=keeper, now=NOON)


def test_the_database_keeps_versions_as_they_are_and_asks_corrections_for_a_reason(keeper: Person) -> None:
    brought(keeper, park())
    version = RegisterVersion.objects.get()
    for statement in ("UPDATE programmes_registerversion SET name = 'x'", "DELETE FROM programmes_registerversion"):
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(statement)
    version.pk, version.number = None, 2
    with pytest.raises(IntegrityError, match="register_correction_has_a_reason"), transaction.atomic():
        version.save(force_insert=True)


def test_anyone_reads_a_register_by_api_with_its_versions_and_on_a_day(keeper: Person) -> None:
    firm = party(1)
    brought(keeper, park(holder=firm.uscc), park("P-2", **{"from": "2024-07-01"}))
    brought(keeper, park(holder=firm.uscc, agi="70"), reason="季度更新")
    api = "/api/v1/registers"
    found = Client().get(f"{api}/{POLICY}/{PARKS}", {"on": "2024-06-30"}).json()
    assert (found["total"], found["entries"][0]["holder"], found["entries"][0]["values"]["agi_firms"]) == (
        1,
        firm.uscc,
        70,
    )
    one = Client().get(f"{api}/{POLICY}/{PARKS}/p-1").json()
    assert [each["version"] for each in one["versions"]] == [2, 1]
    registers = Client().get(api).json()
    assert {each["key"] for each in registers} >= {"parks", "products", "scenarios", "standards"}
    for address in (f"{api}/{POLICY}/nothing", f"{api}/nothing/{PARKS}", f"{api}/{POLICY}/{PARKS}/P-9"):
        assert Client().get(address).status_code == 404


def test_the_commands_go_the_whole_way(keeper: Person, tmp_path: Path) -> None:
    def run(*words: str) -> object:
        result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
        assert result.exit_code == 0
        return json.loads(result.stdout)

    # posts are asked for today, for commands read the clock
    give_post(
        keeper, OFFICE, "register", datetime.now(UTC).date() - timedelta(days=2), person("giver"), datetime.now(UTC)
    )
    file = tmp_path / "parks.csv"
    file.write_text("\n".join([HEADER, park()]), encoding="gb18030")
    assert run("import", POLICY, PARKS, str(file), "--by", "keeper")["new"] == 1  # type: ignore[index]
    assert [row["code"] for row in run("show", POLICY, PARKS)] == ["P-1"]  # type: ignore[attr-defined]
    assert run("end", POLICY, PARKS, "P-1", "--by", "keeper", "--reason", "撤销")["ended"] is True  # type: ignore[index]
    assert len(run("show", POLICY, PARKS, "P-1")) == 2  # type: ignore[arg-type]
    assert list(run("columns", POLICY, PARKS).values()) == HEADER.split(",")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"office": "省想象厅"}, "law.register_office_not_named"),
        ({"fields": (RegisterField("code", "甲", "a"),)}, "law.register_field_twice"),
        ({"fields": (RegisterField("a", "编号", "a"),)}, "law.register_field_twice"),
        ({"fields": (RegisterField("a", "甲", "a", FieldKind.CHOICE),)}, "law.register_options_wrong"),
        ({"share": ("a", "b")}, "law.register_share_unknown"),
    ],
)
def test_a_register_that_cannot_be_kept_is_refused_when_its_policy_is_loaded(
    changed: dict[str, object], code: str
) -> None:
    plain = {"key": "k", "sentence": "9.1", "phrase": "x", "title": "t", "title_en": "t", "office": OFFICE,
             "name_is": "n", "name_is_en": "n"}  # fmt: skip
    with pytest.raises(LawError) as refused:
        check_register_spec(RegisterSpec(**{**plain, **changed}), (OFFICE,))  # type: ignore[arg-type]
    assert refused.value.code == code


@given(
    st.dictionaries(
        st.sampled_from(["code", "name", "holder", "from", "until", "firms", "agi_firms"]), st.text(max_size=30)
    )
)
def test_whatever_stands_in_a_row_is_read_or_named(cells: dict[str, str]) -> None:
    found = parse_entry(load_policy(POLICY).register(PARKS), 2, cells, KnownNames(frozenset(), {}))
    assert found if isinstance(found, list) else found.code and found.name


def test_anyone_opens_the_registers_one_of_them_and_an_entry_with_what_was_corrected(keeper: Person) -> None:
    registered_park(keeper)
    anyone = Client()
    assert reverse("register-of", args=[POLICY, PARKS]) in anyone.get(reverse("registers")).content.decode()
    page = anyone.get(reverse("register-of", args=[POLICY, PARKS]), {"on": "now", "q": "量子"}).content.decode()
    entry = reverse("register-entry", args=[POLICY, PARKS, "P-1"])
    assert entry in page
    shown = anyone.get(entry).content.decode()
    for text in ("季度更新", "70.0%", "61.0%", "合肥市", "70 家"):
        assert text in shown
    table = anyone.get(reverse("register-of", args=[POLICY, PARKS]), {"export": "csv"})
    text = b"".join(table).decode("utf-8-sig") if table.streaming else table.content.decode("utf-8-sig")
    assert "量子园" in text
    for wrong in ((POLICY, "nothing", "P-1"), (POLICY, PARKS, "P-9"), ("nothing", PARKS, "P-1")):
        assert anyone.get(reverse("register-entry", args=wrong)).status_code == 404


def test_a_code_with_a_slash_is_found_by_page_and_api(keeper: Person) -> None:
    brought(keeper, park("GB/T 43697-2024"))
    code = "GB/T43697-2024"
    assert Client().get(reverse("register-entry", args=[POLICY, PARKS, code])).status_code == 200
    assert Client().get(f"/api/v1/registers/{POLICY}/{PARKS}/{code}").json()["code"] == code
