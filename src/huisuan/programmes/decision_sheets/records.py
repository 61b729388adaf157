"""Frozen sheets: stored, read back as they were, and the lines that count now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Max, OuterRef, QuerySet, Subquery

from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Call, FrozenLine, FrozenSheet
from huisuan.programmes.review.ranking import DecisionSheet


def last_sheet(call: Call) -> FrozenSheet | None:
    """The frozen sheet of a call that counts; None: not frozen yet."""
    return FrozenSheet.objects.filter(call=call).order_by("-number").first()


def last_lines() -> QuerySet[FrozenLine]:
    """The lines of the sheets that count, of all calls."""
    newest = FrozenSheet.objects.filter(call=OuterRef("sheet__call")).order_by().values("call")
    return FrozenLine.objects.filter(sheet__number=Subquery(newest.annotate(last=Max("number")).values("last")))


def sheet_lines_of(applications: Sequence[Application]) -> dict[int, FrozenLine]:
    """By application the line that counts; none where its call has no frozen sheet, or it fell out."""
    return {line.application_id: line for line in last_lines().filter(application__in=list(applications))}


def store_sheet(call: Call, sheet: DecisionSheet, number: int, reason: str, by: Person, at: datetime) -> FrozenSheet:
    """Keep a sheet whole, and a line for each application."""
    made = FrozenSheet.objects.create(
        call=call, number=number, budget_fen=sheet.terms.budget_fen, content=sheet.to_dict(), digest=sheet.digest,
        reason=reason[:200], by=by, at=at,
    )  # fmt: skip
    ids = dict(Application.objects.filter(call=call).values_list("number", "pk"))
    FrozenLine.objects.bulk_create(
        FrozenLine(
            sheet=made, application_id=ids[line.application.key], rank=line.rank, status=line.status.value,
            score=str(line.application.score), owed_fen=line.application.owed_fen, funded_fen=line.funded_fen,
        )
        for line in sheet.lines
    )  # fmt: skip
    return made
