"""Where a job goes, why there and why not yet: each rule by an example."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.compute.placement.decisions import Plan
from huisuan.compute.placement.evaluate import evaluate_pools
from huisuan.compute.placement.fair_share import decay, decayed_use, inverse_decay
from huisuan.compute.placement.messages import why_never, why_placed, why_waiting
from huisuan.compute.placement.nodes import bins_without
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.prediction.features import exp2
from huisuan.compute.placement.priority import log2
from huisuan.compute.placement.scheduler import Scheduler
from huisuan.compute.placement.scheduling_rules import Rules
from huisuan.compute.placement.types import (
    City,
    Needs,
    PlacementRequest,
    PlacementTenant,
    Pool,
    Rejection,
    Running,
    WaitReason,
)
from huisuan.compute.placement.weights import load_weights, parse_weights, weights_on
from support.examples import examples

WEIGHTS = weights_on(date(2024, 1, 1))
NOW = 1_717_200_000
HOUR = 3_600


def pool(centre: str, model: str = "A800", *, free: int = 2, busy: int = 0, **rest: Any) -> Pool:
    """So many nodes of 8 cards free, so many busy."""
    card: dict[str, Any] = {"city": "340100", "vendor": "NVIDIA", "memory_gib": 80, "tflops_fp16": Decimal(312)}
    card |= {"fen_per_card_hour": 1_000, "abilities": frozenset({"gang", "containers", "workdir"})} | rest
    return Pool(centre=centre, model=model, bins=(busy, *(0,) * 7, free), **card)


def request(uid: str = "j", tenant: str = "t", *, at: int = 0, limit: int = HOUR, **needs: Any) -> PlacementRequest:
    return PlacementRequest(uid, tenant, Needs(**needs), NOW - 1_000 + at, limit)


def planned(requests: list[PlacementRequest], pools: list[Pool], **rest: Any) -> Plan:
    return plan(requests, pools, NOW, WEIGHTS, **rest)


def where(found: Plan) -> dict[str, str]:
    return {one.request.uid: one.pool.centre for one in found.placed}


def test_the_cheaper_centre_wins_and_the_reasons_name_it_and_the_next() -> None:
    (placed,) = planned([request()], [pool("dear", fen_per_card_hour=1_200), pool("cheap")]).placed
    assert placed.pool.centre == "cheap"
    texts = [reason.text for reason in why_placed(placed)]
    assert texts[0] == "选中 cheap A800：每卡时 10.00 元"
    assert texts[1] == "比其次的 dear A800 好在净价"
    assert texts[2] == "其次：dear A800（每卡时 12.00 元）"


def test_what_comes_back_may_make_the_dearer_centre_the_better_one() -> None:
    pools = [pool("own", fen_per_card_hour=1_000), pool("other", fen_per_card_hour=1_100)]
    half = PlacementTenant("t", subsidy=Fraction(1, 2), no_subsidy_at=frozenset({"own"}))
    (one,) = planned([request()], pools, tenants=[half]).placed
    assert (one.pool.centre, one.chosen.net_fen) == ("other", 550)


def test_a_cap_that_is_used_up_leaves_the_full_price_to_the_next_job() -> None:
    tenant = PlacementTenant("t", subsidy=Fraction(1, 2), remaining_fen=700)
    found = planned(
        [request("a", cards=1), request("b", at=1, cards=1), request("c", at=2, cards=1)], [pool("x")], tenants=[tenant]
    )
    assert [one.chosen.net_fen for one in found.placed] == [500, 800, 1_000]


def test_data_draws_work_to_its_centre_then_to_its_city() -> None:
    pools = [pool("a", city="340200"), pool("b", city="340100"), pool("c", city="340100")]
    (one,) = planned([request(data_centre="c", data_city="340100")], pools).placed
    assert [one.pool.centre, *(other.pool.centre for other in one.runners_up)] == ["c", "b", "a"]


def test_an_h100_is_not_burnt_on_what_a_t4_does() -> None:
    big = pool("big", "H100", tflops_fp16=Decimal(989))
    small = pool("small", "T4", tflops_fp16=Decimal(65), memory_gib=16)
    assert where(planned([request("any"), request("much", at=1, min_tflops_fp16=Decimal(500))], [big, small])) == {
        "any": "small",
        "much": "big",
    }


def test_a_small_job_goes_where_it_leaves_whole_nodes_whole() -> None:
    begun = Pool("b", "340100", "A800", "NVIDIA", 80, Decimal(312), (0, 0, 1, 0, 0, 0, 0, 0, 1), 1_000)
    assert where(planned([request(cards=2)], [pool("a"), begun])) == {"j": "b"}


@pytest.mark.parametrize(
    ("needs", "rejection"),
    [
        ({"centre": "elsewhere"}, Rejection.CENTRE),
        ({"city": "340200"}, Rejection.CITY),
        ({"not_at": frozenset({"x"})}, Rejection.REFUSED),
        ({"models": ("T4",)}, Rejection.MODEL),
        ({"vendor": "Huawei"}, Rejection.VENDOR),
        ({"min_memory_gib": 81}, Rejection.MEMORY),
        ({"min_tflops_fp16": Decimal("312.1")}, Rejection.TFLOPS),
        ({"cards": 9}, Rejection.SIZE),
        ({"cards": 24, "nodes": 3}, Rejection.SIZE),
        ({"abilities": frozenset({"suspend"})}, Rejection.ABILITY),
        ({"price_ceiling_fen": 999}, Rejection.PRICE),
    ],
)
def test_what_nobody_can_ever_run_is_said_at_once_with_the_reason(needs: dict[str, Any], rejection: Rejection) -> None:
    found = evaluate_pools(request(**needs), [pool("x")], NOW, WEIGHTS)
    assert not found.possible
    assert [reason for _, reason in found.rejected] == [rejection]
    reason = why_never(found.needs, found.rejected)
    assert reason.code == "never"
    assert "等待也无用" in reason.text
    (waits,) = planned([request(**needs)], [pool("x")]).waits
    assert waits.wait_reason is WaitReason.NEVER
    assert waits.wait_reason.is_permanent


def test_a_price_that_nobody_set_is_not_below_a_ceiling() -> None:
    found = evaluate_pools(request(price_ceiling_fen=5_000), [pool("x", fen_per_card_hour=None)], NOW, WEIGHTS)
    assert found.rejected[0][1] is Rejection.NO_PRICE


def test_nodes_that_are_down_may_come_back() -> None:
    down = Pool("x", "340100", "A800", "NVIDIA", 80, Decimal(312), (0,) * 9, 1_000, sizes=(*(0,) * 8, 2))
    (waits,) = planned([request(cards=8)], [down]).waits
    assert waits.wait_reason is WaitReason.ROOM
    assert evaluate_pools(request(cards=8), [down], NOW, WEIGHTS).possible


def test_a_centre_that_is_not_connected_gets_nothing_and_is_named() -> None:
    (waits,) = planned([request()], [pool("x", online=False)]).waits
    assert waits.wait_reason is WaitReason.OFFLINE
    assert "x A800" in why_waiting(waits)[0].text


def test_free_cards_in_pieces_are_told_as_such() -> None:
    pieces = Pool("x", "340100", "A800", "NVIDIA", 80, Decimal(312), (0, 0, 0, 0, 3, 0, 0, 0, 0), 1_000,
                  sizes=(*(0,) * 8, 3))  # fmt: skip
    (waits,) = planned([request(cards=8)], [pieces]).waits
    assert "空闲 12/24 卡，但一个节点最多空 4 卡" in why_waiting(waits)[0].text


def test_a_gang_that_does_not_fit_gets_cards_kept_and_only_what_is_over_in_time_goes_past() -> None:
    running = [Running("r", "x", "A800", 8, 1, NOW + 2 * HOUR)]
    jobs = [
        request("gang", cards=16, nodes=2),
        request("long", at=1, limit=3 * HOUR, cards=8),
        request("short", at=2, limit=2 * HOUR, cards=8),
    ]
    found = planned(jobs, [pool("x", free=1, busy=1)], running=running)
    (placed,) = found.placed
    assert (placed.request.uid, placed.backfilled) == ("short", True)
    waits = {one.request.uid: one for one in found.waits}
    kept = waits["gang"].reservation
    assert kept is not None
    assert kept.starts_s == NOW + 2 * HOUR
    assert "为它留卡" in "".join(reason.text for reason in why_waiting(waits["gang"]))
    assert waits["long"].ahead == 1
    assert "backfilled" in [reason.code for reason in why_placed(placed)]


def test_a_long_job_may_use_what_the_gang_leaves_over() -> None:
    running = [Running("r", "x", "A800", 8, 1, NOW + HOUR)]
    jobs = [request("gang", cards=16, nodes=2), request("long", at=1, limit=90 * HOUR, cards=8)]
    assert where(planned(jobs, [pool("x", free=1, busy=1), pool("y", free=1)], running=running)) == {"long": "y"}


def test_cards_that_are_free_but_kept_are_told_as_kept() -> None:
    running = [Running("r", "x", "A800", 8, 1, NOW + HOUR)]
    jobs = [request("gang", cards=16, nodes=2), request("long", at=1, limit=90 * HOUR, cards=8)]
    found = planned(jobs, [pool("x", free=1, busy=1)], running=running)
    assert {one.request.uid: one.wait_reason for one in found.waits} == {
        "gang": WaitReason.ROOM,
        "long": WaitReason.RESERVED,
    }


def test_a_tenant_that_used_more_than_its_share_comes_after_one_that_did_not() -> None:
    tenants = [PlacementTenant("much", use=10**10), PlacementTenant("little")]
    jobs = [request("m", "much", cards=8), request("l", "little", at=60, cards=8)]
    assert list(where(planned(jobs, [pool("x", free=1)], tenants=tenants))) == ["l"]


def test_tenants_take_turns_while_cards_last() -> None:
    jobs = [request(f"{tenant}{n}", tenant, at=n, limit=24 * HOUR, cards=8) for tenant in "ab" for n in range(4)]
    assert sorted(where(planned(jobs, [pool("x", free=4)]))) == ["a0", "a1", "b0", "b1"]


def test_who_waited_long_comes_first_whatever_its_length() -> None:
    old = PlacementRequest("old", "t", Needs(cards=8), NOW - 30 * WEIGHTS.order.aging_s * 5, 40 * HOUR)
    new = PlacementRequest("new", "t", Needs(cards=8), NOW, 60)
    assert list(where(planned([new, old], [pool("x", free=1)]))) == ["old"]


def test_a_deadline_that_comes_near_moves_a_job_ahead() -> None:
    plain = PlacementRequest("plain", "t", Needs(cards=8), NOW - 600, HOUR)
    urgent = PlacementRequest("urgent", "t", Needs(cards=8), NOW, HOUR, NOW + 2 * HOUR)
    relaxed = PlacementRequest("relaxed", "t", Needs(cards=8), NOW, HOUR, NOW + 40 * 24 * HOUR)
    assert list(where(planned([plain, urgent], [pool("x", free=1)]))) == ["urgent"]
    assert list(where(planned([plain, relaxed], [pool("x", free=1)]))) == ["plain"]


def test_quotas_hold_and_say_what_is_held() -> None:
    tenants = [PlacementTenant("t", "340100", most_cards=10, held=4), PlacementTenant("u", "340100", held=0)]
    jobs = [request("a", cards=8), request("b", at=1, cards=4), request("c", at=2, cards=8, nodes=1, min_memory_gib=1)]
    found = planned(jobs, [pool("x")], tenants=tenants)
    assert list(where(found)) == ["b"]
    waits = {one.request.uid: one for one in found.waits}
    assert waits["a"].wait_reason is WaitReason.TENANT_QUOTA
    assert "已占用 4 卡，上限 10 卡" in why_waiting(waits["a"])[0].text
    capped = planned([request("d", "u", cards=8)], [pool("x")], tenants=tenants, cities=[City("340100", 10, 4)])
    assert capped.waits[0].wait_reason is WaitReason.CITY_QUOTA
    more = planned([request("e", cards=16, nodes=2)], [pool("x")], tenants=tenants)
    assert more.waits[0].wait_reason is WaitReason.TENANT_NEVER


def test_strict_order_lets_the_first_hold_up_the_rest_and_says_so() -> None:
    jobs = [request("a", cards=16, nodes=2), request("b", at=1, cards=1)]
    found = planned(jobs, [pool("x", free=1, busy=1)], rules=Rules("arrival", False, True, False))
    assert {one.request.uid: one.wait_reason for one in found.waits} == {"a": WaitReason.ROOM, "b": WaitReason.BEHIND}


def test_a_preview_tells_where_now_and_where_later() -> None:
    running = [Running("r", "full", "A800", 8, 1, NOW + HOUR)]
    pools = [pool("full", free=0, busy=1), pool("free", wait_s=600), pool("unknown", free=0, busy=1)]
    found = evaluate_pools(request(cards=8), pools, NOW, WEIGHTS, running=running)
    assert [(one.pool.centre, one.starts_s) for one in found.now] == [("free", NOW + 600)]
    assert [(one.pool.centre, one.starts_s) for one in found.later] == [("full", NOW + HOUR)]
    assert found.rejected[0][1] is Rejection.ROOM


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32))
def test_jobs_estimated_anew_together_are_placed_as_if_they_had_come_so(seed: int) -> None:
    draw = Random(seed)
    again = {user: (draw.choice((60, 3_600)), draw.choice((7_200, 90_000))) for user in "abc"}
    anew, at_once = (Scheduler([pool("x", free=3)], WEIGHTS) for _ in range(2))
    for number in range(30):
        user = draw.choice("abc")
        first = request(str(number), at=draw.randint(-9, 0), cards=8, tenant=user)
        predicted_s, limit_s = again[user]
        anew.submit(
            first._replace(predicted_s=draw.choice((60, 600)), limit_s=draw.choice((600, 7_200))), NOW, peers=user
        )
        at_once.submit(first._replace(predicted_s=predicted_s, limit_s=limit_s), NOW)
    for user, (predicted_s, limit_s) in again.items():
        anew.estimate(user, predicted_s, limit_s)
    for at in range(NOW, NOW + 11):
        placed = at_once.run_cycle(at)
        assert [one.request for one in anew.run_cycle(at, explain=False)] == [one.request for one in placed]
        for one in placed:
            anew.finish(one.request.uid, at)
            at_once.finish(one.request.uid, at)
    assert anew.backlog.groups == at_once.backlog.groups == anew.backlog.series == anew.backlog.leading == {}


def test_cards_that_come_back_are_given_again() -> None:
    scheduler = Scheduler([pool("x", free=1)], WEIGHTS)
    scheduler.submit(request("a", cards=8), NOW)
    scheduler.submit(request("b", at=1, cards=8), NOW)
    assert [one.request.uid for one in scheduler.run_cycle(NOW)] == ["a"]
    assert scheduler.run_cycle(NOW + 1) == []
    scheduler.finish("a", NOW + 2)
    assert [one.request.uid for one in scheduler.run_cycle(NOW + 2)] == ["b"]


def test_bins_less_a_gang_lose_a_node_of_its_own_for_each_piece() -> None:
    assert bins_without((0, 0, 0, 0, 0, 0, 0, 0, 3), 16, 2) == (2, 0, 0, 0, 0, 0, 0, 0, 1)
    assert bins_without((0, 0, 1, 0, 2), 5, 2) == (1, 1, 0, 0, 1)
    assert bins_without((2, 0), 1, 1) == (2, 0)


def test_use_is_forgotten_by_halves() -> None:
    assert decay(1_000, 0, 100) == 1_000
    assert decay(1_000, 100, 100) == 500
    assert decay(1_000, 1_000, 100) == 0
    assert decayed_use([(NOW - 100, 60, Decimal("312.5")), (NOW, 2, Decimal(10))], NOW, 100) == 9_375 + 20


@given(st.integers(0, 10**15), st.integers(0, 10**6), st.integers(1, 10**6))
def test_what_rises_by_so_much_fades_back_to_what_it_was(amount: int, age: int, half_life: int) -> None:
    if age // half_life < 500:
        assert abs(decay(inverse_decay(amount, age, half_life), age, half_life) - amount) <= 1


@given(st.integers(1, 2**40))
def test_doublings_and_powers_undo_each_other(amount: int) -> None:
    assert abs(exp2(log2(amount)) - amount) <= max(amount // 100_000, 1)


SET = (
    '[[weights]]\nname = "a"\nvalid_from = 2024-01-01\nauthority = "x"\n'
    "[weights.score]\nstart=1\nprice=1\ndistance=1\nfit=1\nfragmentation=1\n"
    "[weights.scale]\nstart_half_s=1\nprice_fen=1\nprice_unknown=1\nsame_city=1\nelsewhere=1\ntflops=1\nmemory_gib=1\n"
    "[weights.demand]\n1=1000\n"
    "[weights.order]\nhalf_life_s=1\nfair=1\nlength=1\ndeadline=1\ndeadline_slack_s=1\naging_s=1\n"
)


def test_weights_hold_from_their_day_on() -> None:
    two = parse_weights("w", SET + SET.replace('"a"', '"b"').replace("2024", "2025"))
    assert weights_on(date(2024, 12, 31), two).name == "a"
    assert weights_on(date(2025, 1, 1), two).name == "b"
    with pytest.raises(Refused, match="2024-01-01"):
        weights_on(date(2023, 12, 31), two)
    assert all(one.authority for one in load_weights())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (SET.replace("fit=1", "fit=0.5"), "fit"),
        (SET.replace("fit=1\n", ""), "fit"),
        (SET + "colour=1\n", "colour"),
        (SET.replace("aging_s=1", "aging_s=0"), "aging_s"),
        (SET.replace("1=1000", "one=1000"), "demand"),
        (SET + SET, "相同"),
        ("", "weights"),
        ("[[", "TOML"),
        ("weights = 5", "weights"),
    ],
)
def test_weights_that_are_wrong_are_refused_by_name(wrong: str, told: str) -> None:
    with pytest.raises(Refused, match=told):
        parse_weights("w.toml", wrong)
