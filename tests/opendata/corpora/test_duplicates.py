"""Duplicates: copies and near copies are found, and what merely looks alike stays; the same way twice."""

from __future__ import annotations

import random
from pathlib import Path

from huisuan.opendata.corpora.duckdb_steps import CorpusSteps
from huisuan.opendata.corpora.near_duplicates import band_keys, jaccard, run_hashes
from huisuan.opendata.corpora.pages import CorpusRules, SourcePage, shard_of
from huisuan.opendata.corpora.shard_files import make_shards

SIGNS = [chr(0x4E00 + number) for number in range(2500)]


def text_of(seed: int, size: int) -> str:
    """A text of random signs, with a stop every twenty."""
    draw = random.Random(seed)
    return "。".join("".join(draw.choices(SIGNS, k=20)) for _ in range(size // 20)) + "。"


def changed(text: str, share: float, seed: int) -> str:
    """The text with a share of its signs replaced."""
    draw, signs = random.Random(seed), list(text)
    for place in draw.sample(range(len(signs)), int(len(signs) * share)):
        signs[place] = draw.choice(SIGNS)
    return "".join(signs)


def kept(texts: list[str], folder: Path, rules: CorpusRules | None = None) -> tuple[list[int], dict[str, int]]:
    """The pages that are kept, from 1, and how many were left out by reason."""
    with CorpusSteps(folder, rules or CorpusRules()) as steps:
        steps.run(SourcePage("e", 1, 1, "ab" * 32, "x", page, text) for page, text in enumerate(texts, start=1))
        return [line["page"] for line in steps.kept()], steps.left_out()


def test_a_thousand_copies_leave_one_and_what_looks_alike_stays(tmp_path: Path) -> None:
    notice = text_of(1, 600)
    near = [changed(notice, 0.01, seed) for seed in range(200)]
    short = ["合肥市2026年第一季度空气质量公报已经发布。请查收", "合肥市2026年第二季度空气质量公报已经发布。请查收"]
    other = changed(notice, 0.4, 5)
    texts = [notice, *["　" + notice.replace("。", "，\x00") for _ in range(1000)], *near, *short, other, ""]
    pages, left_out = kept(texts, tmp_path)
    assert pages == [1, 1202, 1203, 1204]
    assert left_out == {"same": 1000, "alike": 200, "empty": 1}


def test_what_is_empty_short_long_or_in_another_language_is_left_out_by_name(tmp_path: Path) -> None:
    texts = ["", "\x00\x01\u200b", "合肥", "An English text that is long enough.", text_of(2, 400), text_of(3, 40)]
    pages, left_out = kept(texts, tmp_path, CorpusRules(longest=300))
    assert (pages, left_out) == ([6], {"empty": 2, "short": 1, "language": 1, "long": 1})
    (again := tmp_path / "any").mkdir()
    assert kept(texts, again, CorpusRules(language="any"))[0] == [4, 5, 6]


def test_planted_near_duplicates_are_found_and_equal_sets_have_equal_keys() -> None:
    originals = [text_of(seed, 300 + seed * 7) for seed in range(300)]
    planted = [changed(text, 0.02, seed) for seed, text in enumerate(originals)]
    keys = band_keys([*originals, *planted])
    found = wanted = 0
    for row, (one, other) in enumerate(zip(originals, planted, strict=True)):
        if jaccard(run_hashes(one), run_hashes(other)) >= 0.8:
            wanted += 1
            found += bool((keys[row] == keys[300 + row]).any())
    assert wanted > 200
    assert found >= 0.99 * wanted
    assert (band_keys(originals[7:9]) == keys[7:9]).all()
    assert (band_keys([originals[0] * 2])[0] == keys[0]).sum() > 25


def test_shards_are_the_same_bytes_and_a_source_lies_in_one_shard_for_good() -> None:
    lines = [
        {"text": str(n), "entry": "e", "version": 1, "release": n % 5, "page": n, "sha256": f"{n % 5:064x}"[::-1],
         "licence": "x"}
        for n in range(50)
    ]  # fmt: skip
    first, second = make_shards(lines, 3), make_shards(lines, 3)
    assert first == second
    assert sum(shard.lines for shard in first if shard.form == "jsonl") == 50
    for shard in first:
        assert {shard_of(f"{release:064x}"[::-1], 3) for release in shard.sources} == {shard.number}
    without = make_shards([line for line in lines if line["release"] != 2], 3)
    own = shard_of(f"{2:064x}"[::-1], 3)
    assert [each for each in without if each.number != own] == [each for each in first if each.number != own]
