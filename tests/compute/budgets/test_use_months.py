"""Use by month: the database keeps it beside the days, and it is what the records come to, whatever happened."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import count

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.models import Accelerator, Centre, PartyUseDay, PartyUseMonth
from support.examples import examples
from support.usage_records import A800, H20, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
NUMBERS = count(1)
FIRST = date(2024, 1, 30)
MODELS = (A800, H20)


def of_days() -> dict[tuple[int, int, int, date], int]:
    """Card-seconds by party, centre, model and month, added up from the days."""
    found: Counter[tuple[int, int, int, date]] = Counter()
    for day in PartyUseDay.objects.all():
        found[day.party_id, day.centre_id, day.accelerator_id, day.day.replace(day=1)] += day.card_seconds
    return {key: seconds for key, seconds in found.items() if seconds}


def kept() -> dict[tuple[int, int, int, date], int]:
    rows = PartyUseMonth.objects.exclude(card_seconds=0)
    return {(each.party_id, each.centre_id, each.accelerator_id, each.month): each.card_seconds for each in rows}


#: (what, which day of use, seconds): days are added or changed by one statement each, moved to another month, deleted
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "move", "delete", "upsert"]), st.integers(0, 5), st.integers(-9, 9)),
    max_size=12,
)


@settings(max_examples=examples(20), deadline=None)
@given(STEPS)
def test_after_any_history_of_days_the_months_are_their_sums(steps: list[tuple[str, int, int]]) -> None:
    PartyUseDay.objects.all().delete()
    made = Centre.objects.filter(code="c1").first() or centre()
    cards = [Accelerator.objects.get(model=model) for model in MODELS]
    for what, which, seconds in steps:
        rows = PartyUseDay.objects.order_by("pk")
        if what == "add":
            PartyUseDay.objects.bulk_create(
                PartyUseDay(
                    party=party(which % 2), user=f"u{next(NUMBERS)}", centre=made, accelerator=cards[n],
                    day=FIRST + timedelta(days=which), card_seconds=seconds * (n + 1),
                )
                for n in range(2)
            )  # fmt: skip
        elif what == "move":
            rows.filter(user__endswith=str(which)).update(day=F("day") + 40)
        elif what == "delete":
            rows.filter(day=FIRST + timedelta(days=which)).delete()
        else:
            _add_to_each_day(seconds)
    assert kept() == of_days()


def _add_to_each_day(seconds: int) -> None:
    """As the meter counts: one statement that adds to what is there and inserts what is not."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO compute_partyuseday AS t (party_id, project_id, "user", centre_id, accelerator_id, day,'
            ' card_seconds) SELECT party_id, project_id, "user", centre_id, accelerator_id, day + n, %s'
            " FROM compute_partyuseday, generate_series(0, 1) AS n GROUP BY 1, 2, 3, 4, 5, 6"
            ' ON CONFLICT (party_id, day, project_id, "user", centre_id, accelerator_id)'
            " DO UPDATE SET card_seconds = t.card_seconds + EXCLUDED.card_seconds",
            [seconds],
        )


def test_the_months_are_what_the_records_of_a_firm_come_to_though_some_cross_a_month_and_one_is_corrected() -> None:
    centre()
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t")
    night = {"Submit": "2024-03-31T20:00:00", "Eligible": "2024-03-31T20:00:00", "Start": "2024-03-31T22:00:00"}
    imported(sacct(line(1), line(2, End="2024-04-01T05:30:00", **night)), tenants=tenants)
    count_party_use()
    imported(sacct(line(1, End="2024-03-01T12:00:00")), name="later.txt", tenants=tenants)
    count_party_use()
    (model,) = {row["model"] for row in summarise_usage(["model"], UsageFilter())}
    records = {row["month"]: row["card_seconds"] for row in summarise_usage(["month"], UsageFilter())}
    assert {f"{month:%Y-%m}": seconds for (*_, month), seconds in kept().items()} == records
    assert (model, records["2024-04"]) == (A800, 8 * 5 * 3600 + 8 * 1800)
    assert Centre.objects.get().party_tally.sequence == 3
