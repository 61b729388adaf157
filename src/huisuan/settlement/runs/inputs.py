"""What a settlement reads: sealed usage, registers of parties, and the bills that follow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import duckdb

from huisuan.base.duck import lease_duck
from huisuan.base.errors import Conflict
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.base.temporary import temporary_folder
from huisuan.compute.fact_sources.rules import ReachSpan
from huisuan.compute.metering.exports.usage_parquet import SealedFile, export_usage
from huisuan.compute.models import Centre, Tariff
from huisuan.parties.affiliation import AffiliationSpan, OwnershipRelation, find_affiliations
from huisuan.parties.party_state import PartyState, StateSpan
from huisuan.parties.relation_history import load_holdings
from huisuan.parties.state_history import load_heirs, load_state_spans
from huisuan.settlement.runs.billing import Billing, Price


@contextmanager
def open_usage() -> Iterator[UsageReader]:
    """An engine and a folder for the use of a settlement; both are gone when it ends."""
    with temporary_folder() as folder, lease_duck() as engine:
        yield UsageReader(engine, folder)


@dataclass
class UsageReader:
    """Reads the use of a snapshot's days once, and bills it as often as rules ask: each takes self-use its own way."""

    engine: duckdb.DuckDBPyConnection
    folder: Path
    files: dict[tuple[date, date], Path] = field(default_factory=dict)
    billed: int = 0

    def bill(
        self, registers: RegisterSnapshot, reach: Sequence[ReachSpan], sealed: Sequence[SealedFile] | None = None,
        parts: Sequence[date] = (),
    ) -> Billing:  # fmt: skip
        """The bills of the snapshot's days, in a schema of their own; `sealed` if it was looked up already.

        `parts`: the first days of the parts that the year is cut into, where it is.

        Raises:
            Conflict: usage that no tariff covers.
        """
        days = (registers.starts, registers.ends)
        if days not in self.files:
            self.files[days] = self.folder / f"usage-{len(self.files)}.parquet"
            first, after = start_of_day(registers.starts), start_of_day(registers.ends)
            export_usage(self.files[days], registers.cursors, first, after, sealed)
        self.billed += 1
        billing = Billing(self.engine, self.files[days], *days, schema=f"billing_{self.billed}")
        _bill(billing, registers, reach, parts)
        return billing


@dataclass(frozen=True)
class RegisterSnapshot:
    """Everything that was read from the registers about [starts, ends), as it stood.

    `operators` and `regions` are by the code of the centre, `heirs` by party the one that carries its claims.
    """

    starts: date
    ends: date
    cursors: dict[str, int]
    prices: list[Price]
    holdings: list[OwnershipRelation]
    parties: list[StateSpan]
    operators: dict[str, str]
    regions: dict[str, str]
    heirs: dict[str, str]

    def moves(self) -> dict[str, list[date]]:
        """By party of which the register says another thing from some day on, those days."""
        found: dict[str, list[date]] = {}
        for span in self.parties:
            if span.starts > self.starts:
                found.setdefault(span.uscc, []).append(span.starts)
        return found

    def digest(self) -> str:
        """SHA-256 of it, the cursors left out."""
        data = {
            "days": [self.starts, self.ends],
            "prices": [astuple(price) for price in self.prices],
            "holdings": [astuple(holding) for holding in self.holdings],
            "parties": [[span.uscc, span.starts, span.ends, *_words(span.state)] for span in self.parties],
            "operators": self.operators,
            "regions": self.regions,
            "heirs": self.heirs,
        }
        return text_sha256(json.dumps(data, sort_keys=True, default=str))


def _words(state: PartyState) -> list[object]:
    """What a state says; what is attested only where something is, so that digests of before stay what they were."""
    *register, attested = vars(state).values()
    return [*register, [astuple(each) for each in attested]] if attested else register


def start_of_day(day: date) -> datetime:
    """The first moment of a day at Asia/Shanghai, in UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def latest_cursors() -> dict[str, int]:
    """The last usage record of every centre, by code: what there is to read now."""
    return dict(Centre.objects.order_by("code").values_list("code", "last_sequence"))


def load_registers(starts: date, ends: date, cursors: dict[str, int], as_known: date) -> RegisterSnapshot:
    """What bears on [starts, ends) in the registers; of parties and relations, as it was known on a day."""
    tariffs = Tariff.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    centres = list(Centre.objects.order_by("code").values_list("code", "operator__uscc", "region_id"))
    return RegisterSnapshot(
        starts=starts,
        ends=ends,
        cursors=cursors,
        prices=[
            Price(*row)
            for row in tariffs.order_by("centre__code", "accelerator__model", "valid_from").values_list(
                "centre__code", "accelerator__model", "fen_per_card_hour", "valid_from", "valid_to"
            )
        ],
        holdings=load_holdings(starts, ends, as_known),
        parties=load_state_spans(starts, ends, as_known),
        operators={code: operator for code, operator, _ in centres},
        regions={code: region for code, _, region in centres},
        heirs=load_heirs(ends, as_known),
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
    gaps = billing.bill(registers.prices, list(_by_centre(together, registers.operators)), registers.moves(), parts)
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
