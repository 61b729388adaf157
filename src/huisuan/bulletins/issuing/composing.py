"""The words, tables and pictures of a bulletin of any kind, from its snapshot and the one before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huisuan.bulletins.issuing.figures_letter import compose_figures, picture_figures
from huisuan.bulletins.issuing.openness_letter import BulletinHead, compose_openness, office_name
from huisuan.bulletins.issuing.pictures import BulletinBar, BulletinTile, Picture, draw_bars, draw_tiles
from huisuan.bulletins.issuing.progress_letter import compose_progress, picture_progress
from huisuan.documents.letters import Letter


@dataclass(frozen=True)
class ComposedBulletin:
    """What all formats set."""

    letter: Letter
    pictures: tuple[Picture, ...]


def compose_bulletin(
    now: Mapping[str, Any], before: Mapping[str, Any] | None, head: BulletinHead
) -> ComposedBulletin:  # fmt: skip
    """The whole bulletin of a snapshot, whatever it is about."""
    if "progress" in now:
        return ComposedBulletin(compose_progress(now, before, head), picture_progress(now))
    if "measures" in now:
        return ComposedBulletin(compose_figures(now, before, head), picture_figures(now))
    return ComposedBulletin(compose_openness(now, before, head), _picture_openness(now))


def _picture_openness(now: Mapping[str, Any]) -> tuple[Picture, ...]:
    cities = now["cities"]
    if not cities:
        return ()
    regions = now["regions"]
    bars = [BulletinBar(office_name(one, regions), one["score"], str(one["score"])) for one in cities]
    tiles = [
        BulletinTile(one["region"], regions.get(one["region"], one["region"]), one["score"], str(one["score"]))
        for one in cities
    ]  # fmt: skip
    return draw_tiles("各市公共数据开放得分", tiles), draw_bars("各市公共数据开放得分，由高到低", bars)
