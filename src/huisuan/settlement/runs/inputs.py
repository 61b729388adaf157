"""What a settlement reads: sealed usage, registers of parties, and the bills that follow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time

from huisuan.base.duck import connect_duck
from huisuan.base.errors import Conflict
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.base.temporary import temporary_folder
from huisuan.compute.metering.exports.usage_parquet import SealedFile, export_usage
from huisuan.compute.models import Centre, Tariff
from huisuan.parties.affiliation import AffiliationSpan, OwnershipRelation, find_affiliations
from huisuan.parties.models import Party, Relation
from huisuan.settlement.runs.billing import Billing, Price, RegisteredParty
from huisuan.settlement.runs.settled_sentence import USER_KINDS, ReachSpan


@contextmanager
def open_billing(
    registers: RegisterSnapshot,
    starts: date,
    ends: date,
    reach: Sequence[ReachSpan],
    sealed: Sequence[SealedFile] | None = None,
    parts: Sequence[date] = (),
) -> Iterator[Billing]:
    """The bills of [starts, ends) from what was read, in an engine of their own; `sealed` if it was looked up already.

    `parts`: the first days of the parts that the year is cut into, where it is.

    Raises:
        Conflict: usage that no tariff covers.
    """
    with temporary_folder() as folder, connect_duck() as engine:
        usage = folder / "usage.parquet"
        export_usage(usage, registers.cursors, start_of_day(starts), start_of_day(ends), sealed)
        billing = Billing(engine, usage, starts, ends)
        _bill(billing, registers, reach, parts)
        yield billing


@dataclass(frozen=True)
class RegisterSnapshot:
    """Everything that was read from the registers, as it stood."""

    cursors: dict[str, int]
    prices: list[Price]
    holdings: list[OwnershipRelation]
    parties: list[RegisteredParty]
    operators: dict[str, str]

    def digest(self) -> str:
        """SHA-256 of it, the cursors left out."""
        data = asdict(self)
        del data["cursors"]
        return text_sha256(json.dumps(data, sort_keys=True, default=str))


def start_of_day(day: date) -> datetime:
    """The first moment of a day at Asia/Shanghai, in UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def latest_cursors() -> dict[str, int]:
    """The last usage record of every centre, by code: what there is to read now."""
    return dict(Centre.objects.order_by("code").values_list("code", "last_sequence"))


def load_registers(starts: date, ends: date, cursors: dict[str, int]) -> RegisterSnapshot:
    """What bears on [starts, ends) in the registers, as they stand now."""
    tariffs = Tariff.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    relations = Relation.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    return RegisterSnapshot(
        cursors=cursors,
        prices=[
            Price(*row)
            for row in tariffs.order_by("centre__code", "accelerator__model", "valid_from").values_list(
                "centre__code", "accelerator__model", "fen_per_card_hour", "valid_from", "valid_to"
            )
        ],
        holdings=[
            OwnershipRelation(*row)
            for row in relations.order_by("owner__uscc", "owned__uscc", "valid_from").values_list(
                "owner__uscc", "owned__uscc", "share_permille", "control", "valid_from", "valid_to"
            )
        ],
        parties=[
            RegisteredParty(party.uscc, party.region.in_anhui, party.kind if party.kind in USER_KINDS else "other")
            for party in Party.objects.select_related("region").order_by("uscc")
        ],
        operators=dict(Centre.objects.order_by("code").values_list("code", "operator__uscc")),
    )


def _bill(billing: Billing, registers: RegisterSnapshot, reach: Sequence[ReachSpan], parts: Sequence[date]) -> None:
    operators = set(registers.operators.values())
    related = operators | {party for holding in registers.holdings for party in (holding.owner, holding.owned)}
    pairs = [(party, operator) for party in related for operator in operators]
    together = [
        found
        for span in reach
        for found in find_affiliations(registers.holdings, pairs, starts=span.starts, ends=span.ends, reach=span.reach)
    ]
    gaps = billing.bill(registers.prices, list(_by_centre(together, registers.operators)), parts)
    if gaps:
        places = "；".join(
            f"{gap.centre} 的 {gap.model}（{gap.starts} 至 {gap.ends}，{gap.card_seconds:,} 卡秒）" for gap in gaps
        )
        raise Conflict(f"下列用量没有价目，账单出不来：{places}。请先 huisuan tariff set", code="tariff.missing")


def _by_centre(together: Iterable[AffiliationSpan], operators: Mapping[str, str]) -> Iterable[AffiliationSpan]:
    """The same spans, once per centre of the operator."""
    for span in together:
        for centre, operator in operators.items():
            if operator == span.operator:
                yield AffiliationSpan(span.user, centre, span.starts, span.ends, span.why)
