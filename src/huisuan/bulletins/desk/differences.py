"""What changed between two issues: office by office down to the criteria, or place by place. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huisuan.bulletins.figures.contributions import WHOLE_MEMBER
from huisuan.bulletins.issuing.figures_letter import PublishedFigures
from huisuan.bulletins.issuing.openness_letter import office_name


@dataclass(frozen=True)
class OfficeDifference:
    """An office that does not stand as before; None: it was not, or is no longer, scored. Criteria by their texts."""

    office: str
    score: int | None
    score_before: int | None
    rank: int | None
    rank_before: int | None
    met: tuple[str, ...]
    lost: tuple[str, ...]


def compare_snapshots(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[OfficeDifference]:
    """Cities, then departments, in the order of the newer one; those that left it at the end. Of scores alone."""
    if "formula" not in now or "formula" not in before:
        return []
    texts = {one["code"]: one["text"] for one in [*before["formula"]["criteria"], *now["formula"]["criteria"]]}
    regions = {**before["regions"], **now["regions"]}
    found = []
    for level in ("cities", "departments"):
        old = {(one["region"], one["department"]): one for one in before[level]}
        new = {(one["region"], one["department"]): one for one in now[level]}
        for key in [*new, *(one for one in old if one not in new)]:
            difference = _compare(new.get(key), old.get(key), texts, regions)
            if difference is not None:
                found.append(difference)
    return found


@dataclass(frozen=True)
class FigureDifference:
    """A place whose sum is another than in the bulletin before, as both are written."""

    place: str
    before: str
    now: str


def compare_cells(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[FigureDifference]:
    """Places whose sums changed between two bulletins of figures, and the total; of scores none."""
    if "measures" not in now or "measures" not in before:
        return []
    new, old = PublishedFigures(now), PublishedFigures(before)
    kind = now["measures"][0]["kinds"][-1]
    names = {**now["places"], WHOLE_MEMBER: "合计"}
    return [
        FigureDifference(name, old.text(was), new.text(value))
        for place, name in names.items()
        for was, value in [(old.values.get((place, kind), 0), new.values.get((place, kind), 0))]
        if was != value
    ]


def _compare(
    new: Mapping[str, Any] | None, old: Mapping[str, Any] | None, texts: Mapping[str, str], regions: Mapping[str, str]
) -> OfficeDifference | None:
    failing, failed = (set(one["failing"]) if one else set() for one in (new, old))
    both = new is not None and old is not None
    met, lost = (failed - failing, failing - failed) if both else (set(), set())
    scores = [one["score"] if one else None for one in (new, old)]
    ranks = [one["rank"] if one else None for one in (new, old)]
    either = new or old
    if either is None or (scores[0] == scores[1] and ranks[0] == ranks[1] and not met and not lost):
        return None
    gained, dropped = (tuple(text for code, text in texts.items() if code in some) for some in (met, lost))
    return OfficeDifference(office_name(either, regions), scores[0], scores[1], ranks[0], ranks[1], gained, dropped)
