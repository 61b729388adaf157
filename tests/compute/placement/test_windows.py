"""Maintenance windows in placement: nothing is placed so that it could still run when a window begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.compute.placement.evaluate import evaluate_pools
from huisuan.compute.placement.messages import rejection_text, why_waiting
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import Needs, PlacementRequest, Pool, Rejection, Running, WaitReason
from huisuan.compute.placement.weights import weights_on
from huisuan.compute.placement.windows import BEGINS_WITHIN_S, is_open_now
from support.examples import examples

WEIGHTS = weights_on(date(2024, 1, 1))
NOW, HOUR = 1_717_200_000, 3_600


def pool(centre: str, *shut: tuple[int, int], free: int = 2, **rest: object) -> Pool:
    """Nodes of 8 free cards; windows in seconds from now."""
    windows = tuple((NOW + starts, NOW + ends) for starts, ends in shut)
    card: dict[str, object] = {"city": "340100", "vendor": "NVIDIA", "memory_gib": 80, "tflops_fp16": Decimal(312)}
    card |= {"fen_per_card_hour": 1_000, "shut": windows} | rest
    return Pool(centre=centre, model="A800", bins=(*(0,) * 8, free), **card)  # type: ignore[arg-type]


def request(uid: str = "j", *, limit: int = HOUR, hard: int | None = None, cards: int = 1) -> PlacementRequest:
    return PlacementRequest(uid, "t", Needs(cards=cards), NOW - 1_000, limit, time_limit_s=hard)


def test_a_job_whose_limit_ends_before_the_window_is_placed_and_one_whose_limit_does_not_is_not() -> None:
    soon = pool("a", (2 * HOUR, 4 * HOUR))
    placed = plan([request("short"), request("long", limit=2 * HOUR)], [soon], NOW, WEIGHTS)
    assert [each.request.uid for each in placed.placed] == ["short"]
    (waits,) = placed.waits
    assert waits.wait_reason is WaitReason.MAINTENANCE
    assert not waits.wait_reason.is_permanent
    assert why_waiting(waits)[0].text == (
        "时限会延伸到维护时段：a A800 维护 2024-06-01 10:00 至 2024-06-01 12:00；缩短时限可以早些开始"
    )


def test_the_limit_counts_and_not_how_long_the_job_is_expected_to_run() -> None:
    expected_short = request(limit=HOUR, hard=10 * HOUR)
    (waits,) = plan([expected_short], [pool("a", (2 * HOUR, 4 * HOUR))], NOW, WEIGHTS).waits
    assert waits.wait_reason is WaitReason.MAINTENANCE


def test_the_usual_wait_at_the_centre_counts_too() -> None:
    assert plan([request()], [pool("a", (2 * HOUR, 4 * HOUR), wait_s=HOUR)], NOW, WEIGHTS).placed
    assert not plan([request()], [pool("a", (2 * HOUR, 4 * HOUR), wait_s=HOUR + 1)], NOW, WEIGHTS).placed


def test_another_centre_takes_the_job_although_the_one_with_the_window_is_cheaper() -> None:
    pools = [pool("cheap", (HOUR, 2 * HOUR), fen_per_card_hour=1), pool("dear")]
    (placed,) = plan([request()], pools, NOW, WEIGHTS).placed
    assert placed.pool.centre == "dear"


def test_nothing_is_placed_while_a_window_is_under_way_and_all_is_once_it_is_over() -> None:
    assert not plan([request(limit=1)], [pool("a", (-HOUR, HOUR))], NOW, WEIGHTS).placed
    assert plan([request(limit=100 * HOUR)], [pool("a", (-2 * HOUR, 0))], NOW, WEIGHTS).placed


def test_a_preview_says_that_the_window_is_in_the_way() -> None:
    shut = pool("a", (HOUR, 2 * HOUR))
    found = evaluate_pools(request(), [shut], NOW, WEIGHTS)
    assert (found.now, found.rejected, found.possible) == ((), ((shut, Rejection.MAINTENANCE),), True)
    assert rejection_text(Rejection.MAINTENANCE, Needs(), shut) == (
        "维护 2024-06-01 09:00 至 2024-06-01 10:00，作业的时限会延伸到其中"
    )


def test_no_cards_are_reserved_for_a_start_from_which_the_job_would_reach_into_the_window() -> None:
    full = Running("r", "a", "A800", 8, 1, NOW + 2 * HOUR)
    busy = replace(pool("a", (3 * HOUR, 9 * HOUR), sizes=(*(0,) * 8, 1)), bins=(1, *(0,) * 8))
    (waits,) = plan([request(limit=2 * HOUR)], [busy], NOW, WEIGHTS, running=[full]).waits
    assert waits.reservation is None
    (waits,) = plan([request(limit=HOUR)], [busy], NOW, WEIGHTS, running=[full]).waits
    assert waits.reservation is not None


_WINDOWS = st.lists(
    st.tuples(st.integers(-3 * HOUR, 12 * HOUR), st.integers(1, 6 * HOUR)).map(lambda w: (w[0], w[0] + w[1])),
    max_size=3,
)


@given(
    st.lists(st.tuples(_WINDOWS, st.integers(0, 3 * HOUR)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 8 * HOUR), st.integers(0, 8 * HOUR), st.integers(1, 8)), max_size=12),
)
@settings(max_examples=examples(60), deadline=None)
def test_no_placed_job_can_run_within_a_window_whatever_the_windows_waits_and_limits(
    places: list[tuple[list[tuple[int, int]], int]], jobs: list[tuple[int, int, int]]
) -> None:
    pools = [pool(f"c{n}", *windows, wait_s=wait) for n, (windows, wait) in enumerate(places)]
    requests = [
        request(f"j{n}", limit=limit, hard=limit + more, cards=cards) for n, (limit, more, cards) in enumerate(jobs)
    ]
    decided = plan(requests, pools, NOW, WEIGHTS)
    assert len(decided.placed) + len(decided.waits) == len(requests)
    for each in decided.placed:
        last = NOW + max(each.pool.wait_s, BEGINS_WITHIN_S) + each.request.ended_after_s
        assert all(last <= starts or ends <= NOW for starts, ends in each.pool.shut)
    if all(is_open_now(each, place, NOW) for each in requests for place in pools):
        without = plan(requests, [replace(place, shut=()) for place in pools], NOW, WEIGHTS)
        assert [each.request.uid for each in without.placed] == [each.request.uid for each in decided.placed]
