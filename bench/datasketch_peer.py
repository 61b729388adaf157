"""The peer of bench/corpora.py: near duplicates by datasketch (in .venv-bench), text by text, each once.

Reads {"texts": [...], "run": 5, "threshold": 0.8} as JSON from stdin; prints processor seconds and, for each text that
is left out, the earlier one that it is like. Importing is not measured.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found, unused-ignore]

PERMUTATIONS = 128


def runs_of(text: str, size: int) -> set[str]:
    """The runs of characters of a text."""
    return {text[place : place + size] for place in range(len(text) - size + 1)}


def sketch(runs: set[str]) -> Any:
    """A signature, all runs at once, which is how datasketch is fastest."""
    made = MinHash(PERMUTATIONS)
    made.update_batch([run.encode() for run in runs])
    return made


def main() -> None:
    """Find what stdin asks for."""
    asked = json.load(sys.stdin)
    begun = time.process_time()
    index = MinHashLSH(threshold=asked["threshold"], num_perm=PERMUTATIONS)
    known: dict[int, set[str]] = {}
    alike: dict[int, int] = {}
    for row, text in enumerate(asked["texts"]):
        runs = runs_of(text, asked["run"])
        made = sketch(runs)
        for other in sorted(index.query(made)):
            if len(runs & known[other]) >= asked["threshold"] * len(runs | known[other]):
                alike[row] = other
                break
        else:
            index.insert(row, made)
            known[row] = runs
    spent = time.process_time() - begun
    print(json.dumps({"processor": spent, "alike": alike, "version": version("datasketch")}))


if __name__ == "__main__":
    main()
