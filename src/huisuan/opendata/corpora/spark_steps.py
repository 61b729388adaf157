"""The same steps on Spark, where one machine is too small: the same pages are kept, the same lines written.

Cleaning, equal texts and candidate pairs are spread over the cluster; which of a pair stays is decided at one place,
from the pairs that are alike. Workers need numpy and this package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy

from huisuan.opendata.corpora.alike import is_alike, kept_first
from huisuan.opendata.corpora.duckdb_steps import SAME, page_row
from huisuan.opendata.corpora.near_duplicates import SHORTEST_COMPARED, band_keys, run_hashes
from huisuan.opendata.corpora.pages import CorpusRules, SourcePage
from huisuan.opendata.corpora.shard_files import LINE_FIELDS
from huisuan.opendata.corpora.text_cleaning import compared_text

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SCHEMA = (
    "ordinal BIGINT, entry STRING, version INT, release BIGINT, sha256 STRING, licence STRING, page BIGINT,"
    " text STRING, left_out STRING, same STRING, compared BIGINT"
)
_AT_ONCE = 500  # texts


def kept_on_spark(
    session: SparkSession, pages: Iterable[SourcePage], rules: CorpusRules
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The lines that are kept, in their order, and how many pages were left out by reason."""
    context = session.sparkContext
    if (context.master or "").startswith("local"):
        context.pythonExec = sys.executable  # else the first python3 of the path, which lacks this package
    given = context.parallelize(list(enumerate(pages)))
    cleaned = given.map(lambda numbered: page_row(numbered[0], numbered[1], rules)).cache()
    session.createDataFrame(cleaned.map(_in_order), _SCHEMA).createOrReplaceTempView("pages")
    same = {row.ordinal for row in session.sql(SAME).collect()}
    compared = cleaned.filter(
        lambda row: row["left_out"] == "" and row["compared"] >= SHORTEST_COMPARED and row["ordinal"] not in same
    ).map(lambda row: (row["ordinal"], compared_text(row["text"])))
    pairs = compared.mapPartitions(_banded).groupByKey().flatMap(_pairs).distinct()
    hashes = compared.mapValues(run_hashes)
    joined = pairs.join(hashes).map(lambda one: (one[1][0], (one[0], one[1][1]))).join(hashes)
    similarity = rules.similarity
    edges = joined.filter(lambda one: is_alike(one[1][0][1], one[1][1], similarity)).map(
        lambda one: (one[1][0][0], one[0])
    )
    found = edges.collect()
    alike = set(kept_first({row for pair in found for row in pair}, found))
    return _lines(cleaned.collect(), same, alike)


def _in_order(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name.split()[0]] for name in _SCHEMA.split(", "))


def _banded(texts: Iterable[tuple[int, str]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Each text under the keys of its bands."""
    held: list[tuple[int, str]] = []
    for numbered in texts:
        held.append(numbered)
        if len(held) == _AT_ONCE:
            yield from _keyed(held)
            held = []
    yield from _keyed(held)


def _keyed(held: list[tuple[int, str]]) -> Iterator[tuple[tuple[int, int], int]]:
    keys = band_keys([text for _, text in held])
    for row, (ordinal, _) in enumerate(held):
        yield from (((band, int(key)), ordinal) for band, key in enumerate(numpy.asarray(keys[row])))


def _pairs(bucket: tuple[tuple[int, int], Iterable[int]]) -> Iterator[tuple[int, int]]:
    return combinations(sorted(set(bucket[1])), 2)


def _lines(rows: list[dict[str, Any]], same: set[int], alike: set[int]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    lines, left_out = [], dict[str, int]()
    for row in sorted(rows, key=lambda row: int(row["ordinal"])):
        number = row["ordinal"]
        reason = row["left_out"] or ("same" if number in same else "alike" if number in alike else "")
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            lines.append({field: row[field] for field in LINE_FIELDS})
    return lines, left_out
