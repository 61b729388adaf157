"""What a city gets of a budget that is shared out by a published score: computed from the newest frozen figures.

The budget is the one that is adopted; where none is published, what is appropriated on the sentence's line of the year,
else of the year after. Figures that are frozen again make a new edition: what stands is re-based, or taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huisuan.base.errors import Refused
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.programmes.awards.committing import budget_lines
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.models import OVER_STATES, Application, Award
from huisuan.programmes.registers.city_award import CityAward, award_cities, list_editions
from huisuan.treasury.models import Account, AccountKind

_Pool = tuple[str, str, int]  # policy, rule, year


@dataclass(frozen=True)
class Allotted:
    """What an application is owed of its year's budget now, in fen, and by which edition of the figures."""

    fen: int
    edition: int


def load_allotted(applications: Sequence[Application]) -> dict[int, Allotted]:
    """By application; only of those of a city under a rule that shares a budget out, once the figures are frozen.

    Several of one city and year share its amount: who was granted first keeps it, the others get what is left.
    """
    asked = [one for one in applications if one.city_id is not None and _shares_out(one)]
    pools: dict[_Pool, CityAward | None] = {}
    for one in asked:
        if _pool(one) not in pools:
            pools[_pool(one)] = _award(one)
    found = {}
    for one in asked:
        award = pools[_pool(one)]
        if award is not None:
            whole = award.amounts.get(one.city_id or "", 0)
            found[one.pk] = Allotted(_left(one, whole), award.edition.number)
    return found


def allotted_amounts(applications: Sequence[Application]) -> Mapping[int, int]:
    """What the newest figures give each, in fen."""
    return {pk: one.fen for pk, one in load_allotted(applications).items()}


def because_of_figures(application: Application, since: datetime) -> str:
    """The edition of the figures that was frozen since: what the treasury's entry names; empty where none was."""
    if application.city_id is None or not _shares_out(application):
        return ""
    edition = application.edition
    editions = list_editions(edition.policy, edition.rule_key, str(application.year))
    if not editions or max(row.at for row in editions[-1].frozen.values()) <= since:
        return ""
    return f"{application.year} 年数字第 {editions[-1].number} 版"


def _shares_out(application: Application) -> bool:
    try:
        load_policy(application.edition.policy).allotment(application.edition.rule_key)
    except LawError:
        return False
    return True


def _pool(application: Application) -> _Pool:
    return application.edition.policy, application.edition.rule_key, application.year


def _award(application: Application) -> CityAward | None:
    policy, rule, year = _pool(application)
    try:
        return award_cities(policy, rule, str(year), known=date.max, budget_fen=_appropriated(application))
    except (LawError, Refused):  # no figures yet, a weight that nobody set, a budget that nobody set
        return None


def _appropriated(application: Application) -> int | None:
    """What is appropriated for it, in fen; None where the budget is adopted as a setting, or nothing is."""
    law = load_policy(application.edition.policy)
    spec = law.allotment(application.edition.rule_key).budget
    if spec.name in law.adopted(min(date(application.year, 12, 31), law.valid_to), date.max):
        return None
    for year in (application.year, application.year + 1):
        line = budget_lines([application], year).get(application.pk)
        if line is not None:
            account = Account.objects.filter(line=line, kind=AccountKind.APPROPRIATED).first()
            return -account.balance if account is not None and account.balance else None
    return None


def _left(application: Application, whole: int) -> int:
    """The city's amount less what others of it were granted before; over, no more than was granted."""
    others = Application.objects.filter(
        city=application.city_id, year=application.year, edition__policy=application.edition.policy,
        edition__key=application.edition.key,
    ).exclude(state__in=OVER_STATES)  # fmt: skip
    living = list(others.order_by("pk"))
    awards = standing_awards(living)
    firsts = Award.objects.filter(application__in=living, number=1)
    turns = dict(firsts.values_list("application_id", "pk"))
    own, granted = turns.get(application.pk), awards.get(application.pk)
    before = sum(
        awards[one.pk].amount_fen
        for one in living
        if one.pk != application.pk and one.pk in awards and (own is None or turns[one.pk] < own)
    )
    if granted is None and any(one.pk < application.pk and one.pk not in awards for one in living):
        return 0  # the one that was begun before it takes what there is
    left = max(0, whole - before)
    over = State(application.state) in CLOSING_STATES or application.state == State.IN_RECOVERY
    return min(left, granted.amount_fen) if granted is not None and over else left
