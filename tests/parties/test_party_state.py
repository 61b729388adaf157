"""The state of a party by day: what was known on a day says the same whatever is learned later."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from huisuan.parties.party_state import (
    DatedAttestation,
    DatedValue,
    PartyState,
    attested_on_day,
    lies_within,
    state_on_day,
    state_spans,
)

STARTS, ENDS = date(2024, 1, 1), date(2025, 1, 1)
FIRST, LAST = date(2023, 6, 1), date(2025, 6, 1)
PRESENT = PartyState("enterprise", "340100")


@st.composite
def histories(draw: st.DrawFn) -> list[DatedValue]:
    """Changes of a party in the order in which they were entered, each known since the day of its entry."""
    found: list[DatedValue] = []
    known = FIRST
    for number in range(draw(st.integers(0, 6))):
        known += timedelta(days=draw(st.integers(0, 200)))
        what = draw(st.sampled_from(["region", "kind", "status"]))
        value = draw(st.sampled_from({"region": ["340100", "340200", "310000"], "kind": ["enterprise", "city"],
                                      "status": ["active", "dissolved"]}[what]))  # fmt: skip
        first = draw(st.dates(FIRST, LAST))
        after = draw(st.none() | st.dates(first + timedelta(days=1), LAST + timedelta(days=400)))
        before = state_on_day(PRESENT, found, first, known)
        found.append(DatedValue(what, value, str(getattr(before, what)), first, after, known, number))
    return found


@given(histories(), st.dates(STARTS, ENDS - timedelta(days=1)), st.dates(FIRST, LAST))
def test_spans_say_of_every_day_what_the_day_says(changes: list[DatedValue], day: date, known: date) -> None:
    spans = list(state_spans("U", PRESENT, changes, STARTS, ENDS, known))
    assert (spans[0].starts, spans[-1].ends) == (STARTS, ENDS)
    assert all(
        first.ends == second.starts and first.state != second.state for first, second in itertools.pairwise(spans)
    )
    (of_day,) = (span for span in spans if span.starts <= day < span.ends)
    assert of_day.state == state_on_day(PRESENT, changes, day, known)


@given(histories(), st.integers(0, 6), st.dates(STARTS, ENDS - timedelta(days=1)))
def test_what_is_entered_later_changes_nothing_that_was_known_before(
    changes: list[DatedValue], many: int, day: date
) -> None:
    early, later = changes[:many], changes[many:]
    known = max([FIRST, *(change.known_from for change in early)])
    if all(change.known_from > known for change in later):
        assert state_on_day(PRESENT, changes, day, known) == state_on_day(PRESENT, early, day, known)


@given(histories(), st.dates(FIRST, LAST), st.dates(STARTS, ENDS - timedelta(days=1)))
def test_a_move_changes_nothing_before_its_day(changes: list[DatedValue], moves: date, day: date) -> None:
    known = LAST + timedelta(days=800)
    before = str(state_on_day(PRESENT, changes, moves, known).region)
    moved = [*changes, DatedValue("region", "340300", before, moves, None, known, len(changes))]
    if day < moves:
        assert state_on_day(PRESENT, moved, day, known) == state_on_day(PRESENT, changes, day, known)


def test_before_the_day_of_its_registration_a_party_is_registered_nowhere() -> None:
    new = PartyState("enterprise", "340100", registered_on=date(2024, 6, 1))
    spans = list(state_spans("U", new, (), STARTS, ENDS, ENDS))
    assert [(span.starts, span.state.region) for span in spans] == [(STARTS, None), (date(2024, 6, 1), "340100")]


def test_the_day_of_registration_in_a_new_region_says_nothing_about_the_one_before() -> None:
    moves = date(2024, 11, 1)
    changes = [
        DatedValue("region", "340100", "310000", moves, None, moves, 1),
        DatedValue("registered_on", "2024-11-01", "2020-08-08", moves, None, moves, 2),
    ]
    present = PartyState("enterprise", "340100", registered_on=moves)
    spans = list(state_spans("U", present, changes, STARTS, ENDS, ENDS))
    assert [(span.starts, span.state.region) for span in spans] == [(STARTS, "310000"), (moves, "340100")]


def test_a_region_is_of_a_province_by_its_code() -> None:
    assert lies_within("340122", ("340000",))
    assert lies_within("340122", ("340100",))
    assert not lies_within("340122", ("340200", "310000"))
    assert lies_within(None, ())
    assert not lies_within(None, ("340000",))


def test_of_what_one_attester_says_of_an_item_what_begins_latest_holds_until_its_end() -> None:
    def said(value: str, first: date, after: date | None = None, attester: str = "hefei") -> DatedAttestation:
        return DatedAttestation("city", "lab", attester, "340100", value, first, after)

    attested = [
        said("1", STARTS), said("2", date(2024, 3, 1), date(2024, 6, 1)), said("9", date(2024, 4, 1), attester="wuhu"),
    ]  # fmt: skip
    found = {
        day: [each.value for each in attested_on_day(attested, day)]
        for day in (STARTS - timedelta(days=1), STARTS, date(2024, 5, 31), date(2024, 6, 1))
    }
    assert list(found.values()) == [[], ["1"], ["2", "9"], ["1", "9"]]
    spans = list(state_spans("x", PRESENT, (), STARTS, ENDS, LAST, attested))
    assert [(span.starts, [each.value for each in span.state.attested]) for span in spans] == [
        (STARTS, ["1"]), (date(2024, 3, 1), ["2"]), (date(2024, 4, 1), ["2", "9"]), (date(2024, 6, 1), ["1", "9"]),
    ]  # fmt: skip


def test_before_its_registration_a_party_is_registered_nowhere_unless_a_change_says_where() -> None:
    new = PartyState("enterprise", "340100", registered_on=date(2024, 5, 1))
    days = (STARTS, date(2024, 5, 1))
    assert [state_on_day(new, (), day, LAST).region for day in days] == [None, "340100"]
    moved = [DatedValue("region", "340200", "340100", STARTS, None, STARTS, 1)]
    assert [state_on_day(new, moved, day, LAST).region for day in days] == ["340200", "340200"]
