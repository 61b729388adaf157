"""A bulletin of 16 cities and 60 departments in its three formats, made twice: seconds, and equal bytes.

Called by bench/bulletins.py. Both snapshots (this quarter's and the one before) are drawn from a seed.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.base.hashing import text_sha256
from huisuan.bulletins.issuing.bulletin_folder import BulletinImprint, make_bulletin
from huisuan.compute.metering.audit.folder import canonical
from huisuan.documents.tile_map import TILES
from huisuan.opendata.scores.criteria import CRITERIA
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts
from huisuan.opendata.scores.ranking import rank_offices

_IMPRINT = BulletinImprint("某省数据局", "某数通〔2026〕3号", date(2026, 10, 15), "2026年第三季度")


@dataclass(frozen=True)
class MadeFolder:
    """Of two bulletins of one snapshot: seconds of the first and of the second, bytes of all files, whether equal."""

    processor_s: tuple[float, float]
    clock_s: tuple[float, float]
    size: int
    is_equal: bool


def draw_scores(day: date, seed: int) -> dict[str, Any]:
    """A snapshot of scores as the platform freezes them, of five entries a department."""
    draw, formula, regions = random.Random(seed), load_formula(), sorted(TILES)

    def entry(office: int, at: int) -> EntryFacts:
        out = day if draw.random() < 0.7 else None
        known, typed = draw.random() < 0.8, draw.random() < 0.8
        return EntryFacts(f"E{office:02}{at}", "open", "table", "quarterly", known, True, typed, out, at % 2)

    departments = [
        OfficeFacts(regions[at % 16], f"第{at:02}局", tuple(entry(at, one) for one in range(5)), {}) for at in range(60)
    ]
    cities = [
        OfficeFacts(one, "", tuple(each for other in departments if other.region == one for each in other.entries), {})
        for one in regions
    ]
    said = {
        "format": "huisuan-openness-1", "day": day.isoformat(),
        "formula": {
            "authority": formula.authority, "suggested": True, "seed": 1, "weightings": 1000, "within_percent": 20,
            "criteria": [
                {"code": one.code, "group": one.group, "text": one.text, "query": one.query,
                 "points": formula.points[one.code]}
                for one in CRITERIA
            ],
        },
        "regions": {one: f"第{at}市" for at, one in enumerate(regions)},
        "departments": [one.to_dict() for one in rank_offices(departments, formula, day)],
        "cities": [one.to_dict() for one in rank_offices(cities, formula, day)],
    }  # fmt: skip
    return {**said, "sha256": text_sha256(canonical(said))}


def measure_folder(seed: int) -> MadeFolder:
    """Make it twice."""
    before, now = draw_scores(date(2026, 6, 30), seed), draw_scores(date(2026, 9, 30), seed + 1)
    made, processor, clock = [], [], []
    for _ in range(2):
        began = time.process_time(), time.perf_counter()
        made.append(make_bulletin(now, before, _IMPRINT))
        processor.append(time.process_time() - began[0])
        clock.append(time.perf_counter() - began[1])
    size = sum(len(content) for content in made[0].values())
    return MadeFolder((processor[0], processor[1]), (clock[0], clock[1]), size, made[0] == made[1])
