"""The credit list: entered from files, by day and as known; a bad line is named and spoils no other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import InvalidRequest
from huisuan.programmes.credit.register import credit_on, import_credit_list, list_credit
from huisuan.programmes.models import CreditEntry
from support.jobs import party

pytestmark = pytest.mark.django_db
NOON = datetime(2024, 9, 2, 4, tzinfo=UTC)
HEAD = "uscc,effect,source,reason,valid_from,valid_to,withdrawn,basis\n"


def entered(*lines: str, now: datetime = NOON) -> FileReport:
    """What became of some lines."""
    return import_credit_list((HEAD + "\n".join(lines) + "\n").encode(), "名单.csv", now=now)


def line(number: int = 1, effect: str = "bars", first: str = "2024-03-01", after: str = "", **more: str) -> str:
    """A line of a firm."""
    reason, taken, basis = more.get("reason", "拖欠工资"), more.get("withdrawn", ""), more.get("basis", "某条例第三条")
    return f"{party(number).uscc},{effect},{more.get('source', '省信用办')},{reason},{first},{after},{taken},{basis}"


def test_good_lines_are_kept_and_bad_ones_named() -> None:
    unknown = "91340100MA2TX00001"
    report = entered(
        line(1), line(2, "提示"), line(3, "forbidden"), line(4, first="2024-02-30"),
        line(5, after="2024-03-01"), line(6, reason=""), line(1),
        f"{unknown},bars,x,y,2024-01-01,,,z", "a,b", line(7, withdrawn="true"), line(8, basis=""),
    )  # fmt: skip
    assert (report.new, report.changed, report.same) == (2, 0, 0)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (4, "effect"), (5, "valid_from"), (6, "valid_to"), (7, "reason"), (8, "valid_from"), (9, "uscc"), (10, "—"),
        (11, "withdrawn"), (12, "basis"),
    ]  # fmt: skip
    assert [row["effect"] for row in list_credit(date(2024, 9, 2))] == ["bars", "note"]


def test_the_same_file_again_changes_nothing() -> None:
    entered(line(1), line(2))
    again = entered(line(1), line(2), now=NOON + timedelta(days=9))
    assert (again.new, again.changed, again.same, again.faults, CreditEntry.objects.count()) == (0, 0, 2, [], 2)


def test_an_entry_stands_from_its_first_day_until_the_day_before_its_last() -> None:
    entered(line(1, first="2024-03-01", after="2024-10-01"))
    for day, stands in ((date(2024, 9, 30), 1), (date(2024, 10, 1), 0), (date(2024, 9, 1), 0)):  # known on 2 September
        assert len(credit_on([party(1).pk], day)) == stands


def test_what_is_corrected_or_taken_back_stays_known_as_it_was() -> None:
    entered(line(1))
    later = NOON + timedelta(days=8)
    assert entered(line(1, withdrawn="true"), now=later).changed == 1
    assert (credit_on([party(1).pk], date(2024, 9, 9)), credit_on([party(1).pk], date(2024, 9, 10))) == (
        [CreditEntry.objects.earliest("pk")], [],
    )  # fmt: skip
    (fault,) = entered(line(1, reason="另一事由"), now=later).faults
    assert "今天已登记" in fault.rule


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=8))
def test_lines_in_any_order_twice_over_are_the_entries_once(keys: list[tuple[int, int]]) -> None:
    lines = [line(number, first=f"2024-0{month}-01") for number, month in keys]
    with transaction.atomic():
        first = entered(*lines)
        again = entered(*reversed(lines))
        assert (first.new, again.new, again.changed) == (len(set(keys)), 0, 0)
        assert again.same == len(set(keys))
        assert CreditEntry.objects.count() == len(set(keys))
        transaction.set_rollback(True)


@pytest.mark.parametrize("content", [b"", b"uscc,effect\n", b"\xff\xfe\x00", HEAD.replace("source", "reason").encode()])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest):
        import_credit_list(content, "x.csv", now=NOON)


@pytest.mark.parametrize(
    "sql", ["UPDATE programmes_creditentry SET effect = 'note'", "DELETE FROM programmes_creditentry"]
)
def test_entries_stay(sql: str) -> None:
    entered(line(1))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_what_bars_says_by_which_document_and_article_and_a_note_need_not() -> None:
    entered(line(1, basis="某条例第三条"), line(2, "note", basis=""))
    assert [(row["effect"], row["basis"]) for row in list_credit(date(2024, 9, 2))] == [
        ("bars", "某条例第三条"), ("note", ""),
    ]  # fmt: skip
    (fault,) = entered(line(3, basis="")).faults
    assert "写明规定这一后果的文件和条款" in fault.remedy
