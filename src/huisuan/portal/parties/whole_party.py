"""A party on one page: its money year by year, its claims, what stands on registers and lists, who is tied to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.documents.models import Document
from huisuan.documents.queries import list_documents
from huisuan.parties.models import Party, Relation
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.application_desk import FLAG_WORDS
from huisuan.portal.programmes.words import EXPERT_TIES, application_state, programme_title
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.list_filters import first_rows
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.visible import compute
from huisuan.portal.whole.happenings import (
    HappeningSource,
    entries_about,
    of_documents,
    of_entries,
    of_flags,
    of_relations,
    of_steps,
    of_ties,
    of_versions,
)
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.credit.register import credit_on
from huisuan.programmes.models import (
    Application,
    ApplicationFlag,
    ApplicationStep,
    CreditEffect,
    CreditEntry,
    ExpertEntry,
    ExpertTie,
    RegisterVersion,
)
from huisuan.programmes.registers.queries import list_registers
from huisuan.programmes.workflow.queries import visible_applications

_SHOWN = 20  # of each list; the whole one is a click away
_EFFECTS: dict[str, Text] = {CreditEffect.BARS.value: _("不得享受"), CreditEffect.NOTE.value: _("提示")}


@dataclass
class YearOfMoney:
    """What a year came to, in fen: `claimed_back_fen` is what of the paid had to come back, `left_fen` still has to."""

    year: int
    spend_fen: int = 0
    owed_fen: int = 0
    granted_fen: int = 0
    paid_fen: int = 0
    claimed_back_fen: int = 0
    left_fen: int = 0


@dataclass(frozen=True)
class TiedExpert:
    """An expert who is employed at a party or tied to it, from a day until a day (not in it; None: still)."""

    number: int
    name: str
    tie: Text
    starts: date
    ends: date | None


@dataclass(frozen=True)
class WholeParty:
    """What the offices know of a party besides the register; each list is cut, with its whole length beside it."""

    years: Sequence[YearOfMoney]
    sums: YearOfMoney
    applications: Sequence[tuple[Application, str, Word]]
    applications_count: int
    applications_link: str
    things: Sequence[RegisterVersion]  # on which register, in what version
    more_things: int
    credit: Sequence[tuple[CreditEntry, Text]]
    flags: Sequence[tuple[ApplicationFlag, Text]]
    more_flags: int
    documents: Sequence[Document]
    more_documents: int
    experts: Sequence[TiedExpert] | None  # None: not for this reader


def read_whole_party(party: Party, viewer: Viewer, today: date) -> WholeParty:
    """All of it, as far as the reader may see."""
    applications = list(visible_applications(viewer).filter(party=party).order_by("-year", "-number"))
    years = _years(party, viewer, applications)
    inside = viewer.sees_everything  # flags and the ties of experts
    things, more_things = first_rows(_things(party), _SHOWN)
    flags, more_flags = first_rows(_open_flags(applications), _SHOWN) if inside else ([], 0)
    documents, more_documents = first_rows(list_documents(viewer).filter(party=party).order_by("-issued_at"), _SHOWN)
    return WholeParty(
        years,
        _added(years),
        [
            (each, programme_title(each.edition), application_state(each.state, viewer.role))
            for each in applications[:_SHOWN]
        ],
        len(applications),
        f"{reverse('applications')}?q={party.uscc}",
        things,
        more_things,
        [(each, _EFFECTS[each.effect]) for each in credit_on([party.pk], today)],
        [(each, FLAG_WORDS[each.kind]) for each in flags],
        more_flags,
        documents,
        more_documents,
        _experts(party, today) if inside else None,
    )


def party_sources(party: Party, viewer: Viewer) -> list[HappeningSource]:
    """Where what happened about a party is read, as far as the reader may see it."""
    applications = visible_applications(viewer).filter(party=party).values("pk")
    sources = [
        of_steps(ApplicationStep.objects.filter(application__in=applications)),
        of_entries(entries_about(party=party)),
        of_documents(list_documents(viewer).filter(party=party)),
        of_versions(RegisterVersion.objects.filter(holder=party), list_registers()),
        of_relations(Relation.objects.filter(Q(owner=party) | Q(owned=party))),
    ]
    if viewer.sees_everything:
        sources.append(of_flags(ApplicationFlag.objects.filter(application__in=applications)))
        sources.append(of_ties(ExpertTie.objects.filter(party=party)))
    return sources


def _things(party: Party) -> QuerySet[RegisterVersion]:
    standing = RegisterVersion.objects.filter(holder=party, standing_for__isnull=False)
    return standing.select_related("entry").order_by("entry__policy", "entry__register", "entry__code")


def _open_flags(applications: Sequence[Application]) -> QuerySet[ApplicationFlag]:
    waiting = ApplicationFlag.objects.filter(application__in=applications, answered_at__isnull=True)
    return waiting.select_related("application").order_by("-raised_at")


def _years(party: Party, viewer: Viewer, applications: Sequence[Application]) -> list[YearOfMoney]:
    found: defaultdict[int, YearOfMoney] = defaultdict(lambda: YearOfMoney(0))
    bills = compute.bills_of_newest_runs(viewer).filter(party=party)
    owed = compute.entitlements_of_newest_runs(viewer).filter(party=party)
    for year, fen in _by_year(bills, "amount_fen"):
        found[year].spend_fen = fen
    for year, fen in _by_year(owed, Coalesce("payable_fen", "amount_fen")):
        found[year].owed_fen = fen
    awards, commitments = standing_awards(applications), commitments_of(applications)
    for one in applications:
        row, of_one = found[one.year], commitments.get(one.pk, [])
        so_far = paid_so_far(of_one)
        row.granted_fen += awards[one.pk].amount_fen if one.pk in awards else 0
        row.paid_fen += so_far.paid_fen
        row.claimed_back_fen += so_far.claimed_fen
        row.left_fen += sum(debt.account.balance for each in of_one for debt in each.debts.all())
    for year, row in found.items():
        row.year = year
    return [found[year] for year in sorted(found, reverse=True)]


def _by_year(rows: QuerySet[Any], amount: str | Coalesce) -> Iterator[tuple[int, int]]:
    yield from rows.order_by().values_list("run__year").annotate(fen=Sum(amount))


def _added(years: Sequence[YearOfMoney]) -> YearOfMoney:
    sums = YearOfMoney(0)
    for row in years:
        for name, fen in vars(row).items():
            if name != "year":
                setattr(sums, name, getattr(sums, name) + fen)
    return sums


def _experts(party: Party, today: date) -> list[TiedExpert]:
    ties = ExpertTie.objects.filter(party=party, known_from__lte=today).select_related("expert__person")
    found = [
        TiedExpert(tie.expert_id, tie.expert.person.name, EXPERT_TIES[tie.kind], tie.starts, tie.ends) for tie in ties
    ]
    known = ExpertEntry.objects.filter(known_from__lte=today).order_by("expert_id", "-known_from", "-pk")
    newest = known.distinct("expert_id").values("pk")  # an entry of another employer takes the place of this one
    employed = ExpertEntry.objects.filter(pk__in=newest, employer=party).select_related("expert__person")
    still = employed.filter(Q(active_until__isnull=True) | Q(active_until__gt=today))
    found += [
        TiedExpert(each.expert_id, each.expert.person.name, _("任职"), each.active_from, each.active_until)
        for each in still
    ]
    return sorted(found, key=lambda each: (each.name, each.starts))
