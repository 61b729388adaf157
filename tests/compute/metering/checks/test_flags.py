"""Flags have one list of kinds, which code without Django can name; what was answered may need another answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import BY_THE_PLATFORM, answer_flag, open_flags, raise_flags
from huisuan.compute.models import Centre, MeterFlag
from support.usage_records import NOW, centre, imported, line, sacct


def test_the_kinds_of_flags_are_those_that_are_stored() -> None:
    assert [str(kind) for kind in FlagKind] == MeterFlag.Kind.values


@pytest.fixture
def place(db: None) -> Centre:
    """A centre."""
    return centre()


def raised(place: Centre, size: int | None = None, *, recurs: bool = False) -> int:
    """Flag the same once more; how many are open now."""
    raise_flags(place, [Anomaly(FlagKind.OVER_CAPACITY, "a", f"{size}", size=size, recurs=recurs)] * 2, NOW)
    return open_flags(place).count()


def answered(place: Centre, by: str = "专班") -> None:
    """Answer what is open."""
    answer_flag(open_flags(place).get().pk, "查过", by, NOW)


def test_what_was_answered_is_not_flagged_again_as_it_was(place: Centre) -> None:
    assert [raised(place), raised(place)] == [1, 1]
    answered(place)
    assert raised(place) == 0
    assert raised(place, 7) == 0  # how large it was is not on record: nothing says that it grew


def test_what_is_larger_than_it_was_when_it_was_answered_wants_another_answer(place: Centre) -> None:
    raised(place, 40)
    assert raised(place, 50) == 1  # open still
    answered(place)
    assert [raised(place, 40), raised(place, 41), raised(place, 99)] == [0, 1, 1]
    assert [flag.occasion for flag in MeterFlag.objects.order_by("pk")] == [1, 2]


def test_what_the_platform_found_gone_and_each_refusal_may_come_back(place: Centre) -> None:
    raised(place)
    answered(place, BY_THE_PLATFORM)
    assert raised(place) == 1
    answered(place)
    assert raised(place) == 0
    assert raised(place, recurs=True) == 1


def test_two_about_names_of_one_long_beginning_are_two(place: Centre) -> None:
    keys = ["作业" * 150 + ending for ending in "甲乙"]
    for _ in range(2):
        raise_flags(place, [Anomaly(FlagKind.OVERLAP, key, "x") for key in keys], NOW)
    assert open_flags(place).count() == 2


def test_two_cannot_be_open_about_the_same(place: Centre) -> None:
    raised(place)
    with pytest.raises(IntegrityError), transaction.atomic():
        MeterFlag.objects.create(
            centre=place, kind="over_capacity", key="a", occasion=2, text="x", flagged_at=NOW + timedelta(days=1)
        )


def test_an_answer_about_too_many_cards_does_not_cover_still_more_on_that_day(place: Centre) -> None:
    jobs = [line(number, "gres/gpu:a800=20,gres/gpu=20", NNodes=3) for number in range(1, 5)]
    imported(sacct(*jobs[:3]), name="a.txt")
    answered(place)
    imported(sacct(*jobs[:3]), name="a.txt")
    assert open_flags(place).count() == 0
    imported(sacct(jobs[3]), name="b.txt")
    (flag,) = open_flags(place)
    assert (flag.kind, flag.size, flag.occasion) == ("over_capacity", 80, 2)
