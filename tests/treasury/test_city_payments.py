"""What cities paid is entered once a voucher, taken back with a reason, and read as it was known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.treasury.city_payment_import import import_city_payments
from huisuan.treasury.city_payments import (
    PaymentClaim,
    get_city_payment,
    lower_city_payment,
    normal_voucher,
    paid_by_city,
    record_city_payment,
    remaining_fen,
    reverse_city_payment,
)
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import CityPayment, CityPaymentCut
from support.usage_records import party

MAY, JUNE = (datetime(2024, month, 5, 4, tzinfo=UTC) for month in (5, 6))
IN_MAY, IN_JUNE = (Act("李会计", at, at.date()) for at in (MAY, JUNE))
CLAIM = PaymentClaim("340100", "HF-2024-001", "关键技术项目甲", 100_000_000, date(2024, 4, 1))
YEAR = (date(2024, 1, 1), date(2025, 1, 1))
HEADER = "city,voucher,project,amount,paid_day,payee"


def paid(as_known: datetime = JUNE, project: str = CLAIM.project) -> int:
    return paid_by_city("340100", project, *YEAR, as_known.date())


@pytest.mark.django_db
def test_a_voucher_counts_once_however_it_is_written_and_never_with_another_content() -> None:
    payment, made = record_city_payment(CLAIM, IN_MAY)
    same = replace(CLAIM, voucher=" ｈｆ–2024－001 ", project=" 关键技术项目甲 ")
    assert made
    assert record_city_payment(same, IN_JUNE) == (payment, False)
    with pytest.raises(Conflict, match="同一凭证只登记一次"):
        record_city_payment(replace(CLAIM, fen=1), IN_JUNE)
    assert record_city_payment(replace(CLAIM, city="340200"), IN_MAY)[1], "another city has vouchers of its own"
    assert (paid(), paid(MAY - timedelta(days=1))) == (CLAIM.fen, 0)


@pytest.mark.django_db
def test_what_is_taken_back_counts_since_it_is_known_and_never_beyond_what_was_paid() -> None:
    payment, _ = record_city_payment(CLAIM, IN_MAY)
    lower_city_payment(payment, 30_000_000, "多付退回", IN_JUNE)
    assert (paid(MAY), paid(JUNE)) == (100_000_000, 70_000_000)
    with pytest.raises(Conflict, match="只余 700,000"):
        lower_city_payment(payment, 70_000_001, "太多", IN_JUNE)
    reverse_city_payment(payment, "项目终止", IN_JUNE)
    assert (remaining_fen(payment), paid(MAY), paid(JUNE)) == (0, 100_000_000, 0)
    with pytest.raises(Conflict, match="已全部冲销"):
        reverse_city_payment(payment, "再来", IN_JUNE)
    with pytest.raises(InvalidRequest, match="理由"):
        lower_city_payment(payment, 1, " ", IN_JUNE)


@pytest.mark.django_db
def test_the_database_keeps_payments_as_they_were_entered() -> None:
    payment, _ = record_city_payment(CLAIM, IN_MAY)
    for change in (payment.delete, payment.save):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    cut = {"payment": payment, "reason": "x", "known_from": JUNE.date(), "by": "x", "at": JUNE}
    with pytest.raises(IntegrityError), transaction.atomic():
        CityPaymentCut.objects.create(**cut, amount_fen=CLAIM.fen + 1)


@pytest.mark.django_db
def test_a_file_keeps_its_good_lines_and_names_the_others_with_their_place() -> None:
    user = party(1).uscc
    file = "\n".join([
        HEADER, f'340100,A-1,项目甲,"1,234.50",2024-04-01,{user}', "340100,a-1,项目甲,1,2024-04-01,",
        "310000,A-2,项目甲,1,2024-04-01,", "340000,A-2,项目甲,1,2024-04-01,", "340100,,项目甲,1,2024-04-01,",
        "340100,A-3,,1,2024-04-01,", "340100,A-4,项目甲,0,2024-04-01,", "340100,A-5,项目甲,1.234,2024-04-01,",
        "340100,A-6,项目甲,1,2024-13-01,", "340100,A-7,项目甲,1,2024-12-01,", "340100,A-8,项目甲,1,2024-04-01,甲公司",
        "340100,A-9,项目甲,2,2024-04-02,",
    ])  # fmt: skip
    report = import_city_payments(file.encode("gb18030"), "拨付.csv", IN_JUNE)
    assert (report.new, report.same) == (2, 0)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (3, "voucher"), (4, "city"), (5, "city"), (6, "voucher"), (7, "project"), (8, "amount"), (9, "amount"),
        (10, "paid_day"), (11, "paid_day"), (12, "payee"),
    ]  # fmt: skip
    assert paid(project="项目甲") == 123_450 + 200
    again = import_city_payments(file.encode(), "拨付.csv", IN_JUNE)
    assert (again.new, again.same, len(again.faults)) == (0, 2, 10)
    changed = import_city_payments(f"{HEADER}\n340100,A-9,项目甲,3,2024-04-02,\n".encode(), "x", IN_JUNE)
    assert "已登记为 项目甲，2.00 元" in str(changed.faults[0])
    assert CityPayment.objects.get(voucher="A-1").payee == party(1)


@pytest.mark.django_db
def test_a_city_enters_its_own_payments_alone_and_finds_them_by_their_voucher() -> None:
    file = f"{HEADER}\n340100,A-1,项目甲,1,2024-04-01,\n340200,A-2,项目甲,1,2024-04-01,\n".encode()
    report = import_city_payments(file, "拨付.csv", IN_JUNE, city="340100")
    assert (report.new, [(fault.line, fault.column, fault.rule) for fault in report.faults]) == (
        1, [(3, "city", "不是本市")],
    )  # fmt: skip
    payment = get_city_payment(" 340100", "ａ-1")
    cut = lower_city_payment(payment, 40, "多付退回", IN_JUNE)
    assert (remaining_fen(payment), str(payment), str(cut)) == (60, "340100 A-1", f"{payment.pk} -40")
    with pytest.raises(NotFound, match="340200 没有登记凭证 A-1"):
        get_city_payment("340200", "A-1")


@given(st.text(max_size=30))
def test_the_normal_form_of_a_voucher_is_its_own_normal_form(text: str) -> None:
    try:
        plain = normal_voucher(text)
    except InvalidRequest:
        return
    assert normal_voucher(plain) == plain
    assert not any(sign.isspace() for sign in plain)
