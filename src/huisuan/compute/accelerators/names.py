"""Cards by their names: what a catalogue entry is called, and which names are no card. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from huisuan.base.errors import HuisuanError
from huisuan.compute.accelerators.parts import is_all_of_it, part_of

CARD_NAMES_ELSEWHERE = """
gpus gpgpu accel accelerator accelerators card cards nvidia cuda amd rocm ascend huawei davinci ppu iluvatar corex
biren cambricon kunlun kunlunxin hygon enflame dtu metax maca mxgpu mthreads musa mtgpu tpu hpu gaudi ipu
"""


#: further names by which sites call accelerators; they count where the centre has registered them (`ascend`)
CARD_WORDS = frozenset(CARD_NAMES_ELSEWHERE.split())


class Unmetered(HuisuanError):
    """Cards that cannot be metered; the message is the rule and the remedy. A reader names the line that it refuses."""


class PartOfCard(Unmetered):
    """Parts of cards, which are not metered."""


@dataclass(frozen=True)
class Card:
    """A model of the catalogue."""

    id: int
    model: str
    vendor: str

    def answers_to(self, local: str) -> bool:
        """Whether a scheduler's name (a800, 910b3, nvidia_a100-sxm4-80gb) can mean this model."""
        parts = name_words(self.model)
        joined = {"".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)}
        asked = name_words(local)
        own = [word for word in asked if word in joined]
        return bool(own) and len(own) + sum(word == self.vendor.lower() for word in asked) == len(asked)


def name_words(name: str) -> list[str]:
    """A model's name in small letters, cut at everything that is neither letter nor digit."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


@dataclass
class CardNames:
    """What cards are called at one centre."""

    catalogue: list[Card]
    by_partition: dict[str, list[Card]] = field(default_factory=dict)
    local: dict[str, list[Card]] = field(default_factory=dict)  # local name -> models it was given to
    local_by_partition: dict[tuple[str, str], list[Card]] = field(default_factory=dict)
    code: str = "CODE"  # the centre's, for the commands that are advised
    written: dict[str, list[str]] = field(default_factory=dict)  # partition -> its cards, as --partition writes them

    @property
    def centre(self) -> list[Card]:
        """The models of the centre."""
        return unique_cards(card for cards in self.by_partition.values() for card in cards)

    def named(self, local: str, partition: str) -> Card:
        """The model that a scheduler's name stands for: the centre's own names first, then the catalogue's.

        Raises:
            Unmetered: a part of a card, no model, or more than one.
        """
        name = local.lower()
        what = part_of(name)
        own = self.local_by_partition.get((partition, name)) or self.local.get(name)
        if what and not (own and is_all_of_it(name)):
            raise PartOfCard(part_unmetered(f'"{local}"', what), code="card.part_of_card")
        at_hand = self.by_partition.get(partition, [])
        exact = [card for card in self.catalogue if "".join(name_words(card.model)) == "".join(name_words(name))]
        likely = [card for card in self.catalogue if card.answers_to(name)]
        for candidates in (
            self.local_by_partition.get((partition, name), []),
            self.local.get(name, []),
            exact,
            [card for card in at_hand if card in likely],
            [card for card in self.centre if card in likely],
            likely,
        ):
            if len(candidates) == 1:
                return candidates[0]
        found = "、".join(card.model for card in likely)
        rule = f'加速卡名 "{local}" 可指多种型号（{found}）' if found else f'未知加速卡 "{local}"'
        raise Unmetered(f"{rule}；请用 {self.registering(name, partition)} 说明它是哪种卡", code="card.name_unknown")

    def registered(self, gres: str, partition: str) -> str:
        """The name, of a generic resource or its type, that the centre has registered for a card; "" for none."""
        spellings = (gres, gres.rpartition(":")[2], gres.partition(":")[0])
        return next(
            (spelling for spelling in spellings if (partition, spelling) in self.local_by_partition), ""
        ) or next((spelling for spelling in spellings if spelling in self.local), "")

    def registering(self, name: str, partition: str) -> str:
        """The command that registers a scheduler's name for the card of a partition."""
        written = self.written.get(partition, [])
        where = written[0] if len(written) == 1 else "分区=型号:节点数x卡数:"
        return f'huisuan centre add {self.code} --partition "{where}{"" if where.endswith(":") else ","}{name}"'

    def bare(self, family: str, partition: str, besides: Iterable[Card] = ()) -> Card:
        """The model of cards counted without one: the partition's, else the centre's, if that is a single one.

        Raises:
            Unmetered: it is ambiguous.
        """
        others = set(besides)
        for cards in (self.by_partition.get(partition, []), self.centre):
            left = [card for card in cards if card not in others]
            for candidates in (left, [card for card in left if is_of_family(card, family)]):
                if len(candidates) == 1:
                    return candidates[0]
            if left and cards is not self.centre:
                break  # the partition has several: the rest of the centre cannot decide
        held = "、".join(card.model for card in unique_cards([*self.by_partition.get(partition, []), *self.centre]))
        raise Unmetered(
            f'gres/{family} 未写型号，而分区 "{partition}" 无法唯一确定型号（中心的型号：{held or "未登记"}）；'
            f"请在 AccountingStorageTRES 中加入带型号的 gres/{family}:型号，或登记该分区的型号",
            code="card.type_unknown",
        )


def is_of_family(card: Card, family: str) -> bool:
    """Whether a card may be counted under a gres name."""
    vendor = CARD_FAMILIES.get(family)
    return card.vendor == vendor if vendor else card.vendor not in set(CARD_FAMILIES.values())


def unique_cards(cards: Iterable[Card]) -> list[Card]:
    """Each card once, in order."""
    return list(dict.fromkeys(cards))


#: families of accelerators by their gres name, with the vendor whose cards alone it may be (None: any other)
CARD_FAMILIES: dict[str, str | None] = {
    "gpu": None,
    "npu": "Huawei",
    "dcu": "Hygon",
    "mlu": "Cambricon",
    "gcu": "Enflame",
    "xpu": "Kunlunxin",
}


def part_unmetered(item: str, what: str) -> str:
    """Why parts of cards are not metered, and what to do."""
    return (
        f"{item} 是部分卡（{what}）：平台只计整卡，这一行没有计量；共享卡请由中心按整卡折算后另行报送，"
        "不要把它登记成一种型号"
    )
