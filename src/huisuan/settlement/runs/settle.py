"""A settlement run: read the meter and the registers once, compute, write everything in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from huisuan.base.db.background_work import NoProgress, WorkProgress
from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.exports.usage_parquet import sealed_usage
from huisuan.compute.metering.seals.queries import seal_reference
from huisuan.compute.models import Accelerator, Centre
from huisuan.law.model import LawError, Rule, to_json
from huisuan.law.policy import Policy, find_part_starts, load_policy
from huisuan.parties.models import Party
from huisuan.settlement.adoption.lock import lock_settlement
from huisuan.settlement.adoption.settings_files import refuse_unadopted_files, write_adopted
from huisuan.settlement.models import Bill, BillLine, Entitlement, SettlementRun
from huisuan.settlement.runs.billing import Billing
from huisuan.settlement.runs.inputs import latest_cursors, load_registers, open_billing, start_of_day
from huisuan.settlement.runs.later_records import has_changed_since
from huisuan.settlement.runs.result_messages import tell_results
from huisuan.settlement.runs.settled_sentence import SETTLES, reach_spans

NO_PROGRESS = NoProgress()
#: what a settlement does, in order; a request to cancel is looked at before each
SETTLEMENT_STEPS = ("registers", "usage", "answers", "bills", "lines", "entitlements")
_BATCH = 2000  # rows of one INSERT
BillKey = tuple[int, int, date]  # party, centre, month


@dataclass(frozen=True)
class SettleResult:
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
    progress: WorkProgress = NO_PROGRESS,
) -> SettleResult:
    """Settle a year under sentence 2.2: bills, and what each party is owed.

    `cursors` (centre code -> last usage record read) repeats a past reading; without it everything is read.
    `progress` hears of each of `SETTLEMENT_STEPS`.

    Raises:
        WorkCancelled: `progress` says so; nothing is written.
        InvalidRequest: no such policy, or a year or a day that has not come.
        Conflict: settings that nobody adopted, usage that no tariff covers (it says which), or a sealed month that is
            not as it was sealed.
        Unavailable: the file of a sealed month is gone.
    """
    _check_year(year, now)  # the law is read below, once its files are what was adopted
    known = _day_known(as_known, now)
    with transaction.atomic():
        begin_step(progress, "registers")
        lock_settlement()
        write_adopted()  # under the lock: nothing is adopted between this reading of the law and the run
        refuse_unadopted_files()
        policy, rule = _law(policy_name)
        starts, ends = settlement_window(policy, year, known)
        on = ends - timedelta(days=1)
        parts = find_part_starts(policy, rule, starts, on, known)
        registers = load_registers(starts, ends, dict(cursors) if cursors is not None else latest_cursors())
        law = _law_used(policy, rule, on, known, parts)
        newest = SettlementRun.objects.filter(policy=policy.name, sentence=rule.sentence, year=year).first()
        sealed = sealed_usage(registers.cursors, start_of_day(starts), start_of_day(ends))
        seals = [seal_reference(file.seal) for file in sealed]
        # a month that was sealed since makes a new run, which rests on the seal, though it comes to the same
        inputs = (on, law, registers.digest(), seals)
        stands = newest if newest and (newest.on, newest.law, newest.inputs_sha256, newest.seals) == inputs else None
        if stands and stands.cursors == registers.cursors:
            return SettleResult(stands, new=False)
        begin_step(progress, "usage")
        reach = reach_spans(policy, starts, ends, known, parts)
        with open_billing(registers, starts, ends, reach, sealed, parts) as billing:
            begin_step(progress, "answers")
            billing.entitle(policy, rule, registers.parties, on, known)
            result = _result(billing)
            same = stands is not None and stands.result_sha256 == result
            if stands and same and not has_changed_since(stands, registers.cursors):  # only other years went on
                return SettleResult(stands, new=False)
            begin_step(progress, "bills")
            run = SettlementRun.objects.create(
                policy=policy.name, sentence=rule.sentence, year=year, starts=starts, ends=on, on=on, as_known=known,
                cursors=registers.cursors, seals=seals, law=law, inputs_sha256=registers.digest(), result_sha256=result,
                requested_by=by, made_at=now, **_totals(billing),
            )  # fmt: skip
            _store(run, billing, progress)
        tell_results(run, now)
        return SettleResult(run, new=True)


def check_request(policy_name: str, year: int, now: datetime) -> None:
    """Whether such a settlement can be asked for at all.

    Raises:
        InvalidRequest: no such policy, or a year that has not come.
    """
    _check_year(year, now)
    _law(policy_name)


def _check_year(year: int, now: datetime) -> None:
    this_year = now.astimezone(SHANGHAI).year
    if not 2000 <= year <= this_year:
        raise InvalidRequest(
            f"年份 {year} 不能结算：应在 2000 与 {this_year} 之间", code="settlement.year_out_of_range"
        )


def _day_known(as_known: date | None, now: datetime) -> date:
    today = now.astimezone(SHANGHAI).date()
    known = as_known or today
    if known > today:
        raise InvalidRequest(
            f"还没有到 {known}：只能按截至今天（{today}）所知的参数结算", code="settlement.day_not_come"
        )
    return known


def _law(name: str) -> tuple[Policy, Rule]:
    try:
        policy = load_policy(name)
        return policy, policy.rule(SETTLES)
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def settlement_window(policy: Policy, year: int, as_known: date) -> tuple[date, date]:
    """[first day, day after the last) of the year's use under the policy; the whole year if it never held then."""
    starts, ends = date(year, 1, 1), date(year + 1, 1, 1)
    held_from, held_to = max(starts, policy.valid_from), min(ends, policy.last_day(as_known) + timedelta(days=1))
    return (held_from, held_to) if held_from < held_to else (starts, ends)


def _law_used(policy: Policy, rule: Rule, on: date, as_known: date, parts: Sequence[date]) -> dict[str, Any]:
    """The digest, settings and options of the year's last day; where it is cut, those of each part as well."""
    law = {"digest": policy.digest_as_known(as_known), **_values_on(policy, rule, on, as_known)}
    if parts:
        law["parts"] = [{"from": str(first), **_values_on(policy, rule, first, as_known)} for first in parts]
    return law


def _values_on(policy: Policy, rule: Rule, on: date, as_known: date) -> dict[str, Any]:
    adopted = policy.adopted(on, as_known)
    return {
        "settings": {spec.name: to_json(adopted[spec.name].value) for spec in rule.settings() if spec.name in adopted},
        "interpretations": {
            spec.name: adopted[spec.name].value for spec in rule.interpretations() if spec.name in adopted
        },
    }


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


def begin_step(progress: WorkProgress, step: str) -> None:
    """Tell that one of `SETTLEMENT_STEPS` begins.

    Raises:
        WorkCancelled: somebody cancelled.
    """
    progress.begin_step(step, SETTLEMENT_STEPS.index(step) + 1, len(SETTLEMENT_STEPS))


def _store(run: SettlementRun, billing: Billing, progress: WorkProgress) -> None:
    """Store the bills, their lines and the entitlements of a run."""
    parties = dict(Party.objects.values_list("uscc", "id"))
    centres = dict(Centre.objects.values_list("code", "id"))
    bills = _store_bills(run, billing, parties, centres)
    begin_step(progress, "lines")
    _store_lines(billing, bills, parties, centres)
    begin_step(progress, "entitlements")
    names = billing.fact_names()
    Entitlement.objects.bulk_create(
        (
            Entitlement(
                run=run, party_id=parties[party], status=status, amount_fen=amount or 0,
                facts=dict(zip(names, facts, strict=True)), reasons=reasons.split(";") if reasons else [],
            )
            for party, status, amount, reasons, *facts in billing.rows(
                "SELECT party, status, amount_fen, reasons, * EXCLUDE (party, status, amount_fen, reasons) "
                "FROM answers ORDER BY party"
            )
        ),
        batch_size=_BATCH,
    )  # fmt: skip


def _store_bills(
    run: SettlementRun, billing: Billing, parties: Mapping[str, int], centres: Mapping[str, int]
) -> dict[BillKey, Bill]:
    bills = Bill.objects.bulk_create(
        (
            Bill(
                run=run, party_id=parties[party], centre_id=centres[centre], month=month, card_seconds=seconds,
                amount_fen=amount, excluded_fen=excluded,
            )
            for party, centre, month, seconds, amount, excluded in billing.rows(
                "SELECT party, centre, month, card_seconds, amount_fen, excluded_fen FROM bills ORDER BY ALL"
            )
        ),
        batch_size=_BATCH,
    )  # fmt: skip
    return {(bill.party_id, bill.centre_id, bill.month): bill for bill in bills}


def _store_lines(
    billing: Billing, bills: Mapping[BillKey, Bill], parties: Mapping[str, int], centres: Mapping[str, int]
) -> None:
    models = dict(Accelerator.objects.values_list("model", "id"))
    BillLine.objects.bulk_create(
        (
            BillLine(
                bill=bills[parties[party], centres[centre], month], accelerator_id=models[model],
                starts=start_of_day(starts), ends=start_of_day(ends), fen_per_card_hour=price or 0,
                excluded_because=why, records=records, card_seconds=seconds,
            )
            for party, centre, month, model, starts, ends, price, why, records, seconds in billing.rows(
                "SELECT party, centre, month, model, starts, ends, fen_per_card_hour, excluded_because, records, "
                "card_seconds FROM lines WHERE party IS NOT NULL ORDER BY ALL"
            )
        ),
        batch_size=_BATCH,
    )  # fmt: skip
