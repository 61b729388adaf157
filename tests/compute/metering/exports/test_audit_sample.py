"""A sample for an audit: drawn by the seed alone, the same again, each line proved, any change of it found."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.sample import allocate_sample, check_sample, sample_digest, sample_rank
from huisuan.compute.metering.audit.verify import verify_document
from huisuan.compute.metering.exports.audit_sample import SampleRequest, draw_sample
from huisuan.compute.metering.ledger.merkle import inclusion_proof, inclusion_proofs
from huisuan.compute.metering.seals.seal_month import seal_month
from support.usage_records import A800, NOW, centre, imported, line, party, sacct

SEED = "双色球 2024-037"


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.tuples(st.integers(1, 60), st.integers(0, 10**6)), min_size=1
    ),
    st.integers(0, 200),
)
def test_an_allocation_takes_one_of_each_and_adds_up(strata: dict[str, tuple[int, int]], more: int) -> None:
    size, whole = len(strata) + more, sum(records for records, _ in strata.values())
    taken = allocate_sample(size, strata)
    assert sum(taken.values()) == min(size, whole)
    assert all(1 <= taken[name] <= records for name, (records, _) in strata.items())


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 30), st.integers(0, 60)), min_size=1),
    st.integers(0, 40),
)
def test_a_larger_sample_takes_no_less_of_any_stratum(strata: dict[str, tuple[int, int]], more: int) -> None:
    small, large = (allocate_sample(len(strata) + more + one, strata) for one in (0, 1))
    assert all(small[name] <= large[name] for name in strata)


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=40), st.data())
def test_the_proofs_of_several_are_the_proofs_of_each(entries: list[bytes], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=8))
    assert inclusion_proofs(entries, places) == [inclusion_proof(entries, place) for place in places]


@pytest.fixture
def sealed(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two centres with a price and a sealed March; the first has thirty records of two parties."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    for name in ("c1", "c2"):
        centre(name)
        set_tariff(name, A800, "1000", date(2024, 1, 1))
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\nli,{party(2).uscc}\n".encode(), "t.csv")
    jobs = []
    for number in range(30):
        start = f"2024-03-{number % 28 + 1:02d}T00:00:00"
        end = f"2024-03-{number % 28 + 1:02d}T{number % 23 + 1:02d}:00:00"
        user = "li" if number % 5 == 0 else "zhang"
        jobs.append(line(number, Submit=start, Eligible=start, Start=start, End=end, User=user))
    imported(sacct(*jobs), tenants=tenants)
    imported(sacct(line(1), line(2)), at="c2", tenants=tenants)
    for name in ("c1", "c2"):
        seal_month(name, Month(2024, 3), by="王", now=NOW)


def drawn(**wanted: Any) -> dict[str, Any]:
    return draw_sample(SampleRequest(**{"seed": SEED, "size": 8, "by": "centre", **wanted}), NOW)


def names(sample: dict[str, Any]) -> list[tuple[str, int]]:
    return [(each["record"]["centre"], each["record"]["sequence"]) for each in sample["lines"]]


def test_the_same_seed_draws_the_same_and_another_draws_others(sealed: None) -> None:
    assert drawn() == drawn()
    assert names(drawn(seed="另一个")) != names(drawn())
    strata = drawn()["strata"]
    assert (strata["c1"]["taken"], strata["c2"]["taken"]) == (7, 1)


def test_those_of_the_lowest_ranks_are_drawn_and_a_larger_sample_holds_the_smaller(sealed: None) -> None:
    everyone = drawn(size=32)
    assert len(everyone["lines"]) == 32
    ranks = sorted(each["rank"] for each in everyone["lines"] if each["stratum"] == "c1")
    few = [each["rank"] for each in drawn()["lines"] if each["stratum"] == "c1"]
    assert few == ranks[:7]
    assert all(each["rank"] == sample_rank(SEED, each["leaf"]) for each in everyone["lines"])


@pytest.mark.parametrize("by", ["centre", "party", "amount"])
def test_each_line_is_proved_with_keys_alone(sealed: None, tmp_path: Path, by: str) -> None:
    file = tmp_path / "sample.json"
    file.write_text(json.dumps(drawn(by=by), ensure_ascii=False), encoding="utf-8")
    assert verify_document(file, platform_key.public()) == ([], 8)
    assert verify_document(file, "0" * 64)[0]


def test_by_amount_most_are_taken_where_most_money_is(sealed: None) -> None:
    strata = drawn(by="amount", size=10)["strata"]
    heavy = max(strata.values(), key=lambda each: each["amount_fen"])
    assert heavy["taken"] == max(each["taken"] for each in strata.values())


def resigned(sample: dict[str, Any]) -> dict[str, Any]:
    """As whoever holds the platform's key would sign it anew."""
    signed = {name: value for name, value in sample.items() if name != "signature"}
    return {**signed, "signature": platform_key.sign(sample_digest(signed))}


def test_a_record_a_line_a_rank_or_a_seed_that_was_changed_is_found_though_all_is_signed_anew(sealed: None) -> None:
    key = platform_key.public()
    for change in (
        lambda sample: sample["lines"][0]["record"].update(card_seconds=1),
        lambda sample: sample["lines"][0]["source"].update(raw_base64=base64.b64encode(b"x").decode()),
        lambda sample: sample["lines"][0].update(rank="0" * 64),
        lambda sample: sample.update(seed="挑过的"),
        lambda sample: sample["lines"].pop(),
        lambda sample: sample["lines"].__setitem__(1, sample["lines"][0]),
        lambda sample: sample["lines"][0].update(stratum="c2"),
        lambda sample: sample["lines"][0].update(stratum="c3"),
        lambda sample: sample["strata"]["c1"].update(records=40),
        lambda sample: sample["months"].pop(),
        lambda sample: sample["months"][0].update(root="0" * 64),
        lambda sample: (sample["lines"].pop(), sample["strata"]["c2"].update(taken=0), sample.update(size=7)),
    ):
        sample = drawn()
        change(sample)
        assert check_sample(sample, key), "the signature alone shows it"
        assert check_sample(resigned(sample), key)


def test_a_record_that_was_corrected_since_says_by_which(sealed: None) -> None:
    start, end = "2024-03-02T00:00:00", "2024-03-02T23:00:00"
    corrected = line(1, Submit=start, Eligible=start, Start=start, End=end)
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t.csv")
    assert imported(sacct(corrected), name="later.txt", tenants=tenants).superseding == 1
    sample = drawn(size=32)
    found = {name: each["superseded_by"] for name, each in zip(names(sample), sample["lines"], strict=True)}
    assert {place: by for place, by in found.items() if by} == {("c1", 2): 31}
    assert check_sample(sample, platform_key.public()) == []


def test_what_cannot_be_drawn_is_refused_with_the_rule(sealed: None) -> None:
    for wrong in ({"seed": ""}, {"seed": "a\nb"}, {"size": 0}, {"size": 10**6}, {"by": "user"}, {"size": 1}):
        with pytest.raises(InvalidRequest):
            drawn(**wrong)
    for nowhere in ({"year": 2023}, {"month": Month(2024, 4)}, {"centre": "c3"}):
        with pytest.raises(NotFound):
            drawn(**nowhere)
