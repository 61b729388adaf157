"""A settlement run: read the meter and the registers once, compute, write everything in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from huisuan.base.db.background_work import NoProgress, WorkProgress
from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.compute.fact_sources.rules import last_day
from huisuan.compute.metering.seals.queries import seal_reference
from huisuan.settlement.adoption.lock import lock_settlement
from huisuan.settlement.adoption.settings_files import refuse_unadopted_files, write_adopted
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.billing import Billing
from huisuan.settlement.runs.drafts import RuleDraft, YearReadings, answer_drafts, bill_drafts
from huisuan.settlement.runs.inputs import UsageReader, latest_cursors, open_usage
from huisuan.settlement.runs.later_records import has_changed_since
from huisuan.settlement.runs.result_messages import tell_results
from huisuan.settlement.runs.rules import find_rules
from huisuan.settlement.runs.stacking import AnsweredRule
from huisuan.settlement.runs.store import RunWriter

NO_PROGRESS = NoProgress()
#: what a settlement does, in order; a request to cancel is looked at before each
SETTLEMENT_STEPS = ("registers", "usage", "answers", "bills", "lines", "entitlements")


@dataclass(frozen=True)
class SettleResult:
    """The run of a rule, and whether it is new (the same inputs under the same law are not settled twice)."""

    run: SettlementRun
    new: bool


def settle(
    policy: str,
    year: int,
    *,
    now: datetime,
    by: str,
    rule: str = "",
    as_known: date | None = None,
    cursors: Mapping[str, int] | None = None,
    progress: WorkProgress = NO_PROGRESS,
) -> SettleResult:
    """Settle a year under one rule (see `settle_year`); `rule` may be left out where the policy has one only.

    Raises:
        InvalidRequest: the policy has several; and all that `settle_year` raises.
    """
    found = settle_year(
        year, now=now, by=by, policy=policy, rule=rule, as_known=as_known, cursors=cursors, progress=progress
    )
    own = [result for result in found if result.run.policy == policy and rule in ("", result.run.sentence)]
    if len(own) != 1:
        keys = "、".join(result.run.sentence for result in own)
        raise InvalidRequest(f"政策 {policy} 可结算的条款不止一条，请指明：{keys}", code="settlement.rule_ambiguous")
    return own[0]


def settle_year(
    year: int,
    *,
    now: datetime,
    by: str,
    policy: str = "",
    rule: str = "",
    as_known: date | None = None,
    cursors: Mapping[str, int] | None = None,
    progress: WorkProgress = NO_PROGRESS,
) -> list[SettleResult]:
    """Settle a year: bills, and what each is owed, under one rule, all of a policy or (neither named) all in force.

    Rules that pay for the same are settled together, in the order in which they pay; one transaction. `cursors` (centre
    code -> last usage record read) repeats a past reading; without it everything is read. `progress` hears of each of
    `SETTLEMENT_STEPS`.

    Raises:
        WorkCancelled: `progress` says so; nothing is written.
        InvalidRequest: no such policy or rule, one whose facts the platform does not know (it names them and who does),
            or a year or a day that has not come.
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
        rules = find_rules(policy, rule, year, known)
        readings = YearReadings(known, dict(cursors) if cursors is not None else latest_cursors())
        drafts = [RuleDraft.of(settled, year, readings) for settled in rules]
        if all(draft.stands and draft.stands.cursors == readings.cursors for draft in drafts):
            return [SettleResult(draft.stands, new=False) for draft in drafts if draft.stands]
        with open_usage() as usage:
            return _settle(drafts, usage, year, by, now, progress)


def _settle(
    drafts: Sequence[RuleDraft], usage: UsageReader, year: int, by: str, now: datetime, progress: WorkProgress
) -> list[SettleResult]:
    begin_step(progress, "usage")
    billings = bill_drafts(drafts, usage)
    begin_step(progress, "answers")
    answered = answer_drafts(drafts, billings)
    results = list(_results(drafts, answered, year, by, now))
    writers = [RunWriter(made.run, rule) for made, rule in zip(results, answered.values(), strict=True) if made.new]
    for step, write in (
        ("bills", RunWriter.write_bills), ("lines", RunWriter.write_lines),
        ("entitlements", RunWriter.write_entitlements),
    ):  # fmt: skip
        if writers:
            begin_step(progress, step)
        for writer in writers:
            write(writer)
    for writer in writers:
        tell_results(writer.run, now)
    return results


def _results(
    drafts: Sequence[RuleDraft], answered: Mapping[str, AnsweredRule], year: int, by: str, now: datetime
) -> Iterator[SettleResult]:
    """Each rule's run: the one that stands where it came to the same, or a new one."""
    for draft in drafts:
        rule, place = answered[draft.settled.place.key], draft.settled.place
        result = _result(rule)
        stands = draft.stands if draft.stands and draft.stands.result_sha256 == result else None
        if stands and not has_changed_since(stands, draft.registers.cursors):  # only other years went on
            yield SettleResult(stands, new=False)
            continue
        run = SettlementRun.objects.create(
            policy=place.policy.name, sentence=place.rule.key, year=year, starts=draft.settled.starts,
            ends=last_day(draft.settled.ends), on=draft.asked.on, as_known=draft.asked.as_known,
            cursors=draft.registers.cursors, seals=[seal_reference(file.seal) for file in draft.sealed], law=draft.law,
            inputs_sha256=draft.digest, result_sha256=result, requested_by=by, made_at=now, **_totals(rule.billing),
        )  # fmt: skip
        yield SettleResult(run, new=True)


def check_request(policy: str, year: int, now: datetime, rule: str = "") -> None:
    """Whether such a settlement can be asked for at all.

    Raises:
        InvalidRequest: no such policy or rule, one that the platform cannot settle, or a year that has not come.
    """
    _check_year(year, now)
    find_rules(policy, rule, year, _day_known(None, now))


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


def _result(rule: AnsweredRule) -> str:
    """SHA-256 of every line and every answer, in a fixed order; of a later rule of several also of what is payable."""
    total = hashlib.sha256()
    for table in ("lines", "answers", *(("payable",) if rule.settled.earlier else ())):
        for row in rule.billing.rows(f"SELECT * FROM {table} ORDER BY ALL"):  # noqa: S608 (names of ours)
            total.update(repr(row).encode())
    return total.hexdigest()


def _totals(billing: Billing) -> dict[str, int]:
    ((records, card_seconds, unclaimed),) = billing.rows(
        "SELECT CAST(count(*) AS BIGINT), CAST(coalesce(sum(card_seconds), 0) AS BIGINT), "
        "CAST(coalesce(sum(card_seconds) FILTER (party IS NULL), 0) AS BIGINT) FROM usage"
    )
    ((amount, payable),) = billing.rows(
        "SELECT CAST(coalesce(sum(amount_fen), 0) AS BIGINT), CAST(coalesce(sum(payable_fen), 0) AS BIGINT) "
        "FROM answers JOIN payable USING (party)"
    )
    return {
        "records": records, "card_seconds": card_seconds, "unclaimed_card_seconds": unclaimed, "amount_fen": amount,
        "payable_fen": payable,
    }  # fmt: skip


def begin_step(progress: WorkProgress, step: str) -> None:
    """Tell that one of `SETTLEMENT_STEPS` begins.

    Raises:
        WorkCancelled: somebody cancelled.
    """
    progress.begin_step(step, SETTLEMENT_STEPS.index(step) + 1, len(SETTLEMENT_STEPS))
