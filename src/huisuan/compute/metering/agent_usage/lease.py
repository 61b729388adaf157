"""What the platform knows of a job's placement at a centre, and of the names of its cards. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from huisuan.compute.accelerators import CARD_FAMILIES, Card, is_of_family, name_words


@dataclass(frozen=True, slots=True)
class Lease:
    """One placement of a job at the centre, with what stays the same for all its records; times in UTC seconds.

    `placed` and `until` by the platform's clock; `until` None: the run is not over, as far as the platform knows.
    """

    uid: str
    lease: int
    run: int
    placed: int
    until: int | None
    accelerator: int
    cards: int
    partition: str
    user: str
    party_id: int
    party: str
    array_index: int | None
    submitted: int
    model: str


@dataclass(frozen=True)
class Leases:
    """The leases of the jobs that some lines speak of, by uid and number; and the cards, by id."""

    here: dict[tuple[str, int], Lease]
    elsewhere: dict[str, str]  # uid -> why it has none here
    cards: dict[int, Card]
    local_names: frozenset[tuple[int, str]]  # accelerator, name: what the centre's scheduler calls it
    may: dict[tuple[str, int], bool] = field(default_factory=dict)  # answers of `may_mean`

    def of(self, uid: str, lease: int) -> Lease | str:
        """The lease, or why there is none."""
        return self.here.get((uid, lease)) or self.elsewhere.get(uid) or f"作业 {uid} 没有第 {lease} 次调度到本中心"

    def may_mean(self, local: str, accelerator: int) -> bool:
        """Whether a scheduler's name for a card can stand for this model: given to it here, its own, or a bare gpu."""
        known = self.may.get((local, accelerator))
        if known is None:
            known = self.may[local, accelerator] = self._may_mean(local.lower(), self.cards[accelerator])
        return known

    def _may_mean(self, name: str, card: Card) -> bool:
        if not name or (card.id, name) in self.local_names:
            return True
        if name in CARD_FAMILIES:
            return is_of_family(card, name)
        return "".join(name_words(name)) == "".join(name_words(card.model)) or card.answers_to(name)
