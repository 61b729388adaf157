"""Limits hold at placement: what a job can cost at most must fit into what its budgets have left."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, Refused
from huisuan.compute.budgets.alerts import watch_budgets
from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.services import end_budget, set_budget
from huisuan.compute.budgets.standing import BudgetStanding, load_standings
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.preview import preview
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import BudgetAlert, BudgetReservation, FirmBudget, Job, JobState, PartyUseDay
from huisuan.messages.models import Message
from huisuan.parties.models import Person, Project
from huisuan.parties.projects import close_project, create_project
from huisuan.parties.viewer import Viewer
from support.budgets import A100, HOUR, budget, centre, meter, owner
from support.jobs import NOON, asked, party, user

pytestmark = pytest.mark.django_db


def sent(number: int = 1, who: int = 1, now: datetime = NOON, **rest: object) -> Job:
    """A job of one card for an hour."""
    wanted = {"cards": 1, "time_limit_seconds": HOUR, **rest}
    return submit_job(asked("train", **wanted), user(who), now, number.to_bytes(10))


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def standing(of: FirmBudget, now: datetime = NOON) -> BudgetStanding:
    (found,) = load_standings([of], now, Prices())
    return found


def test_a_job_that_names_no_project_is_of_the_default_one_and_keeps_it() -> None:
    centre()
    job = sent()
    assert (job.project.code, job.project.party) == ("default", party())
    other = create_project(owner(), "speech", "语音", NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(project=other)
    with pytest.raises(DatabaseError), transaction.atomic():
        Job.objects.create(
            uid="x" * 26, party=party(2), project=other, submitted_by="x", name="x", cards=1, submitted_at=NOON
        )
    bare = Job.objects.create(uid="y" * 26, party=party(2), submitted_by="x", name="x", cards=1, submitted_at=NOON)
    assert Project.objects.get(jobs=bare.pk).party == party(2)


def test_what_a_job_can_cost_at_most_is_reserved_and_the_next_one_waits_and_says_for_what() -> None:
    centre()
    month = budget(2500)  # two card-hours and a half
    first, second, third = sent(1), sent(2), sent(3)
    assert [state(job) for job in (first, second, third)] == ["placed", "placed", "waiting"]
    assert standing(month).reserved_amount == 2000
    (reason,) = third.reasons
    assert "最多要 10.00 元" in reason
    assert "全单位 2024 年 6 月的预算 25.00 元 已用 0.00 元、为已调度的作业预留 20.00 元" in reason
    assert "等已预留的作业结束" in reason
    (alert,) = BudgetAlert.objects.all()
    assert (alert.kind, alert.budget, alert.job_uid, alert.reserved) == ("held", month, third.uid, 2000)
    seen = preview(asked("train", cards=1, time_limit_seconds=HOUR), user(), NOON)
    assert [barred.code for barred in seen.barred] == ["budget"]
    assert "等待预算" in seen.reasons[0]


def test_what_is_reserved_comes_free_when_the_run_is_metered_and_not_before() -> None:
    centre()
    budget(2000)
    first, second, third = sent(1), sent(2), sent(3)
    later = NOON + timedelta(seconds=20)
    Job.objects.filter(pk=first.pk).update(state="done", started_at=NOON, ended_at=NOON + timedelta(minutes=6))
    place_waiting(later)
    assert state(third) == "waiting"  # six minutes are not metered yet, and count: 100 + 1000 + 1000 > 2000
    meter(first, NOON, 360, "COMPLETED")
    place_waiting(later)
    assert state(third) == "waiting"  # 100 used, 1000 reserved
    held = BudgetReservation.objects.get(job=first)
    assert (held.outcome, held.closed_at) == ("metered", later)
    Job.objects.filter(pk=second.pk).update(state="cancelled", ended_at=later)
    place_waiting(later)
    assert state(third) == "placed"
    assert BudgetReservation.objects.get(job=second).outcome == "never_began"


def test_a_run_that_goes_on_reserves_what_is_not_metered_of_it_yet() -> None:
    centre()
    year = budget(10_000, period="year")
    job = sent(cards=2, time_limit_seconds=2 * HOUR)
    assert standing(year).reserved_amount == 4000
    Job.objects.filter(pk=job.pk).update(state="running", started_at=NOON)
    meter(job, NOON, HOUR)
    count_party_use()
    assert (standing(year).used_amount, standing(year).reserved_amount) == (2000, 2000)
    meter(job, NOON + timedelta(hours=1), HOUR)
    count_party_use()
    assert (standing(year).used_amount, standing(year).reserved_amount) == (4000, 0)


def test_a_run_that_failed_is_charged_and_its_retry_is_judged_anew() -> None:
    site = centre()
    month = budget(2000)
    job = sent(retries=1)
    meter(job, NOON, 1800, "FAILED")
    later = NOON + timedelta(seconds=20)
    Job.objects.filter(pk=job.pk).update(
        state="waiting", run=1, centre=None, accelerator=None, fen_per_card_hour=None, started_at=None
    )
    job.events.create(at=later, run=0, lease=1, state="failed", centre=site)
    place_waiting(later)
    assert state(job) == "placed"
    assert (standing(month, later).used_amount, standing(month, later).reserved_amount) == (500, 1000)
    assert list(job.reservations.order_by("id").values_list("run", "outcome")) == [(0, "metered"), (1, "")]


def test_both_units_and_both_the_firms_and_the_projects_budget_hold() -> None:
    centre()
    create_project(owner(), "speech", "语音", NOON)
    budget(3 * HOUR, "card_seconds", project="speech")
    budget(100_000, "fen", "year")
    jobs = [sent(number, project="speech") for number in range(1, 5)]
    assert [state(job) for job in jobs] == ["placed"] * 3 + ["waiting"]
    assert "项目 speech 2024 年 6 月的预算 3.00 卡时" in jobs[3].reasons[0]
    assert state(sent(9)) == "placed"  # of another project
    budget(4000, "fen", "year")
    waits = sent(10)
    assert "全单位 2024 年的预算 40.00 元" in waits.reasons[0]


def test_a_soft_budget_alerts_and_lets_everything_pass() -> None:
    centre()
    budget(1000, hard=False)
    jobs = [sent(number) for number in range(1, 4)]
    assert {state(job) for job in jobs} == {"placed"}
    assert not BudgetAlert.objects.exists()


def test_a_job_that_is_more_than_a_whole_budget_is_refused_at_once() -> None:
    centre("dear", fen=2000)
    centre("cheap", fen=900)
    budget(1000, project=None)
    assert state(sent(1)) == "placed"  # at the cheap one: the dear one would pass the limit
    job = Job.objects.get()
    assert job.centre is not None
    assert job.centre.code == "cheap"
    with pytest.raises(
        InvalidRequest, match=r"最多要 18\.00 元（卡数 × 时限 × 最低的价格），超过全单位每月的预算 10\.00 元"
    ) as why:
        sent(2, cards=2)
    assert why.value.code == "budget.job_never_fits"
    assert state(sent(3)) == "waiting"  # it fits an empty month


def test_a_price_changed_under_a_waiting_job_is_judged_anew_and_so_is_one_that_comes_later() -> None:
    centre()
    budget(2000)
    first, second, third = sent(1), sent(2), sent(3)
    Job.objects.filter(pk=first.pk).update(state="cancelled", ended_at=NOON)
    set_tariff("hf", A100, "1001", date(2024, 6, 20), replace=True)
    place_waiting(NOON)
    assert state(third) == "waiting"  # the run in the queue there may begin on the 20th, and so may this
    assert "最多要 10.01 元" in third.reasons[0]
    Job.objects.filter(pk=second.pk).update(state="cancelled", ended_at=NOON)
    place_waiting(NOON)
    assert state(third) == "placed"
    assert BudgetReservation.objects.get(job=third).fen_per_card_hour == 1001


def test_money_cannot_be_limited_where_nobody_set_a_price() -> None:
    centre(fen=None)
    budget(100_000)
    job = sent()
    assert state(job) == "waiting"
    assert "没有价目，不能确认不超过" in job.reasons[0]
    set_tariff("hf", A100, "1000", date(2024, 6, 1))
    place_waiting(NOON)
    assert state(job) == "placed"


def test_a_period_that_is_used_up_says_when_the_next_one_begins() -> None:
    centre()
    month = budget(2000)
    job = sent(1, time_limit_seconds=2 * HOUR)
    Job.objects.filter(pk=job.pk).update(state="done", started_at=NOON, ended_at=NOON + timedelta(hours=2))
    meter(job, NOON, 2 * HOUR, "COMPLETED")
    waits = sent(2)
    assert "本期不够了：等 2024-07-01 新的一期" in waits.reasons[0]
    place_waiting(datetime(2024, 6, 30, 16, 0, tzinfo=UTC))  # July in Shanghai; the agent has not called: it is offline
    assert standing(month, datetime(2024, 6, 30, 16, 0, tzinfo=UTC)).left_amount == 2000


def test_use_is_charged_by_day_and_a_correction_takes_the_former_away() -> None:
    centre()
    month, year = budget(50_000), budget(50_000, period="year")
    job = sent(1, time_limit_seconds=48 * HOUR)
    late = datetime(2024, 6, 30, 15, 0, tzinfo=UTC)  # an hour before July
    record = meter(job, late, 3 * HOUR, "COMPLETED")
    count_party_use()
    assert [(day.day, day.card_seconds, day.user) for day in PartyUseDay.objects.order_by("day")] == [
        (date(2024, 6, 30), HOUR, "用户 1"), (date(2024, 7, 1), 2 * HOUR, "用户 1"),
    ]  # fmt: skip
    set_tariff("hf", A100, "2000", date(2024, 7, 1), replace=True)
    assert standing(month).used_amount == 1000
    assert standing(year).used_amount == 1000 + 4000
    meter(job, late, 2 * HOUR, "COMPLETED", supersedes=record.sequence)
    count_party_use()
    count_party_use()
    assert standing(year).used_amount == 1000 + 2000


def test_alerts_come_once_each_at_50_80_and_100_percent() -> None:
    centre()
    for name, role in (("boss", "owner"), ("li", "submitter"), ("zhao", "viewer")):
        Person.objects.create_person(name, None, role="user", party=party(), member_role=role)
    soft = budget(2000, hard=False)
    job = sent(1, time_limit_seconds=4 * HOUR)
    said = []
    for hour, seconds in enumerate((HOUR - 1, 1, 2160, 1440, HOUR)):
        meter(job, NOON + timedelta(hours=hour), seconds)
        watch_budgets(NOON)
        said.append(watch_budgets(NOON))
    assert said == [0] * 5
    kinds = [(alert.kind, alert.used) for alert in BudgetAlert.objects.filter(budget=soft).order_by("id")]
    assert kinds == [("50", 1000), ("80", 1600), ("100", 2000)]
    assert list(Message.objects.values_list("person__username", flat=True)) == ["boss"] * 3  # who can raise the limit
    with pytest.raises(DatabaseError), transaction.atomic():
        BudgetAlert.objects.all().delete()


def test_only_an_owner_sets_a_budget_and_what_stood_before_stays_on_record() -> None:
    for viewer in (
        Viewer("user", "s", party_id=party().pk, member_role="submitter", scope="submit"),
        Viewer("user", "o", party_id=party().pk, member_role="owner", scope="submit"),
        Viewer("province", "p"),
    ):
        with pytest.raises(NotAllowed):
            set_budget(viewer, None, "month", "fen", 1, NOON, hard=True)
    first, second = budget(1000), budget(2000)
    assert budget(2000) == second
    first.refresh_from_db()
    assert (first.ended_by, first.limit) == ("owner1", 1000)
    with pytest.raises(Refused, match="没有编号"):
        end_budget(owner(2), second.pk, NOON)
    end_budget(owner(), second.pk, NOON)
    for change in (lambda: FirmBudget.objects.update(limit=5), lambda: FirmBudget.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    for wrong in (("week", "fen", 1), ("month", "yuan", 1), ("month", "fen", -1), ("month", "fen", 10**18)):
        with pytest.raises(InvalidRequest):
            set_budget(owner(), None, *wrong, NOON, hard=True)


def test_a_closed_project_takes_no_job_and_a_projects_token_only_its_own() -> None:
    centre()
    made = create_project(owner(), "speech", "语音", NOON)
    bound = Viewer("user", "用户 1", party_id=party().pk, member_role="submitter", scope="submit", project_id=made.pk)
    job = submit_job(asked("x", cards=1), bound, NOON, bytes(10))
    assert job.project == made
    with pytest.raises(InvalidRequest, match="只用于项目 speech"):
        submit_job(asked("x", cards=1, project="default"), bound, NOON, bytes(10))
    close_project(owner(), "speech", NOON)
    for viewer, project in ((bound, None), (user(), "speech")):
        with pytest.raises(Conflict, match="已经关闭"):
            submit_job(asked("x", cards=1, project=project), viewer, NOON, bytes(10))
    with pytest.raises(Conflict, match="默认项目不能关闭"):
        close_project(owner(), "default", NOON)
    with pytest.raises(Refused, match="没有项目"):
        submit_job(asked("x", cards=1, project="no-such"), user(), NOON, bytes(10))


def test_a_job_that_no_budget_holds_is_not_held_up_by_those_before_it() -> None:
    """What waits for a budget takes no cards in the plan: the others have them."""
    centre(cards=1, nodes=1)
    budget(500, number=2)
    budget(10_000, number=2, period="year")
    with pytest.raises(InvalidRequest):
        sent(1, who=2)
    budget(1500, number=2)
    held = [sent(number, who=2) for number in (2, 3)]
    Job.objects.filter(pk=held[0].pk).update(state=JobState.RUNNING, started_at=NOON)
    other = sent(5, who=3)
    assert [state(held[1]), state(other)] == ["waiting", "waiting"]
    Job.objects.filter(pk=held[0].pk).update(state="done", ended_at=NOON + timedelta(hours=1))
    meter(held[0], NOON, HOUR, "COMPLETED")
    place_waiting(NOON)
    assert [state(held[1]), state(other)] == ["waiting", "placed"]
