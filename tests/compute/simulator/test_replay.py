"""Replaying traces: the clock, the policies, what is measured, and the peer's figures on a public trace."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.cli.main import assemble
from huisuan.compute.placement.weights import weights_on
from huisuan.compute.simulator.cluster import World, one_pool, read_world
from huisuan.compute.simulator.metrics import Measures, busy, jain, quantile, replay_measures
from huisuan.compute.simulator.policies import POLICIES
from huisuan.compute.simulator.replay import Replay, ReplayedJob
from huisuan.compute.simulator.trace_jobs import TraceJob, read_trace
from support.examples import examples

TRACES = Path(__file__).parents[4] / "shared" / "traces"
WEIGHTS = weights_on(date(2024, 1, 1))


def job(number: int, at: int, lasts: int, cards: int, tenant: str = "t") -> TraceJob:
    return TraceJob(number, str(number), at, lasts, cards, tenant, tenant)


def replayed(jobs: list[TraceJob], world: World, policy: str) -> list[ReplayedJob]:
    return Replay(jobs, world, POLICIES[policy], WEIGHTS).run()


def begun(ran: list[ReplayedJob]) -> dict[int, int]:
    return {one.job.line: one.started_s for one in ran}


def test_first_come_first_served_lets_the_head_hold_up_all_others() -> None:
    jobs = [job(1, 0, 100, 6), job(2, 1, 10, 4), job(3, 2, 10, 1)]
    assert begun(replayed(jobs, one_pool("1x8"), "fifo")) == {1: 0, 2: 100, 3: 100}


def test_shortest_first_looks_at_true_durations() -> None:
    jobs = [job(1, 0, 100, 8), job(2, 1, 50, 8), job(3, 2, 10, 8)]
    assert begun(replayed(jobs, one_pool("1x8"), "sjf")) == {1: 0, 3: 100, 2: 110}


def test_ours_lets_a_small_job_past_one_that_finds_no_room() -> None:
    jobs = [job(1, 0, 100, 6), job(2, 1, 10, 4), job(3, 2, 10, 1)]
    assert begun(replayed(jobs, one_pool("1x8"), "huisuan"))[3] == 2


def test_fair_share_serves_the_tenant_that_used_less() -> None:
    jobs = [job(n, 0, 100_000, 8, "much") for n in range(1, 4)] + [job(9, 1, 100, 8, "little")]
    starts = begun(replayed(jobs, one_pool("1x8"), "fair"))
    assert starts[9] == 100_000  # before two that came earlier


@pytest.mark.parametrize("first_s", [0, 1_000_000])
def test_use_of_long_ago_counts_less_also_where_the_trace_begins_at_second_0(first_s: int) -> None:
    day_s = 86_400
    jobs = [
        job(1, first_s, 7 * day_s, 8, "long ago"),
        job(2, first_s + 35 * day_s, 2 * day_s, 8, "lately"),
        job(3, first_s + 36 * day_s, day_s, 8, "lately"),
        job(4, first_s + 36 * day_s, day_s, 8, "long ago"),
    ]
    assert begun(replayed(jobs, one_pool("1x8"), "fair"))[4] == first_s + 37 * day_s


def test_a_job_larger_than_a_node_takes_whole_nodes() -> None:
    jobs = [job(1, 0, 100, 1), job(2, 1, 10, 16), job(3, 2, 10, 8)]
    assert begun(replayed(jobs, one_pool("2x8"), "fifo")) == {1: 0, 2: 100, 3: 110}


def test_a_job_of_no_length_ends_at_once() -> None:
    assert begun(replayed([job(1, 5, 0, 8), job(2, 5, 3, 8)], one_pool("1x8"), "fifo")) == {1: 5, 2: 5}


@settings(max_examples=examples(30))
@given(st.integers(0, 2**32), st.sampled_from(sorted(POLICIES)))
def test_a_replay_loses_no_job_and_no_card_second_and_gives_no_card_twice(seed: int, policy: str) -> None:
    draw = Random(seed)
    jobs = sorted(
        (
            job(n, draw.randint(0, 500), draw.choice([0, 5, 50, 900]), draw.choice([1, 2, 4, 8, 16]), draw.choice("ab"))
            for n in range(draw.randint(1, 60))
        ),
        key=lambda one: (one.submitted_s, one.line),
    )
    world = one_pool("3x8")
    ran = replayed(jobs, world, policy)
    assert Counter(one.job.line for one in ran) == Counter(one.line for one in jobs)
    assert all(one.started_s >= one.job.submitted_s for one in ran)
    change: Counter[int] = Counter()
    for one in ran:
        change[one.started_s] += one.job.cards
        change[one.ended_s] -= one.job.cards
    held = 0
    for at in sorted(change):
        held += change[at]
        assert 0 <= held <= world.cards
    assert held == 0
    until = max(one.ended_s for one in ran) + 1
    assert sum(busy(ran, 0, until, 37)) == sum(one.duration_s * one.cards for one in jobs)


@settings(max_examples=examples(30))
@given(st.integers(0, 2**32), st.sampled_from(sorted(POLICIES)))
def test_the_same_trace_gives_the_same_replay(seed: int, policy: str) -> None:
    draw = Random(seed)
    jobs = [job(n, n * 3, draw.randint(1, 400), draw.choice([1, 4, 8, 16])) for n in range(40)]
    assert replayed(jobs, one_pool("2x8"), policy) == replayed(jobs, one_pool("2x8"), policy)


def test_under_a_stream_of_small_jobs_a_gang_begins_within_the_bound_of_aging() -> None:
    """Small jobs fill every hole for ever: without reservations the gang waits until the stream ends."""
    order = WEIGHTS.order
    bound = order.aging_s * (order.fair + order.length + order.deadline)
    small = [job(n, n * 100, 400, 4) for n in range(2 * bound // 100)]
    gang = job(10**6, 1_000, 60, 16)
    jobs = sorted([*small, gang], key=lambda one: (one.submitted_s, one.line))
    waited = {
        policy: next(one.waited_s for one in replayed(jobs, one_pool("2x8"), policy) if one.job is gang)
        for policy in ("fair", "huisuan")
    }
    assert waited["huisuan"] <= bound < waited["fair"]


def test_what_is_measured_is_what_happened() -> None:
    world = one_pool("1x8")
    found = replay_measures(
        "fifo", replayed([job(1, 0, 100, 8, "a"), job(2, 0, 100, 8, "b")], world, "fifo"), world, 0.5
    )
    assert (found.mean_jct_s, found.mean_queue_s, found.median_queue_s, found.max_queue_s) == (150, 50, 50, 100)
    assert (found.utilisation, found.card_seconds, found.jobs_per_s) == (1.0, 1_600, 4)
    assert found.fairness == round(jain([1.0, 0.5]), 4) == 0.9
    assert found.cost_fen is None


def test_quantiles_grow_evenly_between_values() -> None:
    assert quantile([0, 10], 50) == 5
    assert quantile([7], 99) == 7


CENTRES = """
subsidy = "20%"
cap_fen = 100
[[centres]]
code = "hefei"
model = "A800-SXM4-80GB"
nodes = 1
cards_per_node = 8
price_fen = 1000
[[tenants]]
code = "b"
subsidy = "1/3"
cap_fen = 10000
"""


def test_prices_and_subsidies_are_exact_sums_cut_once_per_tenant(tmp_path: Path) -> None:
    path = tmp_path / "centres.toml"
    path.write_text(CENTRES)
    world = read_world(path)
    assert world.tenant("a").subsidy == Fraction(1, 5)
    ran = replayed([job(1, 0, 1, 1, "a"), job(2, 0, 1, 1, "a"), job(3, 0, 3600, 8, "b")], world, "fifo")
    found = replay_measures("fifo", ran, world, 1.0)
    assert found.cost_fen == 0 + 8_000  # two card-seconds at 1000 fen an hour are less than one fen
    assert found.subsidy_fen == 2_666


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[centres]]", "code"),
        (CENTRES + "colour = 1", "colour"),
        (CENTRES.replace('"20%"', "0.2"), "subsidy"),
        (CENTRES.replace("A800-SXM4-80GB", "X9000"), "X9000"),
        ("not toml", "读不出来"),
    ],
)
def test_a_list_of_centres_that_is_wrong_says_where(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "centres.toml"
    path.write_text(text)
    with pytest.raises(Refused, match=told):
        read_world(path)


@pytest.mark.parametrize("text", ["100", "0x8", "100x0", "axb", "100x8x2"])
def test_a_pool_is_nodes_by_cards(text: str) -> None:
    with pytest.raises(Refused, match="--pool"):
        one_pool(text)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.csv"
    path.write_text("job_id,submit_s,duration_s,gpus\n1,0,100,8\n2,5,10,8\n3,6,x,1\n4,7,1,999\n")
    return path


def asked(*words: str) -> Any:
    return CliRunner().invoke(assemble(), ["simulate", *words])


def test_the_command_answers_in_json_policy_by_policy(small: Path) -> None:
    result = asked("--trace", str(small), "--pool", "1x8", "--policy", "fifo,huisuan", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert sorted(answer["policies"]) == ["fifo", "huisuan"]
    assert {"mean_jct_s", "mean_queue_s", "p99_queue_s", "utilisation"} <= answer["policies"]["fifo"].keys()
    assert answer["policies"]["fifo"]["mean_queue_s"] == 47.5
    assert (answer["faults"][0]["line"], answer["too_large"]) == (4, 1)


def test_without_a_policy_all_are_compared_and_the_help_names_them(small: Path) -> None:
    result = asked("--trace", str(small), "--pool", "1x8", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["policies"].keys() == POLICIES.keys()
    shown = asked("--help").output
    assert [name for name in POLICIES if name not in shown] == []


@pytest.mark.slow
def test_the_command_draws_and_tells_what_was_left_out(small: Path, tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    result = asked("--trace", str(small), "--pool", "1x8", "--policy", "fifo", "--chart", str(chart))
    assert result.exit_code == 0, result.output
    assert chart.read_text().startswith("<svg")


def test_the_command_wants_to_know_where(small: Path) -> None:
    assert asked("--trace", str(small)).exit_code == 2
    wrong = asked("--trace", str(small), "--pool", "1x8", "--policy", "magic").exception
    assert "magic" in str(wrong)


@pytest.fixture(scope="module")
def venus() -> dict[str, Measures]:
    path = TRACES / "venus-2020-09.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    jobs, world = read_trace(path).jobs, one_pool("100x8")
    return {name: replay_measures(name, replayed(jobs, world, name), world, 1.0) for name in ("fifo", "sjf", "huisuan")}


@pytest.mark.traces
def test_on_venus_the_averages_are_those_of_the_published_simulator(venus: dict[str, Measures]) -> None:
    assert venus["fifo"].mean_jct_s == pytest.approx(14_395.6, rel=0.01)
    assert venus["fifo"].p99_queue_s == pytest.approx(37_487, rel=0.01)
    assert venus["sjf"].mean_jct_s == pytest.approx(9_150.2, rel=0.01)


@pytest.mark.traces
def test_on_venus_ours_is_far_better_than_first_come_first_served(venus: dict[str, Measures]) -> None:
    assert venus["huisuan"].mean_jct_s < 0.7 * venus["fifo"].mean_jct_s
    assert venus["huisuan"].card_seconds == venus["fifo"].card_seconds


@pytest.mark.traces
def test_on_135_nodes_hardly_anyone_waits() -> None:
    path = TRACES / "venus-2020-09.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    world = one_pool("135x8")
    found = replay_measures("fifo", replayed(read_trace(path).jobs, world, "fifo"), world, 1.0)
    assert found.mean_queue_s == pytest.approx(1.6, abs=0.1)
