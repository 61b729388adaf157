"""What people call accelerators (A100, Ascend910B3, a800) and which models of the catalogue they can mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache

from huisuan.base.errors import InvalidRequest
from huisuan.compute.accelerators.catalogue import PROCESSOR_SLOT, catalogue_rows
from huisuan.compute.accelerators.names import Card, name_words
from huisuan.compute.accelerators.parts import part_of, part_refusal

#: words before a model's name that distinguish no model from another
DECORATION = frozenset({"tesla", "geforce", "accelerator"})


@cache
def known_cards() -> tuple[Card, ...]:
    """The models that the package knows (`accelerators.csv`), processor slots among them."""
    return tuple(Card(number, row["model"], row["vendor"]) for number, row in enumerate(catalogue_rows()))


def vendors() -> tuple[str, ...]:
    """The makers of the models in the catalogue."""
    return tuple(dict.fromkeys(card.vendor for card in known_cards() if card.model != PROCESSOR_SLOT))


def matching_models(name: str, cards: Iterable[Card] | None = None) -> list[str]:
    """The models that a name can mean: the one it spells, else all whose words it uses (A100: both A100), else
    those of the family that it names (910B: 910B2 and 910B3; Ascend910: every 910).

    Raises:
        InvalidRequest: a part of a card, or none; names those that come near.
    """
    if what := part_of(name):
        raise InvalidRequest(part_refusal(name, what), code="card.part_of_card")
    known = list(known_cards() if cards is None else cards)
    asked = [word for word in name_words(name) if word not in DECORATION]
    joined = "".join(asked)
    if exact := [card.model for card in known if joined and "".join(name_words(card.model)) == joined]:
        return exact
    if likely := [card.model for card in known if card.answers_to(" ".join(asked))]:
        return likely
    if family := [card.model for card in known if _of_family(joined, card)]:
        return family
    raise InvalidRequest(f"型号 {name} 不在加速卡目录中{_nearest(name, joined, known)}", code="card.model_unknown")


def matching_vendor(name: str) -> str:
    """The maker, whatever the case of its letters.

    Raises:
        InvalidRequest: the catalogue has none of its cards.
    """
    for vendor in vendors():
        if vendor.lower() == name.strip().lower():
            return vendor
    raise InvalidRequest(f"厂商 {name} 不在加速卡目录中；目录中有 {'、'.join(vendors())}", code="card.vendor_unknown")


def _of_family(asked: str, card: Card) -> bool:
    """Whether a name is the beginning of a model's, up to where its letters or digits end.

    910B goes on as 910B3. A name that ends in a digit is a family with Huawei alone: L40 is another card than L40S.
    """
    parts = name_words(card.model)
    asked = asked.removeprefix(card.vendor.lower())
    for first in range(len(parts)):
        rest = "".join(parts[first:]).removeprefix(asked)
        if rest != "".join(parts[first:]) and any(sign.isdigit() for sign in asked):
            ends_in_letter = not asked[-1].isdigit()
            if (ends_in_letter and rest[:1].isdigit()) or (card.vendor == "Huawei" and rest[:1].isalpha()):
                return True
    return False


def _nearest(name: str, joined: str, known: Sequence[Card]) -> str:
    by_small = {card.model.lower(): card.model for card in known}
    family = [card.model for card in known if len(joined) > 2 and joined in "".join(name_words(card.model))]
    close = [by_small[near] for near in get_close_matches(name.lower(), by_small, n=3, cutoff=0.4)]
    near = list(dict.fromkeys([*family, *close]))[:6]
    return f"；相近的有 {'、'.join(near)}" if near else "；huisuan centre list 可看各中心的型号"
