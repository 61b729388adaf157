"""Ties and relations that were entered after somebody acted: what would have been refused had they been known.

What holds on the day of a step or of a score sheet, as it is known now, is compared with who took it. Each finding is a
flag on the application, answered with a reason by somebody else than the person whom it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty, State
from huisuan.parties.relation_history import relations_known
from huisuan.programmes.flags.raised import FoundFlag, store_flags
from huisuan.programmes.models import ApplicationFlag, ApplicationStep, ExpertTie, FlagReason, ScoreSheet
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import EXCLUSION_NAMES, Exclusion, ReviewedApplication, find_exclusion
from huisuan.programmes.review.plan import plan_of

_OVER = (State.DRAFT.value, State.REFUSED.value, State.WITHDRAWN.value)
_ANY_LOAD = 1 << 30


@transaction.atomic
def look_back(now: datetime) -> list[ApplicationFlag]:
    """Raise what is known today and was not when somebody acted; returns what is new."""
    today = now.astimezone(SHANGHAI).date()
    return store_flags([*_steps_of_tied(), *_steps_of_related(today), *_sheets_of_tied(today)], now)


def _steps_of_tied() -> Iterator[FoundFlag]:
    """Official steps by people of the pool who had a tie to the applicant that day, entered later."""
    acted = _official_steps().filter(person__expert__ties__party=F("application__party"))
    for step in acted.annotate(tie=F("person__expert__ties")):
        tie = ExpertTie.objects.get(pk=step.tie)
        day = _day(step.at)
        if tie.starts <= day and (tie.ends is None or day < tie.ends) and tie.at > step.at:
            yield _of_step(step, {"tie": tie.kind, "starts": tie.starts.isoformat(), "entered_at": _shown(tie.at)})


def _steps_of_related(today: date) -> Iterator[FoundFlag]:
    """Official steps by people whose own party had a relation with the applicant that day, entered later."""
    acted = _official_steps().filter(person__party__isnull=False, application__party__isnull=False)
    pairs: dict[tuple[int, int], list[ApplicationStep]] = defaultdict(list)
    for step in acted:
        assert step.person.party_id is not None  # filtered
        assert step.application.party_id is not None
        pairs[step.person.party_id, step.application.party_id].append(step)
    parties = {party for pair in pairs for party in pair}
    for held in relations_known(today).filter(owner__in=parties, owned__in=parties):
        for key in ((held.owner_id, held.owned_id), (held.owned_id, held.owner_id)):
            for step in pairs.get(key, ()):
                day = _day(step.at)
                holds = held.valid_from <= day and (held.valid_to is None or day < held.valid_to)
                if holds and held.at > step.at:
                    yield _of_step(
                        step,
                        {
                            "tie": "relation", "starts": held.valid_from.isoformat(), "entered_at": _shown(held.at)
                        },
                    )  # fmt: skip


def _sheets_of_tied(today: date) -> Iterator[FoundFlag]:
    """Sheets of experts who, by what is known today, could not have reviewed on the day on which they sent them."""
    sent = ScoreSheet.objects.filter(seat__end__isnull=True).exclude(seat__application__state__in=_OVER)
    together: dict[tuple[date, int], list[ScoreSheet]] = defaultdict(list)
    for sheet in sent.select_related("seat__application__party", "seat__application__edition",
                                     "seat__application__call__edition", "seat__expert__person"):  # fmt: skip
        years = plan_of(sheet.seat.application).tie_years
        together[_day(sheet.at), years].append(sheet)
    for (day, years), sheets in together.items():
        parties = [sheet.seat.application.party for sheet in sheets if sheet.seat.application.party is not None]
        sides = load_applicant_sides(parties, day, as_known=today)
        names = {sheet.seat.expert.person.username for sheet in sheets}
        people = {each.key: each for each in load_drawn_experts(sides.values(), day, years, {}, names, as_known=today)}
        for sheet in sheets:
            application, person = sheet.seat.application, sheet.seat.expert.person
            if application.party_id is None or person.username not in people:
                continue
            side = sides[application.party_id]
            row = ReviewedApplication(application.number, "", side.parties, side.city)
            bar = find_exclusion(row, people[person.username], _ANY_LOAD)
            if bar in (Exclusion.TIE, Exclusion.CONTROL):
                yield FoundFlag(
                    FlagReason.LATE_RELATION, application, f"sheet {person.username}",
                    saw={
                        "person": person.username, "act": "score", "at": _shown(sheet.at), "known_on":
                        today.isoformat(), "tie": bar.value, "why": EXCLUSION_NAMES[bar],
                    },
                )  # fmt: skip


def _official_steps() -> QuerySet[ApplicationStep]:
    acted = ApplicationStep.objects.exclude(duty=Duty.APPLY.value).exclude(application__state__in=_OVER)
    return acted.select_related("application", "person")


def _of_step(step: ApplicationStep, tie: dict[str, str]) -> FoundFlag:
    saw = {"person": step.person.username, "act": step.action, "step": step.number, "at": _shown(step.at)} | tie
    return FoundFlag(FlagReason.LATE_RELATION, step.application, f"step {step.number}", saw=saw)


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()
