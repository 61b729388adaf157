"""Whether the policy covers a claim is asked of the day on which that happened what it is about; settings by theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from huisuan.law.policy import load_policy
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.models import Application
from huisuan.programmes.submissions.owed import law_answers
from huisuan.programmes.submissions.reading_days import claim_day
from support.calls import DURING, draft, line, opened
from support.programmes import applicant

pytestmark = pytest.mark.django_db
#: after the policy has ended, a call for what happened in its last year
JANUARY, FEBRUARY = (datetime(2026, month, 20, 2, tzinfo=UTC) for month in (1, 2))


def claimed(number: int, published: str, **facts: str) -> Application:
    """A firm's claim for two national standards, under a call of January 2026 for 2025."""
    call = opened(
        JANUARY, year=2025, first_day=JANUARY.date(), last_day=date(2026, 2, 28), line=line(year=2025).pk, evidence=()
    )  # fmt: skip
    return submit_draft(call.number, draft(number, published_on=published, **facts).pk, applicant(number), FEBRUARY)


def test_a_standard_is_awarded_by_the_day_of_its_publication_not_of_the_application() -> None:
    made = [
        claimed(1, "2025-12-31"), claimed(2, "2019-05-01"), claimed(3, "2026-02-01", begun_on="2026-01-05"),
        claimed(4, "2026-02-01", begun_on="2025-01-05"),  # begun in time: covered, as 0.3.began says
    ]  # fmt: skip
    answers = law_answers(made)
    assert [answers[one.pk].amount_fen for one in made] == [100_000_000, 0, 0, 100_000_000]
    assert [answers[one.pk].status for one in made[1:3]] == ["not_in_force"] * 2


def test_the_day_is_asked_for_has_come_and_says_when_it_began_only_where_that_decides() -> None:
    call = opened()
    for published, code in (("", "fact_missing"), ("2024-09-11", "not_happened_yet")):
        (item,) = list_missing(call.number, draft(published_on=published).pk, applicant(), DURING)
        assert (item.field, item.code) == ("published_on", code)
    late = opened(
        JANUARY, year=2025, first_day=JANUARY.date(), last_day=date(2026, 2, 28), line=line(year=2025).pk, evidence=()
    )  # fmt: skip
    (item,) = list_missing(late.number, draft(published_on="2026-02-01").pk, applicant(), FEBRUARY)
    assert (item.field, item.code) == ("begun_on", "fact_missing")


def test_settings_are_read_by_the_day_that_the_question_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = tmp_path / "anhui-agi-2023"
    held.mkdir()
    (held / "2024-09.toml").write_text(
        'authority = "省专班"\ndocument = "通知"\nvalid_from = 2024-09-01\nknown_from = 2023-10-12\n'
        '[settings]\n"14.1.national" = 30_000_000\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("HUISUAN_SETTINGS", str(tmp_path))
    made = submit_draft(opened().number, draft(published_on="2024-03-01").pk, applicant(), DURING)
    assert law_answers([made])[made.pk].amount_fen == 60_000_000  # by the day of application
    by_event = held / "2024-03.toml"
    by_event.write_text(
        'authority = "省专班"\ndocument = "口径"\nvalid_from = 2024-03-01\nknown_from = 2023-10-13\n'
        '[interpretations]\n"14.1.day" = "event"\n',
        encoding="utf-8",
    )
    law = load_policy("anhui-agi-2023")
    said = {"published_on": date(2024, 3, 1)}
    assert claim_day(law, law.rule("14.1"), said, DURING.date()).on == date(2024, 3, 1)
    again = submit_draft(opened().number, draft(2, published_on="2024-03-01").pk, applicant(2), DURING)
    assert law_answers([again])[again.pk].amount_fen == 100_000_000  # by that of the publication
