"""The accelerators that the platform's database knows, by the names that people write."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.compute.accelerators.catalogue import PROCESSOR_SLOT, catalogue_rows
from huisuan.compute.accelerators.names import Card, CardNames, name_words, unique_cards
from huisuan.compute.accelerators.parts import part_of, part_refusal
from huisuan.compute.models import Accelerator, Centre


def load_accelerators(**_: Any) -> None:
    """Bring the table of accelerators up to the package's own list: after every migration."""
    Accelerator.objects.bulk_create(
        [Accelerator(**row) for row in catalogue_rows()],
        update_conflicts=True,
        unique_fields=["model"],
        update_fields=["vendor", "memory_gib", "tflops_fp16", "source"],
    )


def accelerator_by_name(model: str) -> Accelerator:
    """The model of the catalogue, whatever the case of its letters.

    Raises:
        InvalidRequest: it is not there; the nearest ones are named.
    """
    models = {accelerator.model.lower(): accelerator for accelerator in Accelerator.objects.all()}
    found = models.get(model.strip().lower())
    if found:
        return found
    if what := part_of(model):
        raise InvalidRequest(part_refusal(model, what), code="card.part_of_card")
    asked = "".join(name_words(model))
    likely = [
        name for name in models if asked and (asked in "".join(name_words(name)) or "".join(name_words(name)) in asked)
    ]
    near = list(dict.fromkeys([*likely, *get_close_matches(model.lower(), models, n=3, cutoff=0.4)])) or sorted(models)
    raise InvalidRequest(
        f'加速卡目录中没有 "{model}"；相近的有：{"、".join(models[name].model for name in near[:5])}',
        code="card.model_unknown",
    )


def to_card(accelerator: Accelerator) -> Card:
    """The model as the meter reads it."""
    return Card(accelerator.pk, accelerator.model, accelerator.vendor)


def load_card_names(centre: Centre) -> CardNames:
    """What cards are called at a centre: its partitions' models and local names, and the catalogue behind them."""
    names = CardNames(
        [to_card(accelerator) for accelerator in Accelerator.objects.exclude(model=PROCESSOR_SLOT)], code=centre.code
    )
    for partition in centre.partitions.select_related("accelerator"):
        card = to_card(partition.accelerator)
        names.by_partition.setdefault(partition.name, []).append(card)
        held = f"{partition.name}={card.model}:{partition.nodes}x{partition.cards_per_node}:"
        names.written.setdefault(partition.name, []).append(held + ",".join(partition.local_names))
        for local in partition.local_names:
            names.local[local] = unique_cards([*names.local.get(local, []), card])
            key = (partition.name, local)
            names.local_by_partition[key] = unique_cards([*names.local_by_partition.get(key, []), card])
    return names


def single_card(centre: Centre) -> Card:
    """The one model of a centre.

    Raises:
        InvalidRequest: it has none or several.
    """
    models = load_card_names(centre).centre
    if len(models) != 1:
        held = "、".join(card.model for card in models) or "未登记"
        raise InvalidRequest(
            f"中心 {centre.code} 的型号不唯一（{held}）；请用 --model 写明这份记录用的是哪一种卡",
            code="card.model_ambiguous",
        )
    return models[0]


def cards_by_model(models: list[str]) -> list[Card]:
    """Cards by model.

    Raises:
        InvalidRequest: one is not in the catalogue.
    """
    return [to_card(accelerator_by_name(model)) for model in models]
