"""What a card is called: the catalogue, names in job files, Slurm's TRES, parts of cards.

Other rooms import what is named here, without Django. What needs the database (the cards of a centre, a model by its
name) is in `registry`.
"""

from huisuan.compute.accelerators.aliases import known_cards, matching_models, matching_vendor, vendors
from huisuan.compute.accelerators.catalogue import PROCESSOR_SLOT
from huisuan.compute.accelerators.names import (
    CARD_FAMILIES,
    Card,
    CardNames,
    PartOfCard,
    Unmetered,
    is_of_family,
    name_words,
)
from huisuan.compute.accelerators.parts import WHOLE_ONLY, is_all_of_it, label_part, part_of, part_refusal
from huisuan.compute.accelerators.tres import (
    allocated_cards,
    asks_for_cards,
    count_cards,
    is_card_name,
    other_gres,
    requested_by_model,
)

__all__ = [
    "CARD_FAMILIES",
    "PROCESSOR_SLOT",
    "WHOLE_ONLY",
    "Card",
    "CardNames",
    "PartOfCard",
    "Unmetered",
    "allocated_cards",
    "asks_for_cards",
    "count_cards",
    "is_all_of_it",
    "is_card_name",
    "is_of_family",
    "known_cards",
    "label_part",
    "matching_models",
    "matching_vendor",
    "name_words",
    "other_gres",
    "part_of",
    "part_refusal",
    "requested_by_model",
    "vendors",
]
