"""The table: sorted, filtered, paged and summed by the server, and exported exactly as filtered."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.db.models import QuerySet
from django.test import RequestFactory

from huisuan.base.csv_lines import FORMULA_STARTS
from huisuan.compute.models import UsageRecord
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.export import harmless
from huisuan.portal.ui.table import PAGE_ROWS, Table
from support.portal import World

pytestmark = pytest.mark.django_db

COLUMNS = [
    Column("job", "作业", "job_id", Kind.CODE, sort="job_id"),
    Column("cards", "卡数", "cards", Kind.INTEGER, sort="cards"),
    Column("used", "用量", "card_seconds", Kind.CARD_SECONDS, sort="card_seconds", total="card_seconds"),
    Column("start", "开始", "started_at", Kind.MOMENT),
]


def table(rows: QuerySet[Any], name: str = "", **asked: str) -> Table:
    """A table of usage records, asked for by the address."""
    return Table(
        RequestFactory().get("/x", asked),
        rows,
        COLUMNS,
        file="x",
        order="job",
        name=name,
        search=("job_id", "account"),
        choices=[
            Choice("cards", "卡数", lambda _: [("4", "4"), ("8", "8")], lambda found, n: found.filter(cards=int(n)))
        ],
        empty=Empty("空"),
    )


@pytest.fixture
def rows(world: World) -> QuerySet[UsageRecord]:
    return UsageRecord.objects.filter(party=world.alpha)


def jobs(of: Table) -> list[str]:
    return [line.cells[0].text for line in of.lines]


def test_it_is_sorted_by_the_column_asked_for_and_never_by_another(rows: QuerySet[UsageRecord]) -> None:
    assert jobs(table(rows, sort="-job"))[0] == "500"
    assert jobs(table(rows, sort="job"))[0] == "100"
    for nonsense in ("start", "party__people__password", "-", "nothing"):
        assert jobs(table(rows, sort=nonsense)) == jobs(table(rows))


def test_pages_hold_every_row_once_though_many_rows_sort_alike(rows: QuerySet[UsageRecord]) -> None:
    first, second = table(rows, sort="cards"), table(rows, sort="cards", page="2")
    assert len(first.lines) == PAGE_ROWS
    assert sorted(jobs(first) + jobs(second)) == sorted(rows.values_list("job_id", flat=True))
    assert jobs(table(rows, sort="cards", page="99")) == jobs(second)
    assert jobs(table(rows, sort="cards", page="x")) == jobs(first)


def test_the_foot_sums_everything_filtered_and_not_the_page(rows: QuerySet[UsageRecord]) -> None:
    wanted = sum(row.card_seconds for row in rows if row.cards == 8)
    assert table(rows, cards="8").sums == {"used": wanted}
    assert table(rows).sums == {"used": sum(row.card_seconds for row in rows)}
    assert table(rows, q="no such job").sums == {"used": 0}


def test_the_text_filter_wants_every_word_somewhere(rows: QuerySet[UsageRecord]) -> None:
    assert jobs(table(rows, q="200")) == ["200"]
    assert jobs(table(rows, q="ALPHA 200")) == ["200"]
    assert jobs(table(rows, q="beta 200")) == []
    assert jobs(table(rows, q="%")) == []  # a sign like any other
    assert jobs(table(rows, q="20\x000")) == ["200"]


def test_a_text_filter_that_is_too_long_is_named_and_nothing_is_filtered_by_its_beginning(
    rows: QuerySet[UsageRecord],
) -> None:
    asked = table(rows, q="200 " + "x" * 100)
    assert [text[:6] for text in asked.refused] == ["q=200 "]
    assert asked.count == table(rows).count


def test_a_choice_that_is_not_offered_filters_nothing(rows: QuerySet[UsageRecord]) -> None:
    assert table(rows, cards="1 OR 1=1").count == table(rows).count


def test_two_tables_of_a_page_keep_apart(rows: QuerySet[UsageRecord]) -> None:
    one = table(rows, name="one", **{"one-q": "200", "two-q": "201", "page": "2"})
    assert jobs(one) == ["200"]
    assert one.element == "table-one"
    assert ("two-q", "201") in one.hidden
    assert "two-q=201" in one.heads[0].href


def test_a_zero_and_a_nothing_differ(rows: QuerySet[UsageRecord]) -> None:
    assert COLUMNS[2].shown(0) == "0.00"
    assert COLUMNS[2].shown(None) == "—"
    assert COLUMNS[2].shown(1801) == "0.50"
    assert COLUMNS[2].shown(18) == "0.01"  # half up


def read_csv(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def read_xlsx(answer: Any) -> list[list[tuple[str, str]]]:
    """The cells of the first sheet as (type, text); there are no formulas."""
    book = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert sheet.findall(".//m:f", space) == []
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.findall("m:c", space)]
        for row in sheet.findall(".//m:row", space)
    ]


@pytest.mark.parametrize("query", ["", "q=200", "month=2024-03&sort=-job", "q=no such job"])
def test_exports_hold_exactly_what_is_filtered_in_the_same_order(world: World, query: str) -> None:
    browser = world.browser("alpha")
    shown: list[str] = []
    page = 1
    while True:
        answer = browser.get(f"/usage/?{query}&page={page}")
        shown += [line.cells[1].text for line in answer.context["table"].lines]
        if not answer.context["table"].next:
            break
        page += 1
    in_csv = read_csv(browser.get(f"/usage/?{query}&export=csv"))
    in_xlsx = read_xlsx(browser.get(f"/usage/?{query}&export=xlsx"))
    assert [row[1] for row in in_csv[1:]] == shown
    assert [row[1][1] for row in in_xlsx[1:]] == shown
    assert in_csv[0][-1] == in_xlsx[0][-1][1] == "用量（卡秒）"
    total = sum(int(row[-1]) for row in in_csv[1:])
    assert total == browser.get(f"/usage/?{query}").context["table"].sums["used"]
    assert total == sum(int(row[-1][1]) for row in in_xlsx[1:])


def test_money_is_exported_to_the_fen(world: World) -> None:
    browser = world.browser("alpha")
    fen = [bill.amount_fen for bill in world.run.bills.filter(party=world.alpha).order_by("month", "centre_id")]
    in_csv = read_csv(browser.get("/bills/?sort=month&export=csv"))
    in_xlsx = read_xlsx(browser.get("/bills/?sort=month&export=xlsx"))
    at = in_csv[0].index("金额（元）")
    assert [int(Decimal(row[at]) * 100) for row in in_csv[1:]] == fen
    assert [int(Decimal(row[at][1]) * 100) for row in in_xlsx[1:]] == fen
    assert {row[at][0] for row in in_xlsx[1:]} == {"n"}


def test_no_text_becomes_a_formula_and_no_figure_becomes_a_text(world: World) -> None:
    browser = world.browser("province")
    name = "=阿尔法智能有限公司"
    cells = [cell for row in read_csv(browser.get("/entitlements/?export=csv")) for cell in row]
    assert f"'{name}" in cells
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]
    in_xlsx = [cell for row in read_xlsx(browser.get("/entitlements/?export=xlsx")) for cell in row]
    assert ("inlineStr", f"'{name}") in in_xlsx or ("s", f"'{name}") in in_xlsx or ("str", f"'{name}") in in_xlsx
    jobs_csv = [cell for row in read_csv(world.browser("alpha").get("/jobs/?export=csv")) for cell in row]
    assert "'=alpha 训练" in jobs_csv


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_every_start_of_a_formula_is_made_harmless(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    assert harmless(f"1{start}1") == f"1{start}1"


def test_htmx_gets_the_table_alone_and_caches_keep_the_two_apart(world: World) -> None:
    browser = world.browser("alpha")
    part = browser.get("/usage/?q=200", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="table-main")
    assert part.content.decode().lstrip().startswith('<div class="table" id="table-main">')
    assert "HX-Request" in part["Vary"]
    whole = browser.get("/usage/?q=200", HTTP_HX_REQUEST="true", HTTP_HX_HISTORY_RESTORE_REQUEST="true")
    assert "<html" in whole.content.decode()


def test_without_script_links_and_the_form_do_the_same(world: World) -> None:
    page = world.browser("alpha").get("/usage/?q=alpha&sort=-used").content.decode()
    assert '<form class="tools" method="get"' in page
    hrefs = re.findall(r'<a href="(\?[^"]*page=2[^"]*)"', page)
    assert hrefs
    assert "q=alpha" in hrefs[0]
    assert "sort=-used" in hrefs[0]


def test_an_empty_table_says_what_would_fill_it_and_an_over_filtered_one_how_to_clear_it(world: World) -> None:
    empty = world.browser("alpha").get("/usage/?q=no such job").content.decode()
    assert "没有一行符合这个筛选" in empty
    page = world.browser("centre").get("/centres/hf?files-page=1").content.decode()
    assert "sacct-hf.txt" in page
    nothing = table(UsageRecord.objects.none())
    assert (nothing.count, nothing.is_filtered, nothing.empty.text) == (0, False, "空")


def test_a_month_that_nobody_chose_from_is_not_offered(world: World) -> None:
    page = world.browser("beta").get("/usage/")
    assert [each["name"] for each in page.context["table"].filters] == []  # one month, one model: nothing to choose
    alpha = world.browser("alpha").get("/usage/").context["table"]
    assert dict(alpha.options["month"])["2024-03"] == "2024-03"


def test_a_filter_that_can_not_be_used_is_named_and_gives_no_file(world: World) -> None:
    browser = world.browser("province")
    honoured = browser.get("/usage/", {"centre": "hf"}).content.decode()
    assert "这些筛选不能用" not in honoured
    assert 'value="hf" selected' in honoured
    for asked in ({"centre": "nowhere"}, {"center": "hf"}, {"sort": "colour"}, {"month": "2024-99"}):
        ((key, value),) = asked.items()
        shown = browser.get("/usage/", asked).content.decode()
        assert f"<code>{key}={value}</code>" in shown
        refused = browser.get("/usage/", {**asked, "export": "csv"})
        assert (refused.status_code, f"{key}={value}" in refused.content.decode()) == (422, True)


@pytest.mark.parametrize("route", ["jobs", "bills", "entitlements", "centres", "flags", "seals"])
def test_every_list_says_what_it_did_not_filter_by(world: World, route: str) -> None:
    from django.urls import reverse

    shown = world.browser("province").get(reverse(route), {"tenant": "x"}).content.decode()
    assert "<code>tenant=x</code>" in shown


def test_records_beyond_counting_are_paged_by_key_and_their_filters_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huisuan.portal.ui import keyset_table

    few = world.browser("alpha").get("/usage/").context["table"]
    monkeypatch.setattr(keyset_table, "MOST_COUNTED", 20)
    browser = world.browser("alpha")
    pages, address = [], "/usage/?"
    while address:
        many = browser.get(address).context["table"]
        pages.append([(row.centre_id, row.sequence) for row in many.page_rows])
        address = f"/usage/{many.next}" if many.next else ""
    assert many.is_more
    assert not many.sums  # what is not counted is not summed
    assert len({row for page in pages for row in page}) == sum(map(len, pages)) == few.count
    assert browser.get("/usage/?q=200").context["table"].count == 1  # few again: counted and summed
    assert browser.get("/usage/?month=2024-08").context["table"].sums == {"used": 3 * 3600}
    assert browser.get("/usage/?sort=-job").context["table"].refused == ["sort=-job"]


def test_a_long_table_jumps_to_a_page_and_keeps_its_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.portal.ui.table.PAGE_ROWS", 2)
    browser = world.browser("province")
    shown = browser.get("/bills/?sort=-amount").content.decode()
    form = shown.partition('<form class="jump"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="sort" value="-amount">' in form
    assert 'name="page"' in form
    last = re.search(r'max="(\d+)"', form)
    assert last is not None
    assert int(last[1]) > 2
    assert f"第 {last[1]} / {last[1]} 页" in browser.get(f"/bills/?sort=-amount&page={last[1]}").content.decode()
