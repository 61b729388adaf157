"""Who uses its own, on which days (2.2: 自建自用除外)."""

from __future__ import annotations

import itertools
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from huisuan.parties.affiliation import AffiliationSpan, OwnershipRelation, find_affiliations, find_control

JAN, MAR, JUL, NEXT = date(2024, 1, 1), date(2024, 3, 1), date(2024, 7, 1), date(2025, 1, 1)


def together(
    holdings: list[OwnershipRelation], user: str = "U", operator: str = "O", reach: str = "control"
) -> list[AffiliationSpan]:
    return find_affiliations(holdings, [(user, operator)], starts=JAN, ends=NEXT, reach=reach)  # type: ignore[arg-type]


def held(
    owner: str, owned: str, permille: int = 0, *, control: bool = False, starts: date = JAN, ends: date | None = None
) -> OwnershipRelation:
    return OwnershipRelation(owner, owned, permille, control, starts, ends)


def test_an_operator_that_uses_its_own_centre_is_affiliated_all_year() -> None:
    assert together([], "O", "O", reach="same") == [AffiliationSpan("O", "O", JAN, NEXT, "使用方即运营方")]


def test_strangers_are_not_affiliated() -> None:
    assert together([held("X", "U", 400), held("X", "O", 1000)]) == []


def test_exactly_half_is_not_control_and_one_per_mille_more_is() -> None:
    assert together([held("U", "O", 500)]) == []
    assert [each.why for each in together([held("U", "O", 501)])] == ["使用方控制运营方 O"]


def test_control_by_agreement_counts_whatever_the_share() -> None:
    assert [each.why for each in together([held("O", "U", 10, control=True)])] == ["运营方 O 控制使用方"]


def test_sisters_under_one_parent_are_affiliated() -> None:
    assert [each.why for each in together([held("P", "U", 600), held("P", "O", 1000)])] == ["同受 P 控制"]


def test_a_joint_venture_does_not_make_its_two_parents_affiliated() -> None:
    assert together([held("U", "V", control=True), held("O", "V", control=True)]) == []


def test_shares_held_through_a_controlled_party_are_added_up() -> None:
    chain = [held("U", "A", 800), held("A", "O", 300), held("U", "O", 201)]
    assert [each.why for each in together(chain)] == ["使用方控制运营方 O"]


def test_a_circle_of_owners_ends() -> None:
    circle = [held("U", "A", 900), held("A", "B", 900), held("B", "U", 900), held("B", "O", 900)]
    assert len(together(circle)) == 1


def test_the_relation_in_force_on_the_day_decides() -> None:
    assert together([held("U", "O", 800, starts=MAR, ends=JUL)]) == [
        AffiliationSpan("U", "O", MAR, JUL, "使用方控制运营方 O")
    ]


def test_under_the_narrow_reading_only_the_party_itself_counts() -> None:
    assert together([held("U", "O", 1000)], reach="same") == []


PARTIES = st.sampled_from("UOABC")
DAYS = st.sampled_from([JAN, MAR, JUL])
HOLDINGS = st.lists(
    st.builds(OwnershipRelation, PARTIES, PARTIES, st.integers(0, 1000), st.booleans(), DAYS, st.none() | st.just(NEXT))
)


@given(HOLDINGS, HOLDINGS)
def test_more_relations_never_make_anyone_less_affiliated(
    some: list[OwnershipRelation], more: list[OwnershipRelation]
) -> None:
    def days(found: list[AffiliationSpan]) -> int:
        return sum((each.ends - each.starts).days for each in found)

    assert days(together(some + more)) >= days(together(some))


@given(HOLDINGS)
def test_affiliation_is_mutual_and_its_spans_do_not_overlap(holdings: list[OwnershipRelation]) -> None:
    there, back = together(holdings), together(holdings, "O", "U")
    covered = [(each.starts, each.ends) for each in there]
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(covered))
    assert sum((e - s).days for s, e in covered) == sum((each.ends - each.starts).days for each in back)


def test_who_controls_both_is_one_of_them_or_a_third_above_them() -> None:
    holdings = [held("T", "A", 600), held("T", "M", 600), held("M", "B", 600), held("A", "C", control=True)]
    pairs = [("A", "C"), ("C", "A"), ("A", "B"), ("B", "T"), ("A", "X")]
    assert find_control(holdings, pairs) == {("A", "C"): "A", ("C", "A"): "A", ("A", "B"): "T", ("B", "T"): "T"}
    assert find_control([], pairs) == {}
