"""The steps on Spark keep the same lines as on one machine, byte for byte of every shard."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from huisuan.law.sql.spark import Spark, missing_requirements
from huisuan.opendata.corpora.duckdb_steps import CorpusSteps
from huisuan.opendata.corpora.pages import CorpusRules, SourcePage
from huisuan.opendata.corpora.shard_files import make_shards
from huisuan.opendata.corpora.spark_steps import kept_on_spark

pytestmark = [pytest.mark.spark, pytest.mark.skipif(bool(missing_requirements()), reason=missing_requirements())]
SIGNS = [chr(0x4E00 + number) for number in range(2500)]


def random_pages(seed: int) -> list[SourcePage]:
    """Pages of which many are copies, near copies, short, or no Chinese."""
    draw, texts = random.Random(seed), list[str]()
    for _ in range(200):
        kind = draw.randrange(6) if texts else 0
        if kind == 1:
            text = draw.choice(texts)
        elif kind == 2:
            signs = list(draw.choice(texts))
            for place in draw.sample(range(len(signs)), len(signs) // draw.choice((30, 60, 100))):
                signs[place] = draw.choice(SIGNS)
            text = "".join(signs)
        elif kind == 3:
            text = draw.choice(("", "短", "English only, and long enough to be kept."))
        else:
            text = "".join(draw.choices(SIGNS, k=draw.randint(30, 900)))
        texts.append(text)
    return [
        SourcePage("e", 1, 1 + number % 7, f"{number % 7:064x}"[::-1], "x", number, text)
        for number, text in enumerate(texts)
    ]


def test_spark_keeps_the_same_lines(tmp_path: Path) -> None:
    pages, rules = random_pages(3), CorpusRules(shards=3)
    with CorpusSteps(tmp_path, rules) as steps:
        steps.run(pages)
        here, left_out = make_shards(steps.kept(), 3), steps.left_out()
    with Spark("local[1]") as spark:
        lines, there = kept_on_spark(spark.session, pages, rules)
    assert left_out.keys() == {"empty", "short", "language", "same", "alike"}
    assert (make_shards(lines, 3), there) == (here, left_out)
