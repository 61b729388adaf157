"""The steps from pages to kept lines on one machine: DuckDB holds the pages on disk, numpy finds what is alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy

from huisuan.opendata.corpora.alike import find_alike
from huisuan.opendata.corpora.near_duplicates import BANDS, SHORTEST_COMPARED, Hashes, band_keys, run_hashes
from huisuan.opendata.corpora.pages import CorpusRules, SourcePage, clean_page
from huisuan.opendata.corpora.text_cleaning import compared_text

#: what of equal pages that pass is left out: all but the first; the same text runs on Spark
SAME = """
SELECT ordinal FROM (
    SELECT ordinal, row_number() OVER (PARTITION BY same ORDER BY ordinal) AS place
    FROM pages WHERE left_out = '') AS ranked
WHERE place > 1
"""
_TABLE = """
CREATE TABLE pages (ordinal BIGINT PRIMARY KEY, entry VARCHAR, version INTEGER, release BIGINT, sha256 VARCHAR,
                    licence VARCHAR, page BIGINT, text VARCHAR, left_out VARCHAR, same VARCHAR, compared BIGINT)
"""
_AT_ONCE = 2000  # pages
_MEMORY = "512MB"


class CorpusSteps:
    """Pages on disk in a folder, from which lines are kept; leaving it closes them."""

    def __init__(self, folder: Path, rules: CorpusRules) -> None:
        import duckdb

        self.rules = rules
        self.pages = duckdb.connect(str(folder / "pages.duckdb"))
        self.pages.execute(f"SET memory_limit = '{_MEMORY}'")
        self.pages.execute(_TABLE)

    def __enter__(self) -> CorpusSteps:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.pages.close()

    def run(self, pages: Iterable[SourcePage]) -> None:
        """Take all pages in, in their order, and mark what is left out and why."""
        self._take_in(pages)
        self._mark("same", [ordinal for (ordinal,) in self.pages.execute(SAME).fetchall()])
        self._mark("alike", self._alike())

    def _take_in(self, pages: Iterable[SourcePage]) -> None:
        import pyarrow

        rows: list[dict[str, Any]] = []
        for ordinal, page in enumerate(pages):
            rows.append(page_row(ordinal, page, self.rules))
            if len(rows) >= _AT_ONCE:
                self._insert(pyarrow.Table.from_pylist(rows))
                rows = []
        if rows:
            self._insert(pyarrow.Table.from_pylist(rows))

    def _insert(self, batch: Any) -> None:
        self.pages.register("batch", batch)
        self.pages.execute("INSERT INTO pages SELECT * FROM batch")
        self.pages.unregister("batch")

    def _mark(self, reason: str, ordinals: Iterable[int]) -> None:
        import pyarrow

        self.pages.register("marked", pyarrow.table({"ordinal": pyarrow.array(ordinals, pyarrow.int64())}))
        self.pages.execute("UPDATE pages SET left_out = ? WHERE ordinal IN (SELECT ordinal FROM marked)", [reason])
        self.pages.unregister("marked")

    def _alike(self) -> list[int]:
        """The ordinals of near duplicates."""
        asked_of = "SELECT ordinal, text FROM pages WHERE left_out = '' AND compared >= ? ORDER BY ordinal"
        places: list[int] = []
        found = [numpy.zeros((0, BANDS), numpy.uint64)]
        asked = self.pages.cursor().execute(asked_of, [SHORTEST_COMPARED])
        while rows := asked.fetchmany(_AT_ONCE):
            places += [ordinal for ordinal, _ in rows]
            found.append(band_keys([compared_text(text) for _, text in rows]))
        alike = find_alike(numpy.concatenate(found), lambda row: self._hashes(places[row]), self.rules.similarity)
        return [places[row] for row in sorted(alike)]

    def _hashes(self, ordinal: int) -> Hashes:
        (text,) = self.pages.execute("SELECT text FROM pages WHERE ordinal = ?", [ordinal]).fetchall()[0]
        return run_hashes(compared_text(text))

    def left_out(self) -> dict[str, int]:
        """How many pages were left out, by reason."""
        asked = "SELECT left_out, count(*) FROM pages WHERE left_out <> '' GROUP BY 1 ORDER BY 1"
        return dict(self.pages.execute(asked).fetchall())

    def kept(self) -> Iterator[dict[str, Any]]:
        """The lines that are kept, in their order."""
        asked = self.pages.cursor().execute(
            "SELECT text, entry, version, release, page, sha256, licence FROM pages"
            " WHERE left_out = '' ORDER BY ordinal"
        )
        names = ("text", "entry", "version", "release", "page", "sha256", "licence")
        while rows := asked.fetchmany(_AT_ONCE):
            yield from (dict(zip(names, row, strict=True)) for row in rows)

    def sizes(self) -> dict[str, Any]:
        """How long the kept lines are, in characters: all together, and at three quantiles."""
        asked = """SELECT count(*), coalesce(sum(length(text)), 0), quantile_disc(length(text), [0.1, 0.5, 0.9])
                   FROM pages WHERE left_out = ''"""
        lines, characters, quantiles = self.pages.execute(asked).fetchall()[0]
        low, middle, high = quantiles or (0, 0, 0)
        return {"lines": lines, "characters": int(characters), "p10": low, "p50": middle, "p90": high}

    def by_entry(self) -> list[dict[str, Any]]:
        """Kept lines and characters of each entry."""
        asked = """SELECT entry, count(*), sum(length(text)) FROM pages WHERE left_out = '' GROUP BY 1 ORDER BY 1"""
        return [
            {"entry": entry, "lines": lines, "characters": int(characters)}
            for entry, lines, characters in self.pages.execute(asked).fetchall()
        ]


def page_row(ordinal: int, page: SourcePage, rules: CorpusRules) -> dict[str, Any]:
    """A page after the first steps, as a row of the table."""
    clean, _ = clean_page(ordinal, page, rules)
    source = clean.source
    return {
        "ordinal": ordinal, "entry": source.entry, "version": source.version, "release": source.release,
        "sha256": source.sha256, "licence": source.licence, "page": source.page, "text": source.text,
        "left_out": clean.left_out, "same": clean.same, "compared": clean.compared,
    }  # fmt: skip
