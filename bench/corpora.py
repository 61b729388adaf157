"""Near duplicates in a corpus, beside datasketch (in .venv-bench) on the same texts and the same measure.

    .venv/bin/python bench/corpora.py [--documents 4000] [--planted 1000] [--seed 1] [--json]

Documents of sentences drawn from a seed, 300 to 3,000 characters, a third of them from templates that share half their
words; planted are copies with 1 to 3 in a hundred characters changed, those counted whose exact Jaccard similarity of
runs of five characters is at least 0.8. Both look for the first earlier document that is as alike, by candidates that
are then compared exactly. Exit code 1: fewer than 99 in 100 planted ones are found, one is found that is not, or ours
does not go through five times as many documents in a second of processor time.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measure import machine

from huisuan.opendata.corpora.alike import find_alike
from huisuan.opendata.corpora.near_duplicates import RUN_LENGTH, band_keys, jaccard, run_hashes
from huisuan.opendata.corpora.text_cleaning import compared_text

PEER = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"
AIM_TIMES, AIM_FOUND = 5.0, 0.99
SIMILARITY = 80
SIGNS = [chr(0x4E00 + number) for number in range(3500)]


def main() -> int:
    """Print documents a second of processor time, and how many planted ones were found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    about = machine("numpy")
    texts, planted = corpus(options.documents, options.planted, random.Random(options.seed))
    begun = time.process_time()
    alike = find_alike(band_keys(texts), lambda row: run_hashes(texts[row]), SIMILARITY)
    ours = measured(time.process_time() - begun, alike, texts, planted)
    peer = run_peer(texts)
    theirs = peer and measured(
        peer["processor"], {int(row): other for row, other in peer["alike"].items()}, texts, planted
    )
    found = {"machine": about, "documents": len(texts), "characters": sum(map(len, texts)), "ours": ours}
    found |= {"datasketch": theirs and {**theirs, "version": peer["version"]}}
    show(found, as_json=options.json)
    slow = theirs is not None and ours["per_second"] < AIM_TIMES * theirs["per_second"]
    return 1 if slow or ours["found"] < AIM_FOUND * ours["planted"] or ours["wrong"] else 0


def corpus(documents: int, planted: int, draw: random.Random) -> tuple[list[str], dict[int, int]]:
    """Texts as they are compared, and of each planted one the text that it is a copy of."""
    words = ["".join(draw.choices(SIGNS, k=draw.randint(2, 4))) for _ in range(4000)]
    frames = ["".join(draw.choices(words, k=60)) for _ in range(20)]
    texts = []
    for number in range(documents):
        text = "".join(draw.choices(words, k=draw.randint(100, 1000)))
        if number % 3 == 0:
            frame = draw.choice(frames)
            text = frame + text[: len(frame)]
        texts.append(compared_text(text))
    originals = draw.sample(range(documents), planted)
    for original in originals:
        signs = list(texts[original])
        for place in draw.sample(range(len(signs)), max(int(len(signs) * draw.uniform(0.01, 0.03)), 1)):
            signs[place] = draw.choice(SIGNS)
        texts.append("".join(signs))
    return texts, {documents + number: original for number, original in enumerate(originals)}


def measured(processor: float, alike: dict[int, int], texts: list[str], planted: dict[int, int]) -> dict[str, Any]:
    """What a contestant did: its speed, the planted ones that it found, and the pairs that are not alike."""
    counted = {row: original for row, original in planted.items() if is_pair(texts, row, original)}
    return {
        "processor_s": processor, "per_second": len(texts) / processor, "planted": len(counted),
        "found": sum(row in alike for row in counted),
        "wrong": sum(not is_pair(texts, row, other) for row, other in alike.items()),
    }  # fmt: skip


def is_pair(texts: list[str], one: int, other: int) -> bool:
    """Whether two texts are as alike as is asked."""
    return jaccard(run_hashes(texts[one]), run_hashes(texts[other])) * 100 >= SIMILARITY


def run_peer(texts: list[str]) -> Any:
    """What datasketch finds; None where it is not installed."""
    if not PEER.exists():
        return None
    asked = json.dumps({"texts": texts, "run": RUN_LENGTH, "threshold": SIMILARITY / 100})
    done = subprocess.run(
        [PEER, Path(__file__).with_name("datasketch_peer.py")], input=asked, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['documents']:,} documents, {found['characters']:,} characters, {found['machine']}")
    for name in ("ours", "datasketch"):
        if found[name] is None:
            print("datasketch is not in .venv-bench (setup/bench.sh): not measured")
            continue
        row = found[name]
        print(
            f"{name:>10}: {row['per_second']:10,.0f} documents a CPU second; planted found {row['found']} of "
            f"{row['planted']}, wrong {row['wrong']}"
        )
    if found["datasketch"]:
        times = found["ours"]["per_second"] / found["datasketch"]["per_second"]
        print(f"ours / datasketch: {times:.1f} times (aim: >= {AIM_TIMES:g})")


if __name__ == "__main__":
    sys.exit(main())
