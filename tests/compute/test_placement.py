"""Where a job goes, and why: pure."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.placement import Ask, Pool, place, place_all


def pool(
    centre: str, model: str = "910B3", cards: int = 8, free: int = 8, price: int | None = 1000, **rest: Any
) -> Pool:
    return Pool(centre, model, cards, free, price, **rest)


def test_the_cheapest_pool_with_room_wins_and_the_reasons_name_it_and_the_runner_up() -> None:
    answer = place(Ask("j", 4), [pool("a", price=1200), pool("b", price=1000), pool("c", price=900, free=2)])
    assert answer.chosen is not None
    assert answer.chosen.centre == "b"
    assert [one.centre for one in answer.runners_up] == ["a"]
    assert answer.reasons == (
        "选中 b 910B3：每卡时 10.00 元，空闲 8/8 卡",
        "其次：a 910B3（每卡时 12.00 元，空闲 8 卡）",
        "当时不可用：c 910B3（空闲 2/8 卡）",
    )


def test_at_the_same_price_the_emptier_centre_wins_then_the_code() -> None:
    assert place(Ask("j", 1), [pool("a", free=3), pool("b", free=5)]).chosen.centre == "b"
    assert place(Ask("j", 1), [pool("b"), pool("a")]).chosen.centre == "a"


def test_a_pool_without_a_price_comes_after_every_priced_one() -> None:
    assert place(Ask("j", 1), [pool("a", price=None), pool("b", price=9_000_000)]).chosen.centre == "b"


def test_a_wanted_model_and_centre_are_kept_to() -> None:
    pools = [pool("a", model="A100"), pool("b", model="910B3", price=9999), pool("c", model="910B3")]
    assert place(Ask("j", 1, model="910B3", centre="b"), pools).chosen.centre == "b"


def test_a_full_pool_makes_the_job_wait_and_says_for_what() -> None:
    answer = place(Ask("j", 4), [pool("a", free=3)])
    assert answer.chosen is None
    assert answer.possible
    assert answer.reasons == ("等待 4 卡：a 910B3 空闲 3/8 卡",)


def test_a_centre_whose_agent_is_gone_gets_no_job() -> None:
    answer = place(Ask("j", 1), [pool("a", online=False)])
    assert answer.chosen is None
    assert answer.reasons == ("等待 1 卡：a 910B3 站点代理未连接",)


def test_a_job_larger_than_any_pool_can_never_run() -> None:
    answer = place(Ask("j", 9), [pool("a"), pool("b", cards=4)])
    assert not answer.possible
    assert answer.reasons == ("各智算中心都没有这么多卡：要 9 卡，一处最多 8 卡",)


def test_a_model_that_nobody_has_can_never_run() -> None:
    answer = place(Ask("j", 1, model="H100", centre="a"), [pool("a")])
    assert not answer.possible
    assert "智算中心 a 没有可供平台作业使用的 H100" in answer.reasons[0]


def test_small_jobs_do_not_overtake_a_large_one_that_waits_for_the_same_pool() -> None:
    asks = [Ask("large", 8), Ask("small", 1)]
    answers = place_all(asks, [pool("a", free=4)])
    assert [placement.chosen for _, placement in answers] == [None, None]


def test_a_job_that_waits_holds_back_nobody_at_another_pool() -> None:
    asks = [Ask("large", 8, centre="a"), Ask("small", 1)]
    answers = place_all(asks, [pool("a", free=4, price=1), pool("b", price=2)])
    assert answers[1][1].chosen.centre == "b"


@given(
    st.lists(st.integers(1, 6), max_size=12),
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=4),
)
def test_no_card_is_ever_given_twice(wants: list[int], rooms: list[tuple[int, int, int]]) -> None:
    pools = [pool(str(n), cards=cards, free=min(cards, free), price=p) for n, (cards, free, p) in enumerate(rooms)]
    given_away = dict.fromkeys((one.centre for one in pools), 0)
    for ask, placement in place_all([Ask(str(n), cards) for n, cards in enumerate(wants)], pools):
        if placement.chosen:
            given_away[placement.chosen.centre] += ask.cards
    assert all(given_away[one.centre] <= one.free for one in pools)
