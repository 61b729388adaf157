"""Centres and their tariffs, as who asks may see them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet

from huisuan.compute.models import Centre, Partition, Tariff, TariffChange
from huisuan.parties.viewer import Viewer


def format_decimal(value: Decimal) -> str:
    """A decimal as text, without zeros that say nothing."""
    return format(value.normalize(), "f")


def list_centres(viewer: Viewer | None = None) -> QuerySet[Centre]:
    """The centres whose inside a viewer may see; all of them for an operator (None)."""
    partitions = Prefetch("partitions", Partition.objects.select_related("accelerator"))
    centres = Centre.objects.select_related("operator", "region").prefetch_related(partitions)
    return centres if viewer is None else centres.filter(viewer.centres())


def centre_to_dict(centre: Centre) -> dict[str, Any]:
    """A centre as lists and JSON show it; P are exact decimal texts."""
    partitions = [
        {
            "name": partition.name,
            "model": partition.accelerator.model,
            "nodes": partition.nodes,
            "cards_per_node": partition.cards_per_node,
            "cards": partition.cards,
            "capacity_p": format_decimal(partition.capacity_p),
            "local_names": partition.local_names,
        }
        for partition in centre.partitions.all()
    ]
    return {
        "code": centre.code,
        "name": centre.name,
        "name_en": centre.name_en,
        "operator": centre.operator.uscc,
        "operator_name": centre.operator.name,
        "region": centre.region_id,
        "region_name": centre.region.name_zh,
        "timezone": centre.timezone,
        "engine": centre.engine,
        "cards": sum(partition["cards"] for partition in partitions),
        "capacity_p": format_decimal(centre.capacity_p),
        "last_sequence": centre.last_sequence,
        "demo": centre.demo,
        "partitions": partitions,
    }


def list_tariffs(centre: str | None = None) -> QuerySet[Tariff]:
    """Tariffs, all or a centre's: prices are public."""
    tariffs = Tariff.objects.select_related("centre", "accelerator").order_by(
        "centre__code", "accelerator__model", "valid_from"
    )
    return tariffs.filter(centre__code=centre) if centre else tariffs


def list_tariff_changes(centre: str) -> QuerySet[TariffChange]:
    """What was done to a centre's prices, the newest first."""
    return TariffChange.objects.filter(centre__code=centre).select_related("accelerator").order_by("-id")


def tariff_change_to_dict(change: TariffChange) -> dict[str, Any]:
    """A change of a price as lists and JSON show it."""
    return {
        "at": change.at, "step": change.step, "model": change.accelerator.model,
        "fen_per_card_hour": change.fen_per_card_hour, "before_fen": change.before_fen,
        "valid_from": change.valid_from, "valid_to": change.valid_to, "by": change.by,
    }  # fmt: skip


def tariff_to_dict(tariff: Tariff) -> dict[str, Any]:
    """A tariff as lists and JSON show it."""
    return {
        "centre": tariff.centre.code,
        "model": tariff.accelerator.model,
        "fen_per_card_hour": tariff.fen_per_card_hour,
        "valid_from": tariff.valid_from,
        "valid_to": tariff.valid_to,
    }
