"""A settlement run: read the meter and the registers once, compute, write everything in one transaction."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
from django.db import connection, transaction

from huisuan.compute.metering.exports.usage_parquet import SealedFile, export_usage, sealed_usage
from huisuan.compute.metering.seals.queries import named
from huisuan.compute.models import Accelerator, Centre, Tariff
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import to_json
from huisuan.law.policy.policy import Policy, load_policy
from huisuan.law.text.policy_text import LawError
from huisuan.parties.affiliation import Affiliated, Holding, Reach, affiliations
from huisuan.parties.models import Party, Relation
from huisuan.settlement.adoption.settings_files import refuse_strays, write_adopted
from huisuan.settlement.models import Bill, BillLine, Entitlement, SettlementRun
from huisuan.settlement.runs.billing import Billing, Price, Registered
from huisuan.terminal import SHANGHAI, Refused

SETTLES = "2.2"
USER_KINDS = ("enterprise", "university", "institute")
ONE_AT_A_TIME = 0x4855_4953  # key of the advisory lock


@dataclass(frozen=True)
class Settled:
    """The run, and whether it is new (the same inputs under the same law are not settled twice)."""

    run: SettlementRun
    new: bool


def settle(
    policy_name: str,
    year: int,
    *,
    now: datetime,
    by: str,
    as_known: date | None = None,
    cursors: Mapping[str, int] | None = None,
) -> Settled:
    """Settle a year under sentence 2.2: bills, and what each party is owed.

    `cursors` (centre code -> last usage record read) repeats a past reading; without it everything is read.

    Raises:
        Refused: no such policy, a year or a day that has not come, settings that nobody adopted, usage that no
            tariff covers (it says which), or a sealed month that is not as it was sealed.
    """
    _check_year(year, now)  # the law is read below, once its files are what was adopted
    today = now.astimezone(SHANGHAI).date()
    known = as_known or today
    if known > today:
        raise Refused(f"还没有到 {known}：只能按截至今天（{today}）所知的参数结算")
    with transaction.atomic():
        one_at_a_time()
        write_adopted()  # under the lock: nothing is adopted between this reading of the law and the run
        refuse_strays()
        policy, rule = _law(policy_name)
        starts, ends = _window(policy, year)
        on = ends - timedelta(days=1)
        read = read_registers(starts, ends, dict(cursors) if cursors is not None else _cursors())
        law = _law_used(policy, rule, on, known)
        newest = SettlementRun.objects.filter(policy=policy.name, sentence=rule.sentence, year=year).first()
        sealed = sealed_usage(read.cursors, _begins(starts), _begins(ends))
        seals = [named(each.seal) for each in sealed]
        # a month that was sealed since makes a new run, which rests on the seal, though it comes to the same
        inputs = (on, law, read.digest(), seals)
        stands = newest if newest and (newest.on, newest.law, newest.inputs_sha256, newest.seals) == inputs else None
        if stands and stands.cursors == read.cursors:
            return Settled(stands, new=False)
        with billed(read, starts, ends, reach_of(policy, on, known), sealed) as billing:
            billing.entitle(policy, rule, read.parties, on, known)
            result = _result(billing)
            if stands and stands.result_sha256 == result:  # the meter went on, but nothing of this year changed
                return Settled(stands, new=False)
            run = SettlementRun.objects.create(
                policy=policy.name, sentence=rule.sentence, year=year, starts=starts, ends=on, on=on, as_known=known,
                cursors=read.cursors, seals=seals, law=law, inputs_sha256=read.digest(), result_sha256=result,
                requested_by=by, made_at=now, **_totals(billing),
            )  # fmt: skip
            _write(run, billing)
        return Settled(run, new=True)


def check(policy_name: str, year: int, now: datetime) -> None:
    """Whether such a settlement can be asked for at all.

    Raises:
        Refused: no such policy, or a year that has not come.
    """
    _check_year(year, now)
    _law(policy_name)


def _check_year(year: int, now: datetime) -> None:
    this_year = now.astimezone(SHANGHAI).year
    if not 2000 <= year <= this_year:
        raise Refused(f"年份 {year} 不能结算：应在 2000 与 {this_year} 之间")


def one_at_a_time() -> None:
    """Wait until no other settlement runs and nobody adopts settings, and keep it so until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])


@contextmanager
def billed(
    read: Read, starts: date, ends: date, reach: Reach, sealed: Sequence[SealedFile] | None = None
) -> Iterator[Billing]:
    """The bills of [starts, ends) from what was read, in an engine of their own; `sealed` if it was looked up already.

    Raises:
        Refused: usage that no tariff covers.
    """
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as engine:
        usage = Path(folder) / "usage.parquet"
        export_usage(usage, read.cursors, _begins(starts), _begins(ends), sealed)
        billing = Billing(engine, usage, starts, ends)
        _bill(billing, read, starts, ends, reach)
        yield billing


def reach_of(policy: Policy, on: date, as_known: date) -> Reach:
    """How far self-built-self-use reaches (2.2.affiliated) on a day, as known on a day."""
    chosen = policy.adopted(on, as_known).get("2.2.affiliated")
    return cast(Reach, chosen.value if chosen else "control")


@dataclass(frozen=True)
class Read:
    """Everything that was read from the registers, as it stood."""

    cursors: dict[str, int]
    prices: list[Price]
    holdings: list[Holding]
    parties: list[Registered]
    operators: dict[str, str]

    def digest(self) -> str:
        """SHA-256 of it, the cursors left out."""
        data = asdict(self)
        del data["cursors"]
        return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def _law(name: str) -> tuple[Policy, Rule]:
    try:
        policy = load_policy(name)
        return policy, policy.rule(SETTLES)
    except LawError as error:
        raise Refused(str(error)) from None


def _window(policy: Policy, year: int) -> tuple[date, date]:
    """[first day, day after the last) of the year's use under the policy; the whole year if it never held then."""
    starts, ends = date(year, 1, 1), date(year + 1, 1, 1)
    held_from, held_to = max(starts, policy.valid_from), min(ends, policy.valid_to + timedelta(days=1))
    return (held_from, held_to) if held_from < held_to else (starts, ends)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def _cursors() -> dict[str, int]:
    return dict(Centre.objects.order_by("code").values_list("code", "last_sequence"))


def read_registers(starts: date, ends: date, cursors: dict[str, int]) -> Read:
    """What bears on [starts, ends) in the registers, as they stand now."""
    tariffs = Tariff.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    relations = Relation.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    return Read(
        cursors=cursors,
        prices=[
            Price(*row)
            for row in tariffs.order_by("centre__code", "accelerator__model", "valid_from").values_list(
                "centre__code", "accelerator__model", "fen_per_card_hour", "valid_from", "valid_to"
            )
        ],
        holdings=[
            Holding(*row)
            for row in relations.order_by("owner__uscc", "owned__uscc", "valid_from").values_list(
                "owner__uscc", "owned__uscc", "share_permille", "control", "valid_from", "valid_to"
            )
        ],
        parties=[
            Registered(each.uscc, each.region.in_anhui, each.kind if each.kind in USER_KINDS else "other")
            for each in Party.objects.select_related("region").order_by("uscc")
        ],
        operators=dict(Centre.objects.order_by("code").values_list("code", "operator__uscc")),
    )


def _law_used(policy: Policy, rule: Rule, on: date, as_known: date) -> dict[str, Any]:
    adopted = policy.adopted(on, as_known)
    return {
        "digest": policy.digest_as_known(as_known),
        "settings": {spec.name: to_json(adopted[spec.name].value) for spec in rule.settings() if spec.name in adopted},
        "interpretations": {
            spec.name: adopted[spec.name].value for spec in rule.interpretations() if spec.name in adopted
        },
    }


def _bill(billing: Billing, read: Read, starts: date, ends: date, reach: Reach) -> None:
    operators = set(read.operators.values())
    related = operators | {party for each in read.holdings for party in (each.owner, each.owned)}
    pairs = ((party, operator) for party in related for operator in operators)
    together = affiliations(read.holdings, pairs, starts=starts, ends=ends, reach=reach)
    gaps = billing.bill(read.prices, list(_by_centre(together, read.operators)))
    if gaps:
        places = "；".join(
            f"{gap.centre} 的 {gap.model}（{gap.starts} 至 {gap.ends}，{gap.card_seconds:,} 卡秒）" for gap in gaps
        )
        raise Refused(f"下列用量没有价目，账单出不来：{places}。请先 huisuan tariff set")


def _by_centre(together: Iterable[Affiliated], operators: Mapping[str, str]) -> Iterable[Affiliated]:
    """The same spans, once per centre of the operator."""
    for span in together:
        for centre, operator in operators.items():
            if operator == span.operator:
                yield Affiliated(span.user, centre, span.starts, span.ends, span.why)


def _result(billing: Billing) -> str:
    """SHA-256 of every line and every answer, in a fixed order."""
    total = hashlib.sha256()
    for table in ("lines", "answers"):
        for row in billing.rows(f"SELECT * FROM {table} ORDER BY ALL"):  # noqa: S608 (two names of ours)
            total.update(repr(row).encode())
    return total.hexdigest()


def _totals(billing: Billing) -> dict[str, int]:
    ((records, card_seconds, unclaimed),) = billing.rows(
        "SELECT CAST(count(*) AS BIGINT), CAST(coalesce(sum(card_seconds), 0) AS BIGINT), "
        "CAST(coalesce(sum(card_seconds) FILTER (party IS NULL), 0) AS BIGINT) FROM usage"
    )
    ((amount,),) = billing.rows("SELECT CAST(coalesce(sum(amount_fen), 0) AS BIGINT) FROM answers")
    return {
        "records": records, "card_seconds": card_seconds, "unclaimed_card_seconds": unclaimed, "amount_fen": amount,
    }  # fmt: skip


def _write(run: SettlementRun, billing: Billing) -> None:
    """Bills, lines and entitlements of the run."""
    parties = dict(Party.objects.values_list("uscc", "id"))
    centres = dict(Centre.objects.values_list("code", "id"))
    models = dict(Accelerator.objects.values_list("model", "id"))
    bills = Bill.objects.bulk_create(
        (
            Bill(
                run=run,
                party_id=parties[party],
                centre_id=centres[centre],
                month=month,
                card_seconds=seconds,
                amount_fen=amount,
                excluded_fen=excluded,
            )
            for party, centre, month, seconds, amount, excluded in billing.rows(
                "SELECT party, centre, month, card_seconds, amount_fen, excluded_fen FROM bills ORDER BY ALL"
            )
        ),
        batch_size=2000,
    )
    named = {(bill.party_id, bill.centre_id, bill.month): bill for bill in bills}
    BillLine.objects.bulk_create(
        (
            BillLine(
                bill=named[parties[party], centres[centre], month],
                accelerator_id=models[model],
                starts=_begins(starts),
                ends=_begins(ends),
                fen_per_card_hour=price or 0,
                excluded_because=why,
                records=records,
                card_seconds=seconds,
            )
            for party, centre, month, model, starts, ends, price, why, records, seconds in billing.rows(
                "SELECT party, centre, month, model, starts, ends, fen_per_card_hour, excluded_because, records, "
                "card_seconds FROM lines WHERE party IS NOT NULL ORDER BY ALL"
            )
        ),
        batch_size=2000,
    )
    Entitlement.objects.bulk_create(
        (
            Entitlement(
                run=run,
                party_id=parties[party],
                status=status,
                amount_fen=amount or 0,
                facts={"in_anhui": in_anhui, "kind": kind, "spend": spend, "self_use": self_use},
                reasons=reasons.split(";") if reasons else [],
            )
            for party, status, amount, reasons, in_anhui, kind, spend, self_use in billing.rows(
                "SELECT party, status, amount_fen, reasons, in_anhui, kind, spend, self_use FROM answers ORDER BY party"
            )
        ),
        batch_size=2000,
    )
