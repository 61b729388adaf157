"""How cities and offices stand by what they opened: points for each stage that an entry has reached, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from huisuan.law.procedure import RegisterSpec
from huisuan.opendata.scores.ranking import SEED, WEIGHTINGS, WITHIN_PERCENT, rank_by_points
from huisuan.programmes.registers.progress import PlaceProgress, count_progress, progress_field

#: what an entry gives its place for each stage that it has reached; no text sets it
STAGE_POINTS, AUTHORITY = 1, "建议值，尚无文件依据"


def rank_progress(policy: str, spec: RegisterSpec, day: date) -> dict[str, Any]:
    """Ranks of cities and of offices by a register on a day, as a snapshot says them.

    Raises:
        NotFound: the register has no stages.
    """
    stages = progress_field(spec).options
    cities, offices = count_progress(policy, spec.key, day)
    return {
        "register": spec.key, "title": spec.title, "sentence": spec.sentence, "authority": AUTHORITY,
        "seed": SEED, "weightings": WEIGHTINGS, "within_percent": WITHIN_PERCENT,
        "stages": [{"key": key, "title": words[0], "points": STAGE_POINTS} for key, words in stages.items()],
        "cities": _rank(cities, list(stages)), "offices": _rank(offices, list(stages)),
    }  # fmt: skip


def _rank(places: Sequence[PlaceProgress], stages: Sequence[str]) -> list[dict[str, Any]]:
    if not places:
        return []
    amounts = np.array([[one.reached[stage] for stage in stages] for one in places], dtype=np.int64)
    points = np.full(len(stages), STAGE_POINTS, dtype=np.int64)
    scores, ranks, best, worst = rank_by_points(amounts, points)
    rows = [
        {
            "region": one.region, "office": one.office, "entries": one.entries, "reached": dict(one.reached),
            "waiting": list(one.waiting), "score": int(scores[at]), "rank": int(ranks[at]),
            "best_rank": int(best[at]), "worst_rank": int(worst[at]),
        }
        for at, one in enumerate(places)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["rank"], row["region"], row["office"]))
