"""What happened, whatever it was about: one row of a timeline, and where such rows come from.

Each source reads the newest rows of one kind only, as many as are asked for: a timeline merges what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.documents.models import Document
from huisuan.law.policy import Policy
from huisuan.law.procedure import RegisterSpec
from huisuan.parties.models import Person, Relation
from huisuan.portal.programmes.application_desk import FLAG_WORDS
from huisuan.portal.programmes.words import action_label, duty_label, programme_title
from huisuan.portal.registers.field_words import register_title
from huisuan.portal.treasury.words import ENTRY_WORDS
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.state_labels import local_name
from huisuan.programmes.models import ApplicationFlag, ApplicationStep, Award, ExpertTie, Post, RegisterVersion
from huisuan.treasury.models import CityPayment, Commitment, Debt, Entry, Posting


@dataclass(frozen=True)
class Happening:
    """One thing that happened: when, what, about which thing (`title` in the reader's language), by whom.

    `said` is what somebody wrote of it, as it was written; `fen` what it moved, None where nothing did.
    """

    at: datetime
    what: Text
    title: Text
    said: str = ""
    href: str = ""
    fen: int | None = None
    by: str = ""


#: the award whose money an entry moves
_AWARD = Coalesce(
    "commitment__award", "released__commitment__award", "order__instalment__commitment__award",
    "order_ended__instalment__commitment__award", "debt_made__commitment__award",
)  # fmt: skip
#: the newest happenings of one kind, at most so many
HappeningSource = Callable[[int], Iterable[Happening]]


def of_steps(steps: QuerySet[ApplicationStep]) -> HappeningSource:
    """Steps of applications."""
    rows = steps.select_related("application__edition", "person").order_by("-at", "-pk")
    return lambda most: (
        Happening(
            row.at, action_label(row.action), f"{row.application.number} {programme_title(row.application.edition)}",
            row.reason, reverse("application", args=[row.application.number]), row.amount_fen, row.person.name,
        )
        for row in rows[:most]
    )  # fmt: skip


def of_entries(entries: QuerySet[Entry]) -> HappeningSource:
    """Entries of the treasury's books, each with what it moved and the application whose money it is."""
    credits = Posting.objects.filter(entry=OuterRef("pk"), amount_fen__gt=0).order_by().values("entry")
    rows = entries.annotate(moved=Subquery(credits.annotate(all=Sum("amount_fen")).values("all")), award=_AWARD)
    rows = rows.order_by("-at", "-pk")

    def read(most: int) -> Iterable[Happening]:
        found = list(rows[:most])
        awards = Award.objects.filter(key__in={getattr(row, "award", None) for row in found})
        numbers = dict(awards.values_list("key", "application__number"))
        names = dict(Person.objects.filter(username__in={row.by for row in found}).values_list("username", "name"))
        for row in found:
            number = numbers.get(getattr(row, "award", None) or "", "")
            where = reverse("application", args=[number]) if number else ""
            title, by = number or row.key, names.get(row.by, row.by)
            yield Happening(row.at, ENTRY_WORDS[row.kind], title, row.reason, where, getattr(row, "moved", None), by)

    return read


def entries_about(**whose: Any) -> QuerySet[Entry]:
    """The entries that move the money of a party or a city (`party=`, `city=`): promised, ordered, paid, come back."""
    promised, owed = Commitment.objects.filter(**whose).values("pk"), Debt.objects.filter(**whose)
    instalments = {
        "released__commitment__in": promised, "order__instalment__commitment__in": promised,
        "order_ended__instalment__commitment__in": promised, "commitment__in": promised,
        "debt_made__in": owed.values("pk"),
    }  # fmt: skip
    found = Q(pk__in=Posting.objects.filter(account__in=owed.values("account")).values("entry"))
    for path, those in instalments.items():
        found |= Q(**{path: those})
    return Entry.objects.filter(found)


def of_documents(documents: QuerySet[Document]) -> HappeningSource:
    """Documents that were issued."""
    rows = documents.select_related("series", "issued_by").order_by("-issued_at", "-pk")
    return lambda most: (
        Happening(
            row.issued_at, _("公文"), row.full_number, row.title, reverse("document", args=[row.code]),
            by=row.issued_by.name,
        )
        for row in rows[:most]
    )  # fmt: skip


def of_flags(flags: QuerySet[ApplicationFlag]) -> HappeningSource:
    """Flags on applications: raised, and answered."""
    rows = flags.select_related("application", "answered_by")

    def read(most: int) -> Iterable[Happening]:
        for row in rows.order_by("-raised_at")[:most]:
            where = reverse("application", args=[row.application.number])
            yield Happening(row.raised_at, _("疑点"), FLAG_WORDS[row.kind], row.application.number, where)
        for row in rows.filter(answered_at__isnull=False).order_by("-answered_at")[:most]:
            where, by = reverse("application", args=[row.application.number]), row.answered_by
            assert row.answered_at is not None
            yield Happening(
                row.answered_at, _("疑点已答复"), FLAG_WORDS[row.kind], f"{row.application.number} {row.reason}", where,
                by=by.name if by else "",
            )  # fmt: skip

    return read


def of_versions(versions: QuerySet[RegisterVersion], specs: Iterable[tuple[Policy, RegisterSpec]]) -> HappeningSource:
    """What registers came to say."""
    titles = {(policy.name, spec.key): register_title(spec) for policy, spec in specs}
    rows = versions.select_related("entry", "by").order_by("-at", "-pk")

    def read(most: int) -> Iterable[Happening]:
        for row in rows[:most]:
            key = row.entry.policy, row.entry.register
            where = reverse("register-entry", args=[*key, row.entry.code]) if key in titles else ""
            what: Text = _("名录撤下") if row.ended else _("名录更正") if row.number > 1 else _("列入名录")
            said = f"{row.entry.code} {row.name} {row.reason}".strip()
            yield Happening(row.at, what, titles.get(key, key[1]), said, where, by=row.by.name)

    return read


def of_ties(ties: QuerySet[ExpertTie]) -> HappeningSource:
    """Ties of experts, as they became known."""
    rows = ties.select_related("expert__person", "party").order_by("-at", "-pk")
    return lambda most: (
        Happening(
            row.at, _("专家的关联"), local_name(row.party), row.expert.person.name,
            reverse("whole-expert", args=[row.expert_id]), by=row.by,
        )
        for row in rows[:most]
    )  # fmt: skip


def of_relations(relations: QuerySet[Relation], opens: Collection[int] | None = None) -> HappeningSource:
    """Relations between parties, as they became known; each links to its party if that is among `opens` (None: any)."""
    rows = relations.select_related("owner", "owned").order_by("-at", "-pk")
    return lambda most: (
        Happening(
            row.at, _("关联关系"), f"{local_name(row.owner)} → {local_name(row.owned)}", row.source,
            reverse("party", args=[row.owned.uscc]) if opens is None or row.owned_id in opens else "", by=row.by,
        )
        for row in rows[:most]
    )  # fmt: skip


def of_city_payments(payments: QuerySet[CityPayment]) -> HappeningSource:
    """Vouchers of a city, as they were entered."""
    rows = payments.order_by("-at", "-pk")
    return lambda most: (
        Happening(
            row.at, _("市级拨付"), row.voucher, row.project, reverse("city-payment", args=[row.pk]), row.amount_fen,
            row.by,
        )
        for row in rows[:most]
    )  # fmt: skip


def of_post_changes(posts: QuerySet[Post]) -> HappeningSource:
    """Posts, given and ended."""
    rows = posts.select_related("person", "given_by", "ended_by", "office")

    def read(most: int) -> Iterable[Happening]:
        for row in rows.order_by("-given_at")[:most]:
            where = reverse("post", args=[row.pk])
            yield Happening(row.given_at, _("任职"), duty_label(row.duty), row.person.name, where, by=row.given_by.name)
        for row in rows.filter(ended_at__isnull=False).order_by("-ended_at")[:most]:
            assert row.ended_at is not None
            assert row.ended_by is not None
            where = reverse("post", args=[row.pk])
            yield Happening(
                row.ended_at, _("岗位结束"), duty_label(row.duty), row.person.name, where, by=row.ended_by.name
            )

    return read
