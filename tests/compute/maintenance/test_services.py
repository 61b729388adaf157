"""Maintenance windows against the database: declared over what runs, kept by placement, cancelled, on record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, HuisuanError
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.engines.interface import ABILITIES
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.maintenance.commands import app
from huisuan.compute.maintenance.met_jobs import withdraw_from_maintenance
from huisuan.compute.maintenance.queries import list_windows
from huisuan.compute.maintenance.services import DeclaredWindow, WindowPlan, cancel_window, declare_window
from huisuan.compute.models import Accelerator, Centre, CentreNode, Job, JobState, MaintenanceWindow
from huisuan.messages.models import Message
from huisuan.parties.models import Person
from support.jobs import NOON, Voice, asked, party, user

pytestmark = pytest.mark.django_db
A100, HOUR = "A100-SXM4-80GB", timedelta(hours=1)


def centre(code: str = "a", *partitions: str) -> Centre:
    """A Slurm centre whose agent called at noon and holds work at the gate."""
    operator = party(99, "centre_operator").uscc
    given = partitions or (f"gpu={A100}:2x8",)
    made = add_centre(code, CentrePlan(f"中心 {code}", operator, "340100", engine="slurm", partitions=given))
    set_tariff(code, A100, "1000", date(2024, 1, 1))
    voice = Voice(made, f"agent-{code:0>12}")
    voice.capabilities = {name: {"able": True, "why": ""} for name in ABILITIES}
    voice.says(engine="slurm")
    return made


def sent(number: int = 1, *, hours: int = 1, cards: int = 1, **rest: object) -> Job:
    """A job submitted at noon."""
    request = asked("train", cards=cards, time_limit_seconds=hours * 3600, **rest)
    return submit_job(request, user(), NOON, number.to_bytes(10))


def declared(starts: timedelta, ends: timedelta, code: str = "a", **rest: Any) -> DeclaredWindow:
    """A window that begins so long after noon."""
    now, dry_run = rest.pop("now", NOON), rest.pop("dry_run", False)
    plan = WindowPlan(NOON + starts, NOON + ends, rest.pop("reason", "更换交换机"), **rest)
    return declare_window(code, plan, "运维", now, dry_run=dry_run)


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_job_goes_only_where_its_limit_ends_before_the_window_and_goes_when_the_window_is_cancelled() -> None:
    centre()
    window = declared(2 * HOUR, 6 * HOUR).window
    short, long = sent(1, hours=1), sent(2, hours=2)
    assert (state(short), state(long)) == (JobState.PLACED, JobState.WAITING)
    assert long.reasons[0].startswith(
        "时限会延伸到维护时段：a A100-SXM4-80GB 维护 2024-06-03 14:00 至 2024-06-03 18:00"
    )
    cancel_window(window.pk, "运维", NOON)
    assert place_waiting(NOON) == 1
    assert state(long) == JobState.PLACED


def test_what_has_not_begun_is_taken_back_and_what_runs_goes_on_and_its_submitter_is_told() -> None:
    centre()
    Person.objects.create_person("u", None, role="user", name="用户", party=party(1))
    waits, runs, short = sent(1, hours=4), sent(2, hours=4), sent(3, hours=1)
    Job.objects.filter(pk=runs.pk).update(state=JobState.RUNNING, started_at=NOON, running_since=NOON, submitted_by="u")
    tried = declared(2 * HOUR, 6 * HOUR, dry_run=True)
    assert [(met.job.pk, met.withdrawn) for met in tried.met] == [(runs.pk, False), (waits.pk, True)]
    assert (MaintenanceWindow.objects.count(), state(waits)) == (0, JobState.PLACED)
    made = declared(2 * HOUR, 6 * HOUR)
    assert (made.met[0].job.pk, made.met[0].ends_by) == (runs.pk, NOON + 4 * HOUR)
    assert (state(waits), state(runs), state(short)) == (JobState.WAITING, JobState.RUNNING, JobState.PLACED)
    assert waits.run == 1
    assert "定于 2024-06-03 14:00 至 2024-06-03 18:00 维护" in waits.reasons[0]
    (message,) = Message.objects.all()
    assert (message.code, message.link) == ("job_meets_maintenance", f"/jobs/{runs.pk}")
    assert message.values["starts"] == "2024-06-03 14:00"


def test_a_job_that_waits_long_in_the_centres_queue_is_taken_back_before_it_would_begin_too_late() -> None:
    centre()
    job = sent(1, hours=1)
    declared(2 * HOUR, 6 * HOUR)
    assert state(job) == JobState.PLACED
    with transaction.atomic():
        assert withdraw_from_maintenance(NOON + timedelta(minutes=58)) == 0
    with transaction.atomic():
        assert withdraw_from_maintenance(NOON + timedelta(minutes=60)) == 1
    assert state(job) == JobState.WAITING


def test_where_the_engine_cannot_hold_work_back_it_is_not_taken_back_but_named() -> None:
    made = centre()
    made.agent.__class__.objects.filter(centre=made).update(capabilities={"lease": [False, "没有关口"]})
    job = sent(1, hours=4)
    (met,) = declared(2 * HOUR, 6 * HOUR).met
    assert (met.withdrawn, state(job)) == (False, JobState.PLACED)


def test_another_partition_of_the_model_takes_the_work_while_one_is_shut() -> None:
    centre("a", f"big={A100}:4x8", f"small={A100}:1x8")
    declared(2 * HOUR, 6 * HOUR, partitions=("big",))
    (pool,) = pools(NOON)
    assert (pool.cards, pool.free, pool.shut) == (40, 8, ())
    job, large = sent(1, hours=9, cards=8), sent(2, hours=9, cards=16, nodes=2)
    assert (state(job), job.partition) == (JobState.PLACED, "small")
    assert state(large) == JobState.WAITING  # it fits the partition that is shut: it waits and is not refused


def test_if_every_partition_of_the_model_has_a_window_all_their_windows_hold() -> None:
    made = centre("a", f"big={A100}:4x8", f"small={A100}:1x8")
    declared(2 * HOUR, 6 * HOUR, partitions=("big",))
    CentreNode.objects.create(
        centre=made, name="n5", partition="small", local_card="x", accelerator=Accelerator.objects.get(model=A100),
        cards=8, used=0, state="up", seen_at=NOON,
    )  # fmt: skip
    window = declared(8 * HOUR, 9 * HOUR, nodes=("n5",)).window
    assert (window.partitions, window.nodes) == (["small"], ["n5"])
    (pool,) = pools(NOON)
    assert len(pool.shut) == 2
    assert state(sent(1, hours=3)) == JobState.WAITING


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": "  "}, "maintenance.reason_missing"),
        ({"reason": "宽" * 201}, "maintenance.reason_missing"),
        ({"partitions": ("none",)}, "maintenance.partition_unknown"),
        ({"nodes": ("n9",)}, "maintenance.node_unknown"),
        ({"nodes": tuple(map(str, range(501)))}, "maintenance.too_many_nodes"),
        ({"code": "zz"}, "centre.unknown"),
        ({"ends": 2 * HOUR}, "maintenance.times_reversed"),
        ({"starts": -3 * HOUR, "ends": -HOUR}, "maintenance.in_the_past"),
        ({"ends": timedelta(days=93)}, "maintenance.too_long"),
    ],
)
def test_a_window_that_is_not_one_is_refused_by_its_rule(change: dict[str, Any], code: str) -> None:
    centre()
    with pytest.raises(HuisuanError) as refusal:
        declared(**({"starts": 2 * HOUR, "ends": 6 * HOUR} | change))
    assert refusal.value.code == code
    assert not MaintenanceWindow.objects.exists()


def test_a_window_is_declared_once_and_cancelled_once_and_never_rewritten() -> None:
    centre()
    window = declared(2 * HOUR, 6 * HOUR).window
    with pytest.raises(Conflict, match="已经申报"):
        declared(2 * HOUR, 6 * HOUR)
    cancel_window(window.pk, "运维", NOON + HOUR)
    with pytest.raises(Conflict, match="已由 运维 撤销"):
        cancel_window(window.pk, "别人", NOON + HOUR)
    for change in ({"reason": "别的"}, {"cancelled_by": "别人"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            MaintenanceWindow.objects.filter(pk=window.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        window.delete()
    later = declared(8 * HOUR, 9 * HOUR).window
    with pytest.raises(Conflict, match="已于"):
        cancel_window(later.pk, "运维", NOON + 10 * HOUR)
    assert [each.pk for each in list_windows(NOON)] == [later.pk]
    assert [each.pk for each in list_windows(NOON, past=True)] == [window.pk, later.pk]


def test_the_commands_declare_list_and_cancel() -> None:
    centre()
    begins = datetime.now(UTC) + timedelta(days=2)
    times = ["--from", f"{begins:%Y-%m-%dT%H:%M}", "--to", f"{begins + 4 * HOUR:%Y-%m-%dT%H:%M}"]
    run = CliRunner()
    given = ["add", "a", *times, "--reason", "清灰", "--json"]
    tried = run.invoke(app, [*given, "--dry-run"])
    assert (json.loads(tried.stdout)["number"], MaintenanceWindow.objects.count()) == (None, 0)
    added = json.loads(run.invoke(app, given).stdout)
    assert (added["jobs"], added["state"], added["partitions"]) == ([], "to_come", [])
    (listed,) = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert listed["number"] == added["number"]
    assert "整个中心" in run.invoke(app, ["list"]).stdout
    assert json.loads(run.invoke(app, ["cancel", str(added["number"]), "--json"]).stdout)["state"] == "cancelled"
    assert "没有维护窗口" in run.invoke(app, ["list"]).stdout


def test_a_centres_people_declare_for_their_own_centre_over_http_and_everybody_reads() -> None:
    own = centre("a")
    other = add_centre(
        "b", CentrePlan("乙", party(98, "centre_operator").uscc, "340100", partitions=(f"gpu={A100}:1x8",))
    )
    clerk = Person.objects.create_person("ops", None, role="centre", name="运维", party=own.operator)
    reader = Person.objects.create_person("u", None, role="user", name="用户", party=party(1))
    browser, guest = Client(), Client()
    browser.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    guest.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    begins = datetime.now(UTC) + timedelta(days=2)
    asked_for = {"starts_at": begins.isoformat(), "ends_at": (begins + HOUR).isoformat(), "reason": "清灰"}

    def post(client: Client, address: str, body: dict[str, Any]) -> Any:
        return client.post(f"/api/v1{address}", json.dumps(body), content_type="application/json")

    made = post(browser, "/centres/a/maintenance", asked_for)
    assert made.status_code == 201, made.content
    assert post(browser, f"/centres/{other.code}/maintenance", asked_for).status_code == 404
    assert post(guest, "/centres/a/maintenance", asked_for).status_code == 403
    assert post(browser, "/centres/a/maintenance", asked_for | {"starts_at": "2024-01-01T00:00:00"}).status_code == 422
    assert [row["centre"] for row in guest.get("/api/v1/maintenance").json()] == ["a"]
    number = made.json()["number"]
    assert post(browser, f"/centres/a/maintenance/{number}/cancel", {}).json()["state"] == "cancelled"
