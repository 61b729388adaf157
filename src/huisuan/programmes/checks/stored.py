"""Storing a round of checks, and what the act "check" asks: one of the present version, a reason where not all pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Max

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.parties.models import Person
from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.checks.findings import APPLICATION_CHECKS, standing_debts
from huisuan.programmes.checks.subject import CheckSubject
from huisuan.programmes.credit.register import credit_on, is_barring
from huisuan.programmes.models import Application, ApplicationCheck, CheckKind
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.submissions.content import latest_submissions

_LONGEST_REASON = 2000


def store_round(
    application: Application, person: Person, now: datetime, holdings: HoldingsOn
) -> list[ApplicationCheck]:
    """Ask everything of an application, which is locked, and keep the answers."""
    subject = CheckSubject(application, application.submissions.last(), holdings.day, holdings)
    before = application.check_answers.aggregate(last=Max("round"))["last"] or 0
    findings = [check(subject) for check in APPLICATION_CHECKS]
    return ApplicationCheck.objects.bulk_create(
        ApplicationCheck(
            application=application, submission=subject.submission, round=before + 1, kind=found.kind.value,
            passed=found.passed, reason=shortened(found.reason, _LONGEST_REASON), saw=dict(found.saw), by=person,
            at=now,
        )
        for found in findings
    )  # fmt: skip


def last_round(application: Application) -> list[ApplicationCheck]:
    """The answers of the newest round, in their order; none where nobody asked."""
    last = application.check_answers.aggregate(last=Max("round"))["last"]
    return list(application.check_answers.filter(round=last).select_related("submission", "by").order_by("pk"))


def _last_rounds(applications: Sequence[Application]) -> dict[int, list[ApplicationCheck]]:
    """By application the answers of its newest round, in their order."""
    found: dict[int, list[ApplicationCheck]] = {}
    for answer in ApplicationCheck.objects.filter(application__in=applications).defer("saw", "reason").order_by("pk"):
        kept = found.setdefault(answer.application_id, [])
        if kept and kept[-1].round != answer.round:
            kept.clear()
        kept.append(answer)
    return found


def are_checked(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What was handed in has a stored round of its present version; who checks says why, where it fails or is found."""
    refused: dict[int, Refused] = {}
    handed_in = [one for one in applications if one.call_id is not None]
    offered = [one for one in applications if one.call_id is None]
    rounds, submissions = _last_rounds(handed_in), latest_submissions(handed_in)
    for one in handed_in:
        answers, submission = rounds.get(one.pk, []), submissions.get(one.pk)
        if submission is None or not answers or answers[0].submission_id != submission.pk:
            refused[one.pk] = Conflict(
                f"{one.number}：现在这一版还没有核对过；请先办 huisuan application check {one.number}",
                code="check.not_stored",
            )
        elif not asked.reason.strip() and (open_answers := [answer for answer in answers if not answer.passed]):
            failed = [CheckKind(answer.kind).label for answer in open_answers if answer.passed is False]
            found = [CheckKind(answer.kind).label for answer in open_answers if answer.passed is None]
            refused[one.pk] = _needs_reason(one, failed, found)
    if not asked.reason.strip():
        standing = _standing(offered, asked) if offered else {}
        refused |= {one.pk: _needs_reason(one, *said) for one in offered if any(said := standing[one.pk])}
    return refused


def _standing(offered: Sequence[Application], asked: AskedStep) -> dict[int, tuple[list[str], list[str]]]:
    """Of what was offered, what its user is barred by and what is found: what was computed needs no other check."""
    day = asked.now.astimezone(SHANGHAI).date()
    entries = credit_on([one.party_id for one in offered if one.party_id], day)
    barred = {entry.party_id for entry in entries if is_barring(entry)}
    listed = {entry.party_id for entry in entries} - barred
    owing = {debt.party_id for debt in standing_debts(offered)}
    credit, debts = CheckKind.CREDIT.label, CheckKind.DEBTS.label
    return {
        one.pk: (
            [credit] if one.party_id in barred else [],
            [word for word, parties in ((credit, listed), (debts, owing)) if one.party_id in parties],
        )
        for one in offered
    }


def _needs_reason(application: Application, failed: Sequence[str], found: Sequence[str]) -> InvalidRequest:
    if not failed:
        return InvalidRequest(
            f"{application.number}：{'、'.join(found)}有情况，请写明理由答复后核验", code="check.answer_missing"
        )
    return InvalidRequest(
        f"{application.number}：{'、'.join(failed)}没有通过；仍核验通过的须写明理由，否则退回补正或不予支持",
        code="check.reason_missing",
    )
