"""What is kept of a draw: its inputs with what the seed was made from, and the seats that came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huisuan.base.hashing import text_sha256
from huisuan.programmes.models import Draw
from huisuan.programmes.review.draw import DrawnExpert, DrawTerms, Panel, ReviewedApplication, draw_panels
from huisuan.programmes.review.seed import SeedSource, read_source


@dataclass(frozen=True)
class PanelSize:
    """How many sit, how many wait behind them, and how many reviews an expert takes in a year."""

    panel: int
    most_reviews: int
    alternates: int


@dataclass(frozen=True)
class DrawRecord:
    """What is kept of a draw beside its seats: its title, what its seed was made from, what was said to it."""

    title: str
    source: SeedSource
    by: str
    at: datetime
    word: str = ""
    reason: str = ""


def keep_draw(
    record: DrawRecord, rows: Sequence[ReviewedApplication], people: Sequence[DrawnExpert], size: PanelSize
) -> tuple[Draw, tuple[Panel, ...]]:
    """Draw from the seed that the source comes to, and keep all that it was made from; the seats are the caller's.

    Raises:
        TooFewExperts: not every panel can be filled; nothing is kept.
    """
    terms = DrawTerms(record.source.seed, size.panel, size.most_reviews, size.alternates)
    panels = draw_panels(rows, people, terms)
    inputs = draw_inputs(rows, people, terms) | {"seed": record.source.to_dict()}
    made = Draw.objects.create(
        title=record.title, seed=terms.seed, word=record.word, reason=record.reason, inputs=inputs,
        digest=inputs_digest(inputs), by=record.by[:120], at=record.at,
    )  # fmt: skip
    return made, panels


def repeat_draw(made: Draw) -> bool:
    """Whether the kept inputs are those of the digest, come to the seed where it was made, and to the seats kept."""
    source = made.inputs.get("seed")
    if inputs_digest(made.inputs) != made.digest or (source and read_source(source).seed != made.seed):
        return False
    rows = [
        ReviewedApplication(each["key"], each["field"], frozenset(each["parties"]), frozenset(each["city"]))
        for each in made.inputs["applications"]
    ]
    people = [
        DrawnExpert(
            each["key"], frozenset(each["fields"]), frozenset(each["tied"]), frozenset(each["controlled"]),
            each["load"], each["active"], frozenset(each.get("served", ())),
        )
        for each in made.inputs["experts"]
    ]  # fmt: skip
    again = {
        (panel.application, position, key)
        for panel in draw_panels(rows, people, DrawTerms(made.seed, **made.inputs["terms"]))
        for position, key in enumerate((*panel.members, *panel.alternates), start=1)
    }
    return again == _kept_seats(made)


def _kept_seats(made: Draw) -> set[tuple[str, int, str]]:
    """Application, place within this draw from 1, expert: what came to sit by it in panels of either kind."""
    rows = list(made.seats.values_list("application__number", "position", "expert__person__username"))
    number = "milestone__contract__application__number"
    rows += made.acceptance_seats.values_list(number, "position", "expert__person__username")
    first: dict[str, int] = {}
    for application, position, _ in rows:
        first[application] = min(position, first.get(application, position))
    return {(application, position - first[application] + 1, expert) for application, position, expert in rows}


def draw_inputs(rows: Sequence[ReviewedApplication], people: Sequence[DrawnExpert], terms: DrawTerms) -> dict[str, Any]:
    """What a draw was made from, as it is kept."""
    return {
        "applications": [
            {"key": each.key, "field": each.field, "parties": sorted(each.parties), "city": sorted(each.city)}
            for each in sorted(rows, key=lambda each: each.key)
        ],
        "experts": [
            {
                "key": each.key, "fields": sorted(each.fields), "tied": sorted(each.tied),
                "controlled": sorted(each.controlled), "load": each.load, "active": each.active,
                **({"served": sorted(each.served)} if each.served else {}),
            }
            for each in sorted(people, key=lambda each: each.key)
        ],
        "terms": {"panel": terms.panel, "most_reviews": terms.most_reviews, "alternates": terms.alternates},
    }  # fmt: skip


def inputs_digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of what a draw was made from."""
    return text_sha256(json.dumps(inputs, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def seed_from(made: Draw) -> str:
    """What the seed of a draw comes from: `commitment` and submissions, `submissions` alone, or `published` before."""
    source = made.inputs.get("seed")
    if not source:
        return "published"
    return "commitment" if source["commitment"] else "submissions"
