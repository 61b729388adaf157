"""Use by day: it adds up to the months, follows the ledger as it grows and corrects itself, and waits for nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals, update_daily_totals
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.models import Centre, MeterFlag, UsageDay, UsageTally
from support.examples import examples
from support.usage_records import A800, NOW, NPU, centre, imported, line, sacct

pytestmark = pytest.mark.django_db
MARCH = datetime(2024, 3, 1, tzinfo=SHANGHAI)


def run(job: int, hour: int, length: int, cards: int = 8, suspended: int = 0, card: str = "gpu:a800") -> dict[str, str]:
    """A run that begins so many hours into March and holds its cards so many minutes."""
    starts = MARCH + timedelta(hours=hour)
    text = f"{starts:%Y-%m-%dT%H:%M:%S}"
    ends = f"{starts + timedelta(minutes=length):%Y-%m-%dT%H:%M:%S}"
    pause = f"{suspended // 3600:02d}:{suspended // 60 % 60:02d}:{suspended % 60:02d}"
    times = {"Submit": text, "Eligible": text, "Start": text, "End": ends}
    return line(job, f"gres/{card}={cards}", Suspended=pause, **times)


def days(made: Centre, model: str | None = A800) -> dict[date, tuple[int, int]]:
    """Card-seconds and the most cards by day."""
    rows = UsageDay.objects.filter(centre=made, accelerator__model=model) if model else whole(made)
    return {row.day: (row.card_seconds, row.most_cards) for row in rows}


def whole(made: Centre) -> list[UsageDay]:
    return list(UsageDay.objects.filter(centre=made, accelerator=None))


@settings(max_examples=examples(15))
@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(1, 6000), st.integers(1, 8), st.integers(0, 59)),
        min_size=1,
        max_size=10,
    )
)
def test_the_days_of_a_month_add_up_to_the_month(runs: list[tuple[int, int, int, int]]) -> None:
    name = f"tally{Centre.objects.count()}"
    made = centre(name)
    imported(sacct(*(run(number, *each) for number, each in enumerate(runs))), at=name)
    assert update_daily_totals(made) == 0
    by_month = {row["month"]: row["card_seconds"] for row in summarise_usage(["month"], UsageFilter(centre=name))}
    found: dict[str, int] = {}
    for day, (used, _most) in days(made).items():
        found[f"{day:%Y-%m}"] = found.get(f"{day:%Y-%m}", 0) + used
    assert {month: used for month, used in found.items() if used} == {m: u for m, u in by_month.items() if u}


def test_a_run_over_midnight_counts_on_both_days_and_its_cards_are_held_on_both() -> None:
    made = centre()
    imported(sacct(run(1, 23, 120), run(2, 25, 60, cards=4)))
    update_daily_totals(made)
    assert days(made) == {date(2024, 3, 1): (8 * 3600, 8), date(2024, 3, 2): (8 * 3600 + 4 * 3600, 8)}


def test_a_run_that_begins_in_the_second_in_which_another_ended_may_have_followed_it() -> None:
    made = centre()
    runs = [run(1, 1, 60), run(2, 2, 60)]
    runs[0]["End"] = "2024-03-01T02:00:01"  # it ended within that second: rounded up
    runs.append({**run(3, 5, 0, cards=3), "End": "2024-03-01T05:00:01"})  # shorter than can be told
    imported(sacct(*runs))
    update_daily_totals(made)
    assert days(made) == {date(2024, 3, 1): (8 * 3601 + 8 * 3600 + 3, 8)}
    imported(sacct({**run(4, 5, 0, cards=3, card="npu:910b3"), "End": "2024-03-01T05:00:01"}), name="b.txt")
    update_daily_totals(made)
    assert days(made, NPU) == {date(2024, 3, 1): (3, 0)}


def test_all_models_together_are_weighed_by_their_speed() -> None:
    made = centre()
    imported(sacct(run(1, 1, 60), run(2, 2, 60, card="npu:910b3"), run(3, 2, 30, cards=1)))
    update_daily_totals(made)
    (row,) = whole(made)
    tflops = {each.accelerator.model: each.accelerator.tflops_fp16 for each in made.partitions.all()}
    assert row.most_tflops == 8 * tflops[NPU] + tflops[A800]
    assert (row.most_cards, row.most_at) == (9, datetime(2024, 3, 1, 2, tzinfo=SHANGHAI))


def test_what_comes_later_changes_only_the_days_that_it_touches() -> None:
    made = centre()
    imported(sacct(run(1, 1, 60), run(2, 25, 60)))
    update_daily_totals(made)
    kept = UsageDay.objects.get(centre=made, day=date(2024, 3, 1), accelerator__model=A800).pk
    imported(sacct(run(3, 25, 60)), name="b.txt")
    assert update_daily_totals(made) == 0
    assert days(made) == {date(2024, 3, 1): (28800, 8), date(2024, 3, 2): (57600, 16)}
    assert UsageDay.objects.get(centre=made, day=date(2024, 3, 1), accelerator__model=A800).pk == kept


def test_a_corrected_record_leaves_the_days_that_it_no_longer_touches() -> None:
    made = centre()
    imported(sacct(run(1, 1, 48 * 60)))
    update_daily_totals(made)
    assert len(days(made)) == 3
    imported(sacct(run(1, 1, 60)), name="b.txt")
    resolve_flag(
        MeterFlag.objects.get().pk, "查实", "省专班", NOW, accept=True
    )  # it takes something away: a person's word
    update_daily_totals(made)
    assert days(made) == {date(2024, 3, 1): (28800, 8)}
    assert UsageDay.objects.filter(centre=made).aggregate(total=Sum("card_seconds"))["total"] == 2 * 28800


def test_who_looks_does_not_wait_for_more_than_asked_and_the_worker_counts_it() -> None:
    made = centre()
    imported(sacct(*(run(number, number, 30) for number in range(5))))
    assert update_daily_totals(made, at_most=4) == 5
    assert not UsageDay.objects.exists()
    assert (update_all_daily_totals(), update_all_daily_totals()) == (1, 0)
    made.refresh_from_db()
    assert UsageTally.objects.get(centre=made).sequence == made.last_sequence == 5


def test_centres_counted_together_are_as_if_each_were_alone() -> None:
    one, other = centre("one"), centre("two")
    imported(sacct(run(1, 1, 600), run(2, 2, 60, cards=2)), at="one")
    imported(sacct(run(1, 3, 60, cards=4), run(2, 26, 60)), at="two")
    assert update_all_daily_totals() == 2
    together = [days(one), days(other)]
    UsageTally.objects.all().delete()
    UsageDay.objects.all().delete()
    for each in (one, other):
        update_daily_totals(each)
    assert [days(one), days(other)] == together
    assert datetime(2024, 3, 1, 3, tzinfo=SHANGHAI).astimezone(UTC) in {row.most_at for row in whole(other)}
