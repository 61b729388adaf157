"""What a proposal would change for whom: a settled year settled again, with it and without it.

What is computed here is what the next settlement computes if the proposal is adopted today: the same parts of the
year, the same facts, the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
from django.db import transaction

from huisuan.base.db.background_work import NoProgress, WorkProgress
from huisuan.base.duck import lease_duck
from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.compute.fact_sources.rules import days_settled, last_day, reach_spans, rules_settled_from_use
from huisuan.law.budget.impact import LawState, RuleImpact, affected_rules, compare_answers
from huisuan.law.model import LawError, Rule
from huisuan.law.policy import Policy, PolicyRule, Settings, adopted_folder, names_deciding, with_adopted
from huisuan.parties.models import Party
from huisuan.settlement.adoption.proposed_settings import NO_FILE, draft_of_proposal, get_policy, to_adopted
from huisuan.settlement.adoption.services import day_known
from huisuan.settlement.impact.payable import StackedSide, compare_payable
from huisuan.settlement.models import (
    ComparedAmount,
    ComparedParty,
    Comparison,
    Entitlement,
    ProposalEnd,
    SettingsProposal,
    SettlementRun,
)
from huisuan.settlement.runs.entitle import AskedRule, fact_names, make_facts
from huisuan.settlement.runs.inputs import latest_cursors, load_registers, open_usage
from huisuan.settlement.runs.queries import latest_runs

_PARTY = "party"
_BATCH = 2000
COMPARE_STEPS = ("facts", "answers", "store")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sides:
    """The law without a proposal and with it, both read as known on a day."""

    before: Policy
    after: Policy
    as_known: date


def sides_of_proposal(proposal: SettingsProposal, today: date) -> Sides:
    """Both sides of a proposal as known on the day on which an adoption makes it known: for an open one, if made today.

    Raises:
        InvalidRequest: the law no longer knows what it sets.
    """
    policy = get_policy(proposal.policy)
    draft = draft_of_proposal(policy, proposal)
    end = ProposalEnd.objects.filter(proposal=proposal).first()  # not what the proposal remembers of it
    file = adopted_folder(policy.name) / end.file if end and end.file else NO_FILE
    as_known = end.known_from if end and end.known_from else day_known(policy.name, today)
    before = replace(
        policy,
        settings=Settings(tuple(adopted for adopted in policy.settings.adopted if adopted.path != file)),
        sources=tuple(source for source in policy.sources if source.path != file),
    )
    try:
        return Sides(before, with_adopted(before, to_adopted(draft, as_known, f"提案 {proposal.pk}")), as_known)
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def rules_without_facts(proposal: SettingsProposal, policy: Policy) -> list[str]:
    """The rules that the proposal touches and of which the platform has no facts to compare with."""
    settled = _settled_keys(policy)
    return [rule.key for rule in affected_rules(policy, proposal.names) if rule.key not in settled]


def settled_years(proposal: SettingsProposal) -> list[int]:
    """The settled years to compare with, the newest first."""
    runs = latest_runs().filter(policy=proposal.policy)
    return sorted(set(runs.values_list("year", flat=True)), reverse=True)


def _settled_keys(policy: Policy) -> set[str]:
    """The rules that the platform settles by itself."""
    last = policy.valid_to
    return {place.rule.key for place in rules_settled_from_use(policy, last, last)}


@dataclass(frozen=True)
class ComparableYear:
    """Both sides of a proposal, the rule and amount it is compared by, and the settlement it is compared with."""

    both: Sides
    rule: Rule
    amount: ComparedAmount
    run: SettlementRun


def _touched_rule(proposal: SettingsProposal, policy: Policy, year: int) -> tuple[Rule, ComparedAmount]:
    """The rule of which a proposal is compared: one that it touches and that the platform settles.

    Where it touches none but says how rules combine, one that combines, by what is payable.

    Raises:
        InvalidRequest: there is no such rule.
    """
    settled = _settled_keys(policy)
    names = set(proposal.names)
    grounds = {stacking.ground for stacking in policy.stackings if stacking.by.name in names}
    runs = set(latest_runs().filter(policy=proposal.policy, year=year).values_list("sentence", flat=True))
    for amount, touched in (
        (ComparedAmount.OWED, [rule for rule in policy.rules if names_deciding(policy, rule) & names]),
        (ComparedAmount.PAYABLE, [rule for rule in policy.rules if rule.claim and rule.claim.ground in grounds]),
    ):
        own = [rule for rule in touched if rule.key in settled]
        if own:
            return next((rule for rule in own if rule.key in runs), own[0]), amount
    keys = "、".join(rules_without_facts(proposal, policy)) or "无"
    raise InvalidRequest(
        f"提案 {proposal.pk} 不影响平台自行结算的条款（{'、'.join(sorted(settled)) or '无'}）；受影响的句：{keys}，"
        "平台上还没有它们的事实。可用 huisuan law budget 按情景推算",
        code="proposal.sentence_untouched",
    )


def _step(name: str) -> tuple[str, int, int]:
    return name, COMPARE_STEPS.index(name) + 1, len(COMPARE_STEPS)


def comparable(proposal: SettingsProposal, year: int, now: datetime) -> ComparableYear:
    """What a proposal is compared by in a year.

    Raises:
        NotFound: the year is not settled.
        InvalidRequest: the proposal does not touch the sentence that is.
    """
    both = sides_of_proposal(proposal, now.astimezone(SHANGHAI).date())
    rule, amount = _touched_rule(proposal, both.before, year)
    run = latest_runs().filter(policy=proposal.policy, sentence=rule.key, year=year).first()
    if run is None:
        raise NotFound(
            f"{year} 年还没有结算：请先 huisuan settle run --year {year}", code="settlement.year_not_settled"
        )
    return ComparableYear(both, rule, amount, run)


def compare_year(
    proposal: SettingsProposal, year: int, by: str, now: datetime, progress: WorkProgress | None = None
) -> Comparison:
    """Compute the year as it would be settled now, without the proposal and with it, and keep what came out.

    Raises:
        NotFound: the year is not settled.
        InvalidRequest: the proposal does not touch the sentence that is.
    """
    watched = progress or NoProgress()
    watched.begin_step(*_step("facts"))
    compared = comparable(proposal, year, now)
    with lease_duck() as engine:
        if compared.amount is ComparedAmount.OWED:
            impact, anew = _compare_owed(engine, compared, watched)
        else:
            watched.begin_step(*_step("answers"))
            before, after = (StackedSide(side, compared.rule) for side in (compared.both.before, compared.both.after))
            impact, anew = compare_payable(engine, before, after, year, compared.both.as_known), True
        lines = engine.execute(
            "SELECT identity, status_before, status_after, coalesce(before_fen, 0), coalesce(after_fen, 0) "
            "FROM compared"
        ).fetchall()
    watched.begin_step(*_step("store"))
    return _store_comparison(proposal, compared, anew, impact, lines, by, now)


def _compare_owed(
    engine: duckdb.DuckDBPyConnection, compared: ComparableYear, progress: WorkProgress
) -> tuple[RuleImpact, bool]:
    """What is owed under both sides, and whether facts were taken anew for it."""
    both, key = compared.both, compared.rule.key
    before = _read_facts(compared.run, key, both.before, both.as_known)
    after = _read_facts(compared.run, key, both.after, both.as_known)
    progress.begin_step(*_step("answers"))
    before_state, after_state = (
        _state(engine, name, side, facts, both.as_known)
        for name, side, facts in (("before", both.before, before), ("after", both.after, after))
    )
    impact = compare_answers(engine, key, before_state, after_state, before.types, identity=_PARTY)
    return impact, before.anew or after.anew


@dataclass(frozen=True)
class _YearFacts:
    """The facts of a year as one side of the law has them settled; `on` is its last day, `types` their columns."""

    rows: Rows
    types: Mapping[str, str]
    on: date
    anew: bool


def _read_facts(run: SettlementRun, key: str, side: Policy, as_known: date) -> _YearFacts:
    """What a settlement under this law reads: what the newest one stored, where that is still what it would read."""
    place = PolicyRule(side, side.rule(key))
    starts, until = days_settled(place, run.year, as_known)
    on = last_day(until)
    asked = AskedRule.over(place, starts, on, as_known)
    reach = reach_spans(place, starts, until, as_known, asked.parts)
    registers = load_registers(starts, until, latest_cursors(), as_known)
    stored = _stored_facts(run)
    is_current = (run.starts, run.ends, dict(run.cursors), run.inputs_sha256) == (
        starts, on, registers.cursors, registers.digest(),
    )  # fmt: skip
    reached = {each.reach for each in reach} == {_reach_of_run(run, place.rule)} or not place.rule.read_facts_by
    if is_current and reached and (not stored or _dated(stored[0]) == _dated(asked.types)):
        return _YearFacts(stored, asked.types, on, anew=False)
    with open_usage() as usage:
        billing = usage.bill(registers, reach, parts=asked.parts)
        make_facts(billing, asked, registers.parties, registers.regions, registers.heirs)
        names = [_PARTY, *fact_names(billing)]
        rows = billing.rows(f"SELECT * FROM facts ORDER BY {_PARTY}")  # noqa: S608 (a name of ours)
    return _YearFacts([dict(zip(names, row, strict=True)) for row in rows], asked.types, on, anew=True)


def _reach_of_run(run: SettlementRun, rule: Rule) -> str:
    """How far self-built-self-use reached where the run took its facts; "" where it was not the same all year."""
    names = [spec.name for spec in rule.read_facts_by]
    held = [run.law["interpretations"], *(part["interpretations"] for part in run.law.get("parts", ()))]
    found = {str(values.get(name)) for values in held for name in names}
    return found.pop() if len(found) == 1 else ""


def _dated(names: Iterable[str]) -> set[str]:
    return {name for name in names if "@" in name}


def _stored_facts(run: SettlementRun) -> Rows:
    """The facts as the settlement kept them."""
    owed = Entitlement.objects.filter(run=run).order_by("party__uscc").values_list("party__uscc", "facts")
    return [{_PARTY: party, **facts} for party, facts in owed]


def _state(engine: duckdb.DuckDBPyConnection, name: str, side: Policy, facts: _YearFacts, as_known: date) -> LawState:
    """One side of the law over its own facts, which become the table `facts_NAME`."""
    table = f"facts_{name}"
    _table(engine, table, facts.types, facts.rows)
    return LawState(side, facts.on, as_known, table, facts.types)


def _table(engine: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str], rows: Rows) -> None:
    layout = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    engine.execute(f"CREATE TABLE {name} ({layout})")
    if rows:
        engine.register("arriving", pa.table({column: [row.get(column) for row in rows] for column in types}))
        engine.execute(f"INSERT INTO {name} SELECT * FROM arriving")  # noqa: S608 (two names of ours)
        engine.unregister("arriving")


def _store_comparison(
    proposal: SettingsProposal,
    year: ComparableYear,
    again: bool,
    compared: RuleImpact,
    lines: Sequence[tuple[str, str, str, int, int]],
    by: str,
    now: datetime,
) -> Comparison:
    as_known = year.both.as_known
    statuses = {
        status: [compared.before.by_status.get(status, 0), compared.after.by_status.get(status, 0)]
        for status in sorted({*compared.before.by_status, *compared.after.by_status})
    }
    parties = dict(Party.objects.values_list("uscc", "id"))
    with transaction.atomic():
        made = Comparison.objects.create(
            proposal=proposal, run=year.run, as_known=as_known, law_before=year.both.before.digest_as_known(as_known),
            law_after=year.both.after.digest, amount=year.amount, metered_again=again, statuses=statuses,
            parties=compared.rows, before_fen=compared.before.amount_fen,
            after_fen=compared.after.amount_fen, winners=compared.winners, won_fen=compared.won_fen,
            losers=compared.losers, lost_fen=compared.lost_fen, made_by=by, made_at=now,
        )  # fmt: skip
        ComparedParty.objects.bulk_create(
            (
                ComparedParty(
                    comparison=made, party_id=parties[party], status_before=status_before, status_after=status_after,
                    before_fen=before, after_fen=after, difference_fen=after - before,
                )
                for party, status_before, status_after, before, after in lines
            ),
            batch_size=_BATCH,
        )  # fmt: skip
    return made
