"""Who owned or controlled whom, read from the register as it was known on a day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property

from django.db.models import Q, QuerySet

from huisuan.parties.affiliation import OwnershipRelation, find_related
from huisuan.parties.models import Relation

_COLUMNS = ("owner__uscc", "owned__uscc", "share_permille", "control", "valid_from", "valid_to")


def latest_statements(as_known: date) -> QuerySet[Relation]:
    """Of each relation (owner, owned, first day) what was known of it last by a day, those withdrawn among them."""
    newest = Relation.objects.filter(known_from__lte=as_known)
    key = ("owner_id", "owned_id", "valid_from")
    newest = newest.order_by(*key, "-known_from", "-pk").distinct(*key)
    return Relation.objects.filter(pk__in=newest.values("pk"))


def relations_known(as_known: date) -> QuerySet[Relation]:
    """The relations that were known by a day, each as it was known."""
    return latest_statements(as_known).filter(withdrawn=False)


def load_holdings(starts: date, ends: date, as_known: date) -> list[OwnershipRelation]:
    """The relations that hold on some day of [starts, ends), as known on a day, by owner, owned and first day."""
    found = relations_known(as_known).filter(valid_from__lt=ends).exclude(valid_to__lte=starts)
    rows = found.order_by("owner__uscc", "owned__uscc", "valid_from").values_list(*_COLUMNS)
    return [OwnershipRelation(*row) for row in rows]


class HoldingsOn:
    """The relations that hold on a day, as known that day: read once, when they are first asked for."""

    def __init__(self, day: date) -> None:
        self.day = day

    @cached_property
    def relations(self) -> list[OwnershipRelation]:
        """By owner, owned and first day."""
        return load_holdings(self.day, self.day + timedelta(days=1), self.day)

    def may_belong_to(self, uscc: str) -> frozenset[str]:
        """Who belongs together with a party; of whom the register says nothing belongs to nobody."""
        named = Relation.objects.filter(Q(owner__uscc=uscc) | Q(owned__uscc=uscc))
        return find_related(self.relations, uscc) if named.exists() else frozenset()
