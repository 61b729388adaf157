"""What past results would become if the register said something else: seen before it is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from huisuan.base.csv_lines import FileReport
from huisuan.base.db.background_work import NoProgress, WorkProgress
from huisuan.base.errors import Conflict
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.compute.fact_sources.rules import reach_spans
from huisuan.law.model import LawError
from huisuan.law.policy import PolicyRule, load_policy
from huisuan.parties.models import PartyChange, Relation, StateChange, Succession
from huisuan.settlement.models import Entitlement, SettlementRun
from huisuan.settlement.runs.entitle import AskedRule, make_answers
from huisuan.settlement.runs.inputs import load_registers, open_usage
from huisuan.settlement.runs.queries import latest_runs


@dataclass(frozen=True)
class ChangedResult:
    """What a party is owed for a year under a rule, as it stands and as it would be (fen; None: no row)."""

    year: int
    policy: str
    rule: str
    run: int
    party: str
    status_before: str | None
    before_fen: int | None
    status_after: str | None
    after_fen: int | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return asdict(self)


def preview_import(apply: Callable[[], FileReport], now: datetime) -> tuple[FileReport, list[ChangedResult]]:
    """What an import would do, and whose standing results it would change; nothing of it stays.

    Raises:
        Refused: what the import raises.
        Unavailable: the file of a sealed month is gone.
    """
    with transaction.atomic():
        report = apply()
        changed = list(changed_results(now)) if report.new or report.changed else []
        transaction.set_rollback(True)
    return report, changed


@dataclass(frozen=True)
class SeenImport:
    """An import that waits to be accepted, or was done (`changed` is empty then); `digest` is what is accepted."""

    report: FileReport
    changed: list[ChangedResult]
    digest: str = ""


def import_as_seen(
    apply: Callable[[], FileReport], now: datetime, seen: str = "", progress: WorkProgress | None = None
) -> SeenImport:
    """Import where no past result changes, or where all that was `seen` (its digest) is still so.

    Else nothing stays, and the answer holds what would change.

    Raises:
        Conflict: another change of the register came after what was seen, and no past result would change any more.
        Refused: what the import raises.
        Unavailable: the file of a sealed month is gone.
    """
    watched = progress or NoProgress()
    watched.begin_step("enter", 1, 1)
    with transaction.atomic():
        known = _register_state()
        report = apply()
        changed = list(changed_results(now, watched)) if report.new or report.changed else []
        digest = _digest(known, report, changed)
        if digest == seen or not (changed or seen):
            return SeenImport(report, [])
        if not changed:
            raise Conflict(
                "登记或结算在预览之后变了，照现在的登记不再改变以往的结果；什么都没有写入：请核对后重新上传",
                code="register.changed_meanwhile",
            )
        transaction.set_rollback(True)
    return SeenImport(report, changed, digest)


def _register_state() -> list[list[int | None]]:
    """How far the register is: of each kind of change the last number and how many (a lower one may come later)."""
    return [
        list(each.objects.aggregate(last=Max("pk"), count=Count("pk")).values())
        for each in (PartyChange, StateChange, Relation, Succession)
    ]


def _digest(known: object, report: FileReport, changed: Iterable[ChangedResult]) -> str:
    """What says that two previews show the same: SHA-256 of the register's state, the report and the results' rows."""
    rows = sorted(json.dumps(each.to_dict(), ensure_ascii=False, sort_keys=True) for each in changed)
    said = json.dumps([known, report.as_json(), rows], ensure_ascii=False, sort_keys=True)
    return bytes_sha256(said.encode())


def changed_results(now: datetime, progress: WorkProgress | None = None) -> Iterable[ChangedResult]:
    """Whose results of the runs that stand are others by the registers as they are known today; a step for each run."""
    watched, today = progress or NoProgress(), now.astimezone(SHANGHAI).date()
    runs = list(latest_runs().order_by("-year", "policy", "sentence"))
    for number, run in enumerate(runs, start=2):
        watched.begin_step(f"{run.year} {run.sentence}"[:40], number, len(runs) + 1)
        yield from _compare(run, today)


def _compare(run: SettlementRun, today: date) -> Iterable[ChangedResult]:
    stood = {
        uscc: (status, amount)
        for uscc, status, amount in Entitlement.objects.filter(run=run).values_list(
            "party__uscc", "status", "amount_fen"
        )
    }
    found = _answers(run, today)
    for party in sorted(stood.keys() | found.keys()):
        before, after = stood.get(party, (None, None)), found.get(party, (None, None))
        if before != after:
            yield ChangedResult(run.year, run.policy, run.sentence, run.pk, party, *before, *after)


def _answers(run: SettlementRun, today: date) -> dict[str, tuple[str, int]]:
    """By party status and amount of the run's rule over the use that the run read; none where the rule has gone."""
    try:
        policy = load_policy(run.policy)
        place = PolicyRule(policy, policy.rule(run.sentence))
    except LawError:
        return {}
    until = run.ends + timedelta(days=1)
    asked = AskedRule.over(place, run.starts, run.on, run.as_known)
    registers = load_registers(run.starts, until, dict(run.cursors), today)
    with open_usage() as usage:
        billing = usage.bill(
            registers, reach_spans(place, run.starts, until, run.as_known, asked.parts), parts=asked.parts
        )
        make_answers(billing, asked, registers.parties, registers.regions, registers.heirs)
        rows = billing.rows("SELECT party, status, amount_fen FROM answers")
    return {party: (status, amount or 0) for party, status, amount in rows}
