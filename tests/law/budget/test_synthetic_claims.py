"""The province drawn at random: the same for the same seed, of the shape that it says, and readable by the law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from huisuan.law.budget.synthetic_claims import MISSING_ONE_IN, Sample, sample_query, write_sample
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.load import load_policy

POLICY = load_policy("anhui-agi-2023")
DRAWN = Sample(parties=20_000, seed=7)
#: party, city, kind, in_anhui, spend, self_use of the first three with seed 1: what others computed must stay
FIRST_THREE = [
    ("P000000001", "340300", "enterprise", True, 2_609_720, 626_332),
    ("P000000003", "340700", "enterprise", True, 1_658_924, 199_070),
    ("P000000004", "340600", "enterprise", True, 1_183_842, 82_868),
]


def rows(key: str, sample: Sample, what: str = "*", condition: str = "true") -> list[tuple[Any, ...]]:
    """What a query over a rule's rows of a sample gives."""
    query = sample_query(POLICY, POLICY.rule(key), sample)
    with duckdb.connect() as engine:
        return engine.execute(f"SELECT {what} FROM ({query}) WHERE {condition}").fetchall()


@pytest.mark.parametrize("rule", POLICY.rules, ids=lambda rule: rule.key)
def test_one_seed_is_one_province_and_another_seed_another(rule: Rule) -> None:
    key = rule.key
    first = rows(key, DRAWN)
    assert first
    assert first == rows(key, DRAWN)
    assert first != rows(key, Sample(parties=20_000, seed=8))


def test_the_first_rows_are_these_on_every_machine() -> None:
    columns = "party, city, kind, in_anhui, spend, self_use"
    assert rows("2.2", Sample(parties=1_000, seed=1), columns)[:3] == FIRST_THREE


def test_a_party_is_the_same_party_in_every_rule() -> None:
    whose = {party: (city, kind) for party, city, kind in rows("2.2", DRAWN, "party, city, kind", "kind IS NOT NULL")}
    claims = rows("14.1", DRAWN, "party, city, kind")
    known = [(party, city, kind) for party, city, kind in claims if party in whose]
    assert len(known) > 50
    assert all(whose[party] == (city, kind) for party, city, kind in known)


def test_a_larger_province_begins_with_the_smaller_one() -> None:
    assert rows("2.2", Sample(parties=30_000, seed=7))[: len(rows("2.2", DRAWN))] == rows("2.2", DRAWN)


def test_what_the_platform_meters_everybody_has_and_the_rest_is_claimed_by_one_in_a_hundred() -> None:
    assert 0.87 < len(rows("2.2", DRAWN)) / DRAWN.parties < 0.91  # enterprises, universities, institutes
    assert len(rows("8.2", DRAWN)) == DRAWN.parties // 100


def test_only_those_claim_whom_the_rule_is_for() -> None:
    assert {kind for (kind,) in rows("14.1", DRAWN, "DISTINCT kind")} == {"enterprise"}
    assert {kind for (kind,) in rows("8.2", DRAWN, "DISTINCT kind")} == {"city"}


def test_the_shape_is_the_one_stated() -> None:
    [(true, spend, half, cities)] = rows(
        "2.2", DRAWN,
        "avg(in_anhui::INT), median(spend), count(*) FILTER (WHERE spend >= 4000000) / count(spend), "
        "count(DISTINCT city)",
    )  # fmt: skip
    assert 0.94 < true < 0.96
    assert 1_900_000 < spend < 2_100_000  # from 10,000 yuan: half have more than 20,000
    assert 0.24 < half < 0.26  # twice the amount, half as many
    assert cities == 16
    by_city = dict(rows("2.2", DRAWN, "city, count(*)", "true GROUP BY city"))
    assert 1.8 < by_city["340100"] / by_city["340200"] < 2.2


def test_a_few_facts_are_missing_and_never_two_in_a_row() -> None:
    facts = [spec.name for spec in POLICY.rule("2.2").facts]
    missing = " + ".join(f"({name} IS NULL)::INT" for name in facts)
    [(most, each, count)] = rows("2.2", DRAWN, f"max({missing}), count(*) FILTER (WHERE spend IS NULL), count(*)")
    assert most == 1
    assert 0.5 / MISSING_ONE_IN < each / count < 2 / MISSING_ONE_IN


def test_some_reach_the_cap_and_some_do_not_reach_the_threshold() -> None:
    [(capped, count)] = rows("8.2", Sample(200_000, 3), "count(*) FILTER (WHERE city_paid > 3333333333), count(*)")
    assert 0 < capped < count / 10
    [(small, large)] = rows(
        "1.2", DRAWN, "count(*) FILTER (WHERE added_p < 400), count(*) FILTER (WHERE added_p >= 400)"
    )
    assert small > 50
    assert large > 50


def test_it_can_be_written_as_files_that_hold_the_same(tmp_path: Path) -> None:
    written = write_sample(POLICY, tmp_path / "facts", DRAWN)
    assert [path.stem for path in written] == [rule.key for rule in POLICY.rules]
    with duckdb.connect() as engine:
        assert engine.execute(f"SELECT * FROM '{tmp_path}/facts/8.2.parquet'").fetchall() == rows("8.2", DRAWN)


def test_it_says_what_it_is() -> None:
    assert DRAWN.notice == "推演样本（随机生成，种子 7），不是实际申报"


@pytest.mark.parametrize("parties", [0, -1, 100_000_001])
def test_a_province_of_no_size_is_refused(parties: int) -> None:
    with pytest.raises(LawError, match="应在 1 与 100,000,000 之间"):
        Sample(parties=parties)
