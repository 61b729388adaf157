"""The register of what cities paid, by voucher: entered, lowered, reversed, and summed by project as it was known."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from huisuan.base.codes import fold_code
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length, shortened
from huisuan.parties.models import Party, Region
from huisuan.treasury.ledger import Act, check_amount
from huisuan.treasury.models import CityPayment, CityPaymentCut

_LONGEST = 80  # of a voucher and of a project's name: they are keys, and are never cut
_CITY = re.compile(r"34(?!00)\d\d00")


@dataclass(frozen=True)
class PaymentClaim:
    """What a city says that it paid: for which project, by which voucher, how much (fen), on which day, to whom."""

    city: str
    voucher: str
    project: str
    fen: int
    paid_day: date
    payee: Party | None = None


@transaction.atomic
def record_city_payment(claim: PaymentClaim, act: Act, source: str = "") -> tuple[CityPayment, bool]:
    """Enter a payment, and whether it is new: the same voucher with the same content changes nothing.

    Raises:
        InvalidRequest: no city of the province, no voucher or project, an amount that cannot be meant, a day to come.
        Conflict: the voucher was entered with another content.
    """
    check_amount(claim.fen)
    city = _get_city(claim.city)
    voucher, project = normal_voucher(claim.voucher), normal_project(claim.project)
    today = act.now.astimezone(SHANGHAI).date()
    if claim.paid_day > today:
        raise InvalidRequest(f"支付日 {claim.paid_day} 还没有到", code="treasury.paid_in_future")
    content = {"project": project, "payee": claim.payee, "amount_fen": claim.fen, "paid_day": claim.paid_day}
    entry = {"known_from": today, "source": shortened(source, 200), "by": act.by, "at": act.now}
    payment, made = CityPayment.objects.get_or_create(city=city, voucher=voucher, defaults={**content, **entry})
    if not made and any(getattr(payment, name) != value for name, value in content.items()):
        raise Conflict(
            f"凭证 {voucher} 已登记为 {payment.project}，{yuan(payment.amount_fen)} 元，{payment.paid_day}；"
            "同一凭证只登记一次：有误请先冲销，更正后的付款用它自己的凭证号",
            code="treasury.city_voucher_differs",
        )
    return payment, made


@transaction.atomic
def lower_city_payment(payment: CityPayment, fen: int, reason: str, act: Act) -> CityPaymentCut:
    """Take so much off a payment, with the reason.

    Raises:
        InvalidRequest: no reason, or an amount that cannot be meant.
        Conflict: more than is left of it.
    """
    check_amount(fen)
    reason = check_length(reason.strip(), 300, "理由")
    if not reason:
        raise InvalidRequest("核减市级拨付须写明理由", code="treasury.reason_missing")
    held = CityPayment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    left = remaining_fen(held)
    if fen > left:
        raise Conflict(
            f"凭证 {held.voucher} 只余 {yuan(left)} 元，不能核减 {yuan(fen)} 元",
            code="treasury.city_payment_cut_too_far",
        )
    known = act.now.astimezone(SHANGHAI).date()
    return CityPaymentCut.objects.create(
        payment=held, amount_fen=fen, reason=reason, known_from=known, by=act.by, at=act.now
    )


@transaction.atomic
def reverse_city_payment(payment: CityPayment, reason: str, act: Act) -> CityPaymentCut:
    """Take off all that is left of a payment, with the reason.

    Raises:
        InvalidRequest: no reason.
        Conflict: nothing is left of it.
    """
    held = CityPayment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    left = remaining_fen(held)
    if not left:
        raise Conflict(f"凭证 {held.voucher} 已全部冲销", code="treasury.city_payment_reversed")
    return lower_city_payment(held, left, reason, act)


def get_city_payment(city: str, voucher: str) -> CityPayment:
    """A payment by its city and voucher.

    Raises:
        NotFound: nobody entered it.
    """
    found = CityPayment.objects.filter(city=city.strip(), voucher=normal_voucher(voucher)).first()
    if found is None:
        raise NotFound(f"{city} 没有登记凭证 {voucher}", code="treasury.city_voucher_unknown")
    return found


def remaining_fen(payment: CityPayment) -> int:
    """What stands of a payment, in fen."""
    taken = payment.cuts.aggregate(fen=Sum("amount_fen"))["fen"] or 0
    return payment.amount_fen - int(taken)


def city_payments_known(as_known: date) -> QuerySet[CityPayment, Any]:
    """The payments that were known by a day, each with `left_fen`, what was known by then to stand of it."""
    cuts = CityPaymentCut.objects.filter(payment=OuterRef("pk"), known_from__lte=as_known).order_by()
    taken = cuts.values("payment").annotate(fen=Sum("amount_fen")).values("fen")
    return CityPayment.objects.filter(known_from__lte=as_known).annotate(
        left_fen=F("amount_fen") - Coalesce(Subquery(taken), 0)
    )


def paid_by_city(city: str, project: str, starts: date, ends: date, as_known: date) -> int:
    """What a city paid for a project on the days [starts, ends), in fen, as known on a day."""
    found = city_payments_known(as_known).filter(
        city=city, project=normal_project(project), paid_day__gte=starts, paid_day__lt=ends
    )
    return int(found.aggregate(fen=Sum("left_fen"))["fen"] or 0)


def city_payment_days(city: str, project: str, starts: date, ends: date, as_known: date) -> dict[date, int]:
    """What a city paid for a project on each of the days [starts, ends) on which something stands, in fen, by day."""
    found = city_payments_known(as_known).filter(
        city=city, project=normal_project(project), paid_day__gte=starts, paid_day__lt=ends
    )
    days = found.order_by("paid_day").values_list("paid_day").annotate(fen=Sum("left_fen"))
    return {day: int(fen) for day, fen in days if fen}


def normal_voucher(text: str) -> str:
    """A voucher's number as it is compared (`base.codes`).

    Raises:
        InvalidRequest: none, one that is too long, or signs that do not print.
    """
    if not text.isprintable():
        raise InvalidRequest("凭证号不能有控制字符", code="treasury.city_payment_key_missing")
    return _key(fold_code(text), "凭证号")


def normal_project(text: str) -> str:
    """A project's name as it is compared: half width, single blanks.

    Raises:
        InvalidRequest: none, one that is too long, or signs that do not print.
    """
    return _key(" ".join(unicodedata.normalize("NFKC", text).split()), "项目")


def _key(plain: str, what: str) -> str:
    if not plain or not plain.isprintable():
        raise InvalidRequest(f"{what}不能为空，也不能有控制字符", code="treasury.city_payment_key_missing")
    return check_length(plain, _LONGEST, what)


def _get_city(code: str) -> Region:
    found = Region.objects.filter(code=code.strip()).first() if _CITY.fullmatch(code.strip()) else None
    if found is None:
        raise InvalidRequest(
            f'"{code[:20]}" 不是本省的市：请写六位代码，如 340100', code="treasury.city_payment_of_no_city"
        )
    return found
