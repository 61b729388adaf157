"""Tariffs: what a card-hour costs at a centre, in fen, from which day on."""

from __future__ import annotations

import re
from datetime import date

from django.db import transaction
from django.utils import timezone

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.compute.accelerators.registry import accelerator_by_name
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.models import Accelerator, Centre, Tariff

HUGE_FEN = 10_000_000


def set_tariff(
    code: str, model: str, fen: str, first: date, last: date | None = None, *, replace: bool = False
) -> Tariff:
    """Set the price of a card-hour at a centre in whole fen, from `first` until before `last` (None: open).

    With `replace`, an open-ended tariff that stands ends on `first`; one that begins on the same day is corrected.

    Raises:
        Refused: unknown centre or model, not a sane price, no day in it, or it overlaps a tariff that stands.
    """
    centre, accelerator = centre_by_code(code), accelerator_by_name(model)
    price = parse_fen(fen)
    if last is not None and last <= first:
        raise InvalidRequest(
            f"--to {last} 不晚于 --from {first}；终止日不含当日，须晚于起始日", code="tariff.dates_reversed"
        )
    with transaction.atomic():
        Centre.objects.select_for_update().get(pk=centre.pk)
        standing = Tariff.objects.filter(centre=centre, accelerator=accelerator)
        for other in standing:
            if not (other.valid_from < (last or date.max) and first < (other.valid_to or date.max)):
                continue
            if replace and other.valid_from == first and other.valid_to == last:
                other.fen_per_card_hour, other.set_at = price, timezone.now()
                other.save(update_fields=["fen_per_card_hour", "set_at"])
                return other
            if not (replace and other.valid_to is None and other.valid_from < first):
                raise Conflict(_overlaps(other, accelerator, first), code="tariff.overlaps")
            other.valid_to = first
            other.save(update_fields=["valid_to"])
        return Tariff.objects.create(
            centre=centre, accelerator=accelerator, fen_per_card_hour=price, valid_from=first, valid_to=last
        )


def parse_fen(text: str) -> int:
    """A price per card-hour: an integer number of fen from 0 to 10,000,000.

    Raises:
        Refused: it is not.
    """
    value = text.strip().replace(",", "")
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise InvalidRequest(
            f'价格 "{text}" 不是整数分；1 元写 100，12.5 元写 1250，不能有半分', code="tariff.not_whole_fen"
        )
    fen = int(value)
    if fen < 0:
        raise InvalidRequest(f'价格 "{text}" 是负数；每卡时价格不能小于 0 分', code="tariff.negative")
    if fen > HUGE_FEN:
        raise InvalidRequest(
            f'价格 "{text}" 超过每卡时 {HUGE_FEN:,} 分（10 万元）；单位是分，请核对', code="tariff.too_large"
        )
    return fen


def _overlaps(other: Tariff, accelerator: Accelerator, first: date) -> str:
    stands = f"{other.fen_per_card_hour} 分/卡时，{other.valid_from} 至 {other.valid_to or '今'}"
    if other.valid_to is None and other.valid_from < first:
        remedy = f"若要自 {first} 起改价，请加 --replace（原价目止于该日）"
    elif other.valid_from == first:
        remedy = "若要更正这一条的价格，请加 --replace 并写同样的起止日"
    else:
        remedy = "请改 --from、--to 使日期不重叠"
    return f"与 {accelerator.model} 已有的价目（{stands}）重叠；{remedy}"
