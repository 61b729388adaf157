"""Tariffs: what a card-hour costs at a centre, in fen, from which day on; every change is kept with who made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.compute.accelerators.registry import accelerator_by_name
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.models import Accelerator, Centre, Tariff, TariffChange, TariffStep
from huisuan.parties.csv_import import BY_COMMAND

HUGE_FEN = 10_000_000
_BY_LENGTH = 120


@dataclass(frozen=True)
class TariffPlan:
    """Prices of a card-hour by model, in fen as somebody wrote them, from `first` until before `last` (None: open).

    With `replace`, an open-ended tariff that stands ends on `first`; one of exactly these days is corrected.
    """

    prices: Mapping[str, str]
    first: date
    last: date | None = None
    replace: bool = False


def set_tariff(
    code: str, model: str, fen: str, first: date, last: date | None = None, *, replace: bool = False,
    by: str = BY_COMMAND, now: datetime | None = None,
) -> Tariff:  # fmt: skip
    """Set the price of one model; see `set_tariffs`.

    Raises:
        Refused: as there.
    """
    (made,) = set_tariffs(code, TariffPlan({model: fen}, first, last, replace), by, now or timezone.now())
    return made


def set_tariffs(code: str, plan: TariffPlan, by: str, now: datetime) -> list[Tariff]:
    """Set the prices of a plan, all or none; `by` is who does it, for the history.

    Raises:
        Refused: unknown centre or model, not a sane price, no day in it, or it overlaps a tariff that stands.
    """
    centre = centre_by_code(code)
    prices = {accelerator_by_name(model): parse_fen(fen) for model, fen in plan.prices.items()}
    if plan.last is not None and plan.last <= plan.first:
        raise InvalidRequest(
            f"--to {plan.last} 不晚于 --from {plan.first}；终止日不含当日，须晚于起始日", code="tariff.dates_reversed"
        )
    with transaction.atomic():
        Centre.objects.select_for_update().get(pk=centre.pk)
        changes: list[TariffChange] = []
        made = [_set(centre, accelerator, fen, plan, now, changes) for accelerator, fen in prices.items()]
        for change in changes:
            change.by, change.at = by[:_BY_LENGTH], now
        TariffChange.objects.bulk_create(changes)
    return made


def _set(
    centre: Centre, accelerator: Accelerator, fen: int, plan: TariffPlan, now: datetime, changes: list[TariffChange]
) -> Tariff:
    for other in Tariff.objects.filter(centre=centre, accelerator=accelerator):
        if not (other.valid_from < (plan.last or date.max) and plan.first < (other.valid_to or date.max)):
            continue
        if plan.replace and other.valid_from == plan.first and other.valid_to == plan.last:
            before, other.fen_per_card_hour, other.set_at = other.fen_per_card_hour, fen, now
            other.save(update_fields=["fen_per_card_hour", "set_at"])
            if before != fen:
                changes.append(_change(other, TariffStep.CORRECTED, before))
            return other
        if not (plan.replace and other.valid_to is None and other.valid_from < plan.first):
            raise Conflict(_overlaps(other, accelerator, plan.first), code="tariff.overlaps")
        other.valid_to = plan.first
        other.save(update_fields=["valid_to"])
        changes.append(_change(other, TariffStep.ENDED))
    made = Tariff.objects.create(
        centre=centre, accelerator=accelerator, fen_per_card_hour=fen, valid_from=plan.first, valid_to=plan.last
    )
    changes.append(_change(made, TariffStep.SET))
    return made


def _change(tariff: Tariff, step: TariffStep, before: int | None = None) -> TariffChange:
    return TariffChange(
        centre=tariff.centre, accelerator=tariff.accelerator, step=step, before_fen=before,
        fen_per_card_hour=tariff.fen_per_card_hour, valid_from=tariff.valid_from, valid_to=tariff.valid_to,
    )  # fmt: skip


def parse_fen(text: str) -> int:
    """A price per card-hour: an integer number of fen from 0 to 10,000,000.

    Raises:
        Refused: it is not.
    """
    value = text.strip().replace(",", "")
    if not re.fullmatch(r"[+-]?[0-9]{1,400}", value):
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
    price = other.fen_per_card_hour
    stands = f"{price} 分/卡时，{other.valid_from} 至 今"
    if other.valid_to is not None:
        stands = f"{price} 分/卡时，{other.valid_from} 至 {other.valid_to}"
    if other.valid_to is None and other.valid_from < first:
        remedy = f"若要自 {first} 起改价，请加 --replace（页面上勾选“接替现行的价目”）：原价目止于该日"
    elif other.valid_from == first:
        remedy = "若要更正这一条的价格，请加 --replace（页面上勾选“接替现行的价目”）并写同样的起止日"
    else:
        remedy = "请改 --from、--to 使日期不重叠"
    return f"与 {accelerator.model} 已有的价目（{stands}）重叠；{remedy}"
