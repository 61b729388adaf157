"""Which cards a job held, from Slurm's AllocTRES. Pure.

AllocTRES says what was given, ReqTRES what was asked for: only the first is ever metered. A card's model may stand
in the key (`gres/gpu:a800`), beside the bare key (`gres/gpu`) that counts the same cards again, or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from huisuan.compute.accelerators.names import (
    CARD_FAMILIES,
    CARD_WORDS,
    Card,
    CardNames,
    PartOfCard,
    Unmetered,
    part_unmetered,
)
from huisuan.compute.accelerators.parts import part_of
from huisuan.protocol.agent import HUGE_CARDS

_USAGE = frozenset({"gpumem", "gpuutil"})  # how a card was used, which Slurm accounts beside it


def count_cards(tres: str) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Accelerators of a TRES text: bare counts by family, and counts by family and local name.

    Raises:
        Unmetered: a fraction of a card, or a count that is no whole number of cards.
    """
    bare: dict[str, int] = {}
    typed: dict[str, dict[str, int]] = {}
    for item in filter(None, tres.split(",")):
        key, _, amount = item.partition("=")
        if not key.startswith("gres/"):
            continue
        family, _, local = key.removeprefix("gres/").lower().partition(":")
        if family in _USAGE:
            continue
        if amount not in ("", "0") and (what := part_of(family)):
            raise PartOfCard(part_unmetered(item, what), code="card.part_of_card")
        if family not in CARD_FAMILIES:
            continue
        cards = parse_card_count(item, amount)
        if not local:
            bare[family] = cards
        elif cards:
            names = typed.setdefault(family, {})
            names[local] = names.get(local, 0) + cards
    return bare, typed


def other_gres(tres: str) -> dict[str, int]:
    """Generic resources of a TRES text that are no family of accelerators, by `name` or `name:type`; zeros left out."""
    found: dict[str, int] = {}
    for item in tres.split(","):
        key, _, amount = item.partition("=")
        name = key.removeprefix("gres/").lower()
        if key.startswith("gres/") and name.partition(":")[0] not in CARD_FAMILIES and amount not in ("", "0"):
            found[name] = int(amount) if re.fullmatch(r"[0-9]{1,12}", amount) else 0
    return found


def is_card_name(name: str, names: CardNames) -> bool:
    """Whether a generic resource can only be an accelerator, by what makers and sites call theirs."""
    family = name.partition(":")[0].lower()
    return (
        family in CARD_FAMILIES
        or family in CARD_WORDS
        or bool(part_of(family))
        or any(card.answers_to(family) for card in names.catalogue)
    )


def asks_for_cards(text: str, names: CardNames) -> bool:
    """Whether a request has cards in it: ReqTRES (`gres/gpu=2`), or ReqGRES and AllocGRES (`gpu:a100:2(IDX:0-1)`)."""
    for item in re.sub(r"\([^)]*\)", "", text).split(","):
        name, *rest = re.split(r"[:=]", re.sub(r"^gres[/:]", "", item.strip().lower()))
        if name and is_card_name(name, names) and (not rest or rest[-1] != "0"):
            return True
    return False


def parse_card_count(item: str, amount: str) -> int:
    """A count of cards.

    Raises:
        Unmetered: negative, fractional, or more than any centre holds.
    """
    if not re.fullmatch(r"[0-9]{1,12}", amount):
        raise Unmetered(f"{item} 的卡数不是非负整数；部分卡不能计量，请核对 AllocTRES", code="card.count_malformed")
    cards = int(amount)
    if cards > HUGE_CARDS:
        raise Unmetered(f"{item} 的卡数超过 {HUGE_CARDS:,}；请核对 AllocTRES", code="card.count_too_large")
    return cards


def allocated_cards(tres: str, partition: str, names: CardNames) -> dict[Card, int]:
    """Cards by model that a TRES text allocates; empty for a job without accelerators.

    Raises:
        Unmetered: a fraction, an unknown model, or counts that contradict each other.
    """
    bare, typed = count_cards(tres)
    cards: dict[Card, int] = {}
    for family in sorted(bare.keys() | typed.keys()):
        own: dict[Card, int] = {}
        for local, count in typed.get(family, {}).items():
            card = names.named(local, partition)
            own[card] = own.get(card, 0) + count
        rest = bare.get(family, sum(own.values())) - sum(own.values())
        if rest < 0:
            raise Unmetered(
                f"gres/{family}={bare[family]} 少于带型号的合计 {sum(own.values())}，两者矛盾；请核对 AllocTRES",
                code="card.counts_contradict",
            )
        if rest:
            own[names.bare(family, partition, own)] = rest
        for card, count in own.items():
            cards[card] = cards.get(card, 0) + count
    for name, count in other_gres(tres).items():  # a gres of another name counts where the centre has registered it
        if count and (registered := names.registered(name, partition)):
            card = names.named(registered, partition)
            cards[card] = cards.get(card, 0) + parse_card_count(name, str(count))
        elif cards and is_card_name(name, names):
            raise Unmetered(
                f"gres/{name} 是没有登记的加速卡名，和认识的卡在同一行里；"
                f"请用 {names.registering(name, partition)} 登记",
                code="card.name_unknown",
            )
    return cards


def requested_by_model(
    tres: str, partition: str, given: Mapping[Card, int], names: CardNames
) -> dict[Card, int | None]:
    """For each model given, how many were asked for; None where the request does not say."""
    try:
        bare, _ = count_cards(tres)
        asked = allocated_cards(tres, partition, names)
    except Unmetered:
        asked, bare = {}, {}
    if len(given) == 1 and len(bare) == 1 and not asked:
        return dict.fromkeys(given, next(iter(bare.values())))
    return {card: asked.get(card) for card in given}
