"""Orders go to the bank once, and what comes back reaches an award only where it fits."""

from __future__ import annotations

import csv
import io

import pytest

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns, parse_returns, resolve_clearing
from huisuan.treasury.check import prove
from huisuan.treasury.models import BankReturn, BankReturnLine, PaymentOrder
from huisuan.treasury.orders import order_payments, parse_payee
from support.treasury import ACT, balances, committed, line, ordered, returned, sent

pytestmark = pytest.mark.django_db


def under_way(*fen: int) -> PaymentOrder:
    """An order in a file at the bank, of the first instalment of an award."""
    order = ordered(committed(line(100_000), "甲", *fen))
    sent(order)
    return order


def why() -> list[str]:
    return list(BankReturnLine.objects.exclude(why="").values_list("why", flat=True))


def test_a_paid_order_is_paid_once_whatever_files_come() -> None:
    order = under_way(30_000)
    file = returned(f"{order.name},300.00,成功,")
    assert import_returns(file, "9月2日.csv", ACT)[1]
    assert not import_returns(file, "again.csv", ACT)[1]
    assert balances(line(0)) == {"appropriated": -100_000, "available": 70_000, "paid": 30_000}
    import_returns(returned(f"{order.name},300.00,成功,补发"), "9月3日.csv", ACT)
    assert why() == ["order_ended_before"]
    assert balances(line(0))["paid"] == 30_000
    assert prove().holds


def test_a_failed_order_is_free_for_one_more() -> None:
    order = under_way(30_000)
    import_returns(returned(f"{order.name},300.00,失败,账号不存在"), "9月2日.csv", ACT)
    assert balances(line(0))["committed"] == 30_000
    again = ordered(order.instalment.commitment)
    assert (again.attempt, again.outcome) == (2, "")
    with pytest.raises(Conflict, match="已开支付令"):
        ordered(order.instalment.commitment)
    sent(again)
    import_returns(returned(f"{again.name},300.00,成功,"), "9月4日.csv", ACT)
    assert balances(line(0))["paid"] == 30_000
    assert prove().holds


def test_what_fits_no_order_goes_to_clearing_and_never_to_an_award() -> None:
    order = under_way(30_000)
    waits = ordered(committed(line(0), "乙", 500))
    file = returned(
        f"{order.name},300.01,成功,", "P99999999,1.00,成功,", f"{waits.name},5.00,成功,",
        "P99999999999999999999,2,失败,", "甲方,3.00,成功,",
    )  # fmt: skip
    import_returns(file, "9月2日.csv", ACT)
    assert why() == ["amount_differs", "order_unknown", "order_never_sent", "order_unknown", "order_unknown"]
    assert balances(line(0)) == {"appropriated": -100_000, "available": 69_500, "ordered": 30_500}
    lost = BankReturnLine.objects.get(number=3)
    with pytest.raises(InvalidRequest, match="理由"):
        resolve_clearing(lost, ACT, " ")
    resolve_clearing(lost, ACT, "另一系统的款")
    with pytest.raises(Conflict, match="冲销过"):
        resolve_clearing(lost, ACT, "又一人")
    with pytest.raises(InvalidRequest, match="不在待清算"):
        resolve_clearing(BankReturnLine.objects.get(number=5), ACT, "没有钱")
    assert prove().holds


def test_two_lines_of_one_file_on_one_order_count_once() -> None:
    order = under_way(30_000)
    import_returns(returned(f"{order.name},300.00,失败,余额不足", f"{order.name},300.00,成功,"), "9月2日.csv", ACT)
    assert why() == ["order_ended_before"]
    assert balances(line(0)) == {"appropriated": -100_000, "available": 70_000, "committed": 30_000}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("P1,3.005,成功,", "行 2，列 金额"),
        ("P1,0.00,成功,", "行 2，列 金额"),
        ("P1,-5,成功,", "行 2，列 金额"),
        ('P1,"1,50",成功,', "行 2，列 金额"),  # one and a half, or a hundred and fifty?
        ("P1," + "9" * 40 + ",成功,", "行 2，列 金额"),
        ("P1,5,success,", "行 2，列 结果"),
        (",5,成功,", "行 2，列 支付令号"),
        ("P1,5,成功", "行 2：有 3 列"),
        ('P1,5,成功,"open', "不是 CSV"),
        ("P1,5,成功," + "由" * 201, "行 2，列 原因：至多 200 字"),
        ("P1,5,成功,铃\a", "行 2，列 原因"),
        ("", "没有记录"),
    ],
)
def test_a_file_that_cannot_be_read_books_nothing_and_names_the_line(text: str, told: str) -> None:
    order = under_way(30_000)
    with pytest.raises(InvalidRequest, match=told):
        import_returns(returned(text, f"{order.name},300.00,成功,") if text else returned(), "x.csv", ACT)
    assert not BankReturn.objects.exists()
    order.refresh_from_db()
    assert order.outcome == ""


def test_a_file_in_the_banks_own_encoding_is_read_and_rubbish_is_told() -> None:
    (line_read,) = parse_returns('支付令号,金额（元）,结果,原因\nP7,"1,234.5",失败,户名不符\n'.encode("gb18030"))
    assert (line_read.order, line_read.fen, line_read.succeeded, line_read.reason) == ("P7", 123_450, False, "户名不符")
    for rubbish in (b"\xff\xfe\x00\x81", b"", b"a,b\n1,2\n", "支付令号,金额（元）,结果,原因\n\0,1,成功,\n".encode()):
        with pytest.raises(InvalidRequest):
            parse_returns(rubbish)


def test_an_order_is_in_one_file_and_the_file_adds_up() -> None:
    on = line(100_000)
    orders = [ordered(committed(on, name, fen)) for name, fen in (("甲", 30_000), ("乙", 1_205))]
    file = make_bank_file(orders, ACT)
    rows = list(csv.reader(io.StringIO(bytes(file.content).decode("utf-8-sig"))))
    assert rows[1][3] == "1302010109022100001"
    assert [row[5] for row in rows[1:]] == ["300.00", "12.05", "312.05"]
    assert (file.orders, file.total_fen) == (2, 31_205)
    with pytest.raises(Conflict, match=r"已在文件 B\d+ 中"):
        make_bank_file(orders[:1], ACT)
    with pytest.raises(InvalidRequest):
        make_bank_file([], ACT)


def test_payees_are_checked_when_they_are_typed() -> None:
    found = parse_payee(" 甲  公司 ", "１３０２ 0101-0902 2100001", "工商银行")
    assert (found.name, found.account_number) == ("甲 公司", "1302010109022100001")
    for name, number, bank in (
        ("=cmd()", "12345678", "x"),
        ("甲", "1234567", "x"),
        ("甲", "12345678", ""),
        ("甲\0", "12345678", "x"),
    ):
        with pytest.raises(InvalidRequest):
            parse_payee(name, number, bank)


def test_a_file_with_too_many_lines_is_refused_whole_and_of_many_faults_the_first_are_named() -> None:
    with pytest.raises(InvalidRequest, match="超过 200000 行"):
        parse_returns(returned(*["P1,1,成功,"] * 200_001))
    with pytest.raises(InvalidRequest, match="另有 10 处") as many:
        parse_returns(returned(*["P1,x,成功,"] * 60))
    assert str(many.value).count("列 金额") == 50


def test_an_order_needs_an_account_and_is_told_apart_by_its_name() -> None:
    part = committed(line(100_000), "甲", 30_000).instalments.get()
    with pytest.raises(InvalidRequest, match="甲 第 1 期：没有收款账户"):
        order_payments([part], {}, ACT)
    order = ordered(part.commitment)
    file = sent(order)
    came, _ = import_returns(returned(f"{order.name},300.00,成功,"), "r", ACT)
    (sent_line,), (came_line,) = file.lines.all(), came.lines.all()
    assert [str(each) for each in (order, file, sent_line, came, came_line)] == [
        f"P{order.pk}", f"B{file.pk}", f"{file.pk}/1", f"R{came.pk}", f"{came.pk}/2",
    ]  # fmt: skip
