"""To whom the holder of an entry is tied: other parties, experts, and people of the office that keeps the register."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.law.procedure import RegisterSpec
from huisuan.parties.models import Party
from huisuan.parties.relation_history import relations_known
from huisuan.portal.programmes.words import EXPERT_TIES
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.state_labels import local_name
from huisuan.programmes.models import ExpertTie, Post, RegisterVersion
from huisuan.programmes.offices.services import every_post_in_force


@dataclass(frozen=True)
class HolderTie:
    """Somebody to whom a holder is tied: who, how, from a day until a day (not in it; None: still)."""

    name: str
    href: str
    how: Text
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True)
class HolderTies:
    """Those of ever, with their days; `officials` hold a post today where the register is kept, and are tied today."""

    parties: Sequence[HolderTie]
    experts: Sequence[HolderTie]
    officials: Sequence[HolderTie]


def load_holder_ties(spec: RegisterSpec, version: RegisterVersion, today: date) -> HolderTies | None:
    """Those of an entry's holder, as known today; None: the entry has none."""
    holder = version.holder
    if holder is None:
        return None
    related = list(relations_known(today).filter(Q(owner=holder) | Q(owned=holder)).select_related("owner", "owned"))
    ties = list(
        ExpertTie.objects.filter(party=holder, known_from__lte=today)
        .select_related("expert__person")
        .order_by("starts", "pk")
    )
    parties = []
    for one in related:
        other, how = (one.owned, _("持有或控制")) if one.owner_id == holder.pk else (one.owner, _("被持有或控制"))
        parties.append(HolderTie(local_name(other), _party(other), how, one.valid_from, one.valid_to))
    now = [one for one in related if _holds(one.valid_from, one.valid_to, today)]
    near = {holder.pk, *(side for one in now for side in (one.owner_id, one.owned_id))}
    posts = every_post_in_force(today).filter(office__name=spec.office).select_related("person__party")
    experts = [
        HolderTie(
            tie.expert.person.name, reverse("whole-expert", args=[tie.expert_id]), EXPERT_TIES[tie.kind], tie.starts,
            tie.ends,
        )
        for tie in ties
    ]  # fmt: skip
    held = [tie for tie in ties if _holds(tie.starts, tie.ends, today)]
    return HolderTies(parties, experts, list(_officials(posts, held, near)))


def _holds(starts: date, ends: date | None, today: date) -> bool:
    return starts <= today and (ends is None or ends > today)


def _officials(posts: Iterable[Post], ties: Sequence[ExpertTie], near: set[int]) -> Iterator[HolderTie]:
    by_person: dict[int, list[ExpertTie]] = {}
    for tie in ties:
        by_person.setdefault(tie.expert.person_id, []).append(tie)
    for person in {post.person_id: post.person for post in posts}.values():
        for tie in by_person.get(person.pk, ()):
            yield HolderTie(
                person.name, reverse("whole-expert", args=[tie.expert_id]), EXPERT_TIES[tie.kind], tie.starts, tie.ends
            )
        if person.party is not None and person.party_id in near:
            yield HolderTie(person.name, _party(person.party), _("任职"))


def _party(party: Party) -> str:
    return reverse("party", args=[party.uscc])
