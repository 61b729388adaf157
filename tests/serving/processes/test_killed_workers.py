"""Every kind of background job, its worker killed with SIGKILL in the middle of a write: it ends once, and right."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from huisuan.base.db.background_work import WorkState
from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.imports.requests import ImportPlan, keep_file, request_import
from huisuan.compute.metering.seals.requests import request_seals
from huisuan.compute.models import (
    Accelerator,
    AgentKey,
    CapacitySighting,
    CentreNode,
    DurationLine,
    HeldCancel,
    Job,
    JobEvent,
    JobState,
    RegisterEntry,
    Seal,
    SealRequest,
    SiteAgent,
    Upload,
    UsageDay,
    UsageImport,
    UsageRecord,
)
from huisuan.law.budget import Sample
from huisuan.law.policy import load_policy
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import GateFile
from huisuan.parties.models import PartyChange, Person
from huisuan.protocol.batch_chain import statement_sha256
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, propose_settings
from huisuan.settlement.impact.register_requests import RegisterLines, request_register_file
from huisuan.settlement.impact.requests import request_comparison
from huisuan.settlement.models import (
    Comparison,
    ComparisonRequest,
    RegisterFileRequest,
    ScenarioRequest,
    SettlementRequest,
    SettlementRun,
    Through,
)
from huisuan.settlement.runs import requests
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.scenarios.requests import BudgetScenario, request_budget
from support.accounts import make_token
from support.gate import list_entry, steward
from support.usage_records import A800, centre, code, imported, line, party, sacct

POLICY = "anhui-agi-2023"
pytestmark = pytest.mark.django_db(transaction=True)


def work(ticks: bool, *options: str) -> None:
    """A worker as `huisuan up` runs it, in a process of its own; without `ticks` only what the test queued is there."""
    for each in connections.all(initialized_only=True):
        each.connection = None  # the parent's
    app.perform_import_paths()
    if not ticks:
        app.periodic_registry.periodic_tasks.clear()
    call_command("procrastinate", "worker", *options)


def started(*options: str, ticks: bool = True) -> Any:
    process = multiprocessing.get_context("fork").Process(target=work, args=(ticks, *options))
    process.start()
    return process


def one_round() -> None:
    """A worker that does what there is to do, and ends."""
    process = started("--one-shot")
    process.join(300)  # a machine that is busy takes its time
    assert process.exitcode == 0


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 300
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


@contextmanager
def locked(statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Another session holds what a job is about to write."""
    with psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}) as other:
        other.execute(statement)
        yield other


def waits(other: psycopg.Connection[Any]) -> bool:
    """Whether a session of this database waits for that lock."""
    (count,) = connection.cursor().execute(
        "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [other.info.backend_pid]
    ).fetchone()  # fmt: skip
    return bool(count)


def killed_at(statement: str) -> None:
    """A worker begins the job that is queued, comes to that lock, and is killed there."""
    with locked(statement) as other:
        process = started("--one-shot", ticks=False)
        eventually(lambda: waits(other))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        # its session lives on until the server notices; the lock goes only then, or the write would be done after all
        backends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        connection.cursor().execute(backends, [other.info.backend_pid])
        eventually(lambda: not waits(other))


def half_a_minute_passes() -> None:
    """No heartbeat comes from the dead any more."""
    connection.cursor().execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")


# --- the world in which they work

NEVER = "LOCK TABLE {} IN SHARE MODE"  # nobody writes; everybody reads
SOON = "192.0.2.1"  # documentation's own network: webhooks are not sent there, at once


@dataclass(frozen=True)
class Kind:
    """A kind of background job: what it writes in its middle, and what holds once it is over, however often killed."""

    lock: str
    holds: Callable[[], Any]
    task: Callable[[], Any] | None = None  # None: periodic


def ticked(name: str) -> None:
    with suppress(AlreadyEnqueued):
        app.configure_task(name).defer(timestamp=int(time.time()))


def bills_are_right() -> None:
    (run,) = SettlementRun.objects.filter(year=2024)
    assert (run.bills.count(), run.entitlements.count(), run.card_seconds) == (1, 1, 2 * 8 * 3600)
    request = SettlementRequest.objects.get(year=2024)
    assert (request.state, request.run, request.attempts) == (WorkState.DONE, run, 2)
    again = settle(POLICY, 2024, now=datetime.now(UTC), by="test")
    assert again.run.result_sha256 == run.result_sha256  # a run of its own at most, for a month was sealed since


def the_month_is_sealed() -> None:
    assert [each.month for each in Seal.objects.all()] == [date(2024, 3, 1)]
    request = SealRequest.objects.get()
    assert (request.state, request.attempts) == (WorkState.DONE, 2)


def a_comparison() -> ComparisonRequest:
    """Of a proposal over a year that is settled, and in which nobody used anything."""
    settle(POLICY, 2023, now=datetime.now(UTC), by="test")
    text = 'authority = "省专班"\nvalid_from = 2024-01-01\n[settings]\n"2.2.rate" = "15%"\n'
    draft = parse_draft(load_policy(POLICY), "f.toml", text)
    made = propose_settings(POLICY, draft, ProposalActor("zhang", Through.WEB), datetime.now(UTC))
    return request_comparison(made, 2023, "专班", datetime.now(UTC))


def the_comparison_is_there_once() -> None:
    request = ComparisonRequest.objects.get()
    assert (request.state, request.attempts, request.comparison) == (WorkState.DONE, 2, Comparison.objects.get())


def a_register_file() -> RegisterFileRequest:
    """A party that nobody knew, in a year of which nothing becomes another."""
    lines = f"uscc,name,kind,region\n{code(90)},新公司,enterprise,340100\n".encode()
    return request_register_file(RegisterLines("parties", lines, "f.csv"), "专班", datetime.now(UTC))


def the_line_is_entered_once() -> None:
    request = RegisterFileRequest.objects.get()
    assert (request.state, request.attempts, request.entered) == (WorkState.DONE, 2, True)
    assert PartyChange.objects.filter(party__uscc=code(90)).count() == 1


def a_budget() -> ScenarioRequest:
    scenario = BudgetScenario(load_policy(POLICY), date(2024, 12, 31), date(2026, 1, 1), {}, Sample(100, 1))
    return request_budget(scenario, "", "专班", datetime.now(UTC))


def the_budget_is_computed() -> None:
    request = ScenarioRequest.objects.get()
    assert (request.state, request.attempts) == (WorkState.DONE, 1)  # killed as it wrote that it begins
    assert request.result is not None


def silence_is_noted_once() -> None:
    assert len(Job.objects.get(state=JobState.RUNNING).reasons) == 1


def capacity_is_noted() -> None:
    assert set(CapacitySighting.objects.values_list("centre__code", "most", "least_up")) == {("c2", 8, 8)}


def a_line_is_fitted() -> None:
    assert DurationLine.objects.count() == 1


def days_are_counted() -> None:
    days = UsageDay.objects.filter(accelerator__isnull=False, centre__code="c1")
    assert [each.card_seconds for each in days] == [2 * 8 * 3600]


def the_register_is_chained() -> None:
    entries = list(RegisterEntry.objects.order_by("month"))
    assert len(entries) == 1
    assert (entries[0].previous, entries[0].sha256) == ("", statement_sha256(entries[0].statement))


def the_upload_is_forgotten() -> None:
    upload = Upload.objects.get()
    assert upload.content is None
    assert upload.forgotten_at is not None


def the_webhook_was_tried() -> None:
    assert JobEvent.objects.get(job__notify_url__contains=SOON).tries >= 1  # a long round has more than one tick


def the_held_cancel_is_sent() -> None:
    held = HeldCancel.objects.get()
    assert held.sent_at is not None
    job = Job.objects.get(pk=held.uids[0])
    assert (job.state, job.events.filter(state=JobState.CANCELLED).count()) == (JobState.CANCELLED, 1)


def the_orphan_was_settled() -> None:
    orphan = SettlementRequest.objects.get(year=2023)
    assert orphan.state == WorkState.DONE
    assert orphan.run.records == 0


def the_old_row_is_gone() -> None:
    assert not ProcrastinateJob.objects.filter(task_name="old").exists()


def the_file_is_imported_once() -> None:
    work = UsageImport.objects.get()
    assert (work.state, work.attempts, work.report["new"]) == (WorkState.DONE, 2, 1)
    assert UsageRecord.objects.filter(job_id="77").count() == 1


def ask_for_an_import() -> None:
    file = keep_file(io.BytesIO(sacct(line(77, Start="2025-01-01T00:00:00", End="2025-01-01T01:00:00"))), "more.txt")
    request_import("c2", ImportPlan(file, "sacct"), "专班", datetime.now(UTC))


def a_file_at_the_gate() -> None:
    upload_file(list_entry(), "停车场.csv", "名称,车位数\n南站,120\n".encode(), steward("uploader"), datetime.now(UTC))


def the_file_is_read_once() -> None:
    file = GateFile.objects.get()
    assert (file.state, file.scans.count(), file.steps_taken) == ("clean", 1, 3)
    assert (file.scan_works.get().state, file.scan_works.get().attempts) == (WorkState.DONE, 2)


def an_old_row() -> str:
    cursor = connection.cursor()
    cursor.execute(
        "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES ('old', 'old', 'todo') RETURNING id"
    )
    (number,) = cursor.fetchone()
    cursor.execute("UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = %s", [number])
    cursor.execute("UPDATE procrastinate_events SET at = now() - interval '60 days' WHERE job_id = %s", [number])
    return f"SELECT 1 FROM procrastinate_jobs WHERE id = {number} FOR UPDATE"


KINDS = {
    "settlement.settle_year": Kind(
        "settlement_entitlement",
        bills_are_right,
        lambda: requests.request_settlement(POLICY, 2024, "专班", datetime.now(UTC)),
    ),
    "metering.seal_months": Kind(
        "compute_seal", the_month_is_sealed, lambda: request_seals("c1", Month(2024, 3), "专班", datetime.now(UTC))
    ),
    "opendata.scan_file": Kind("opendata_gatescan", the_file_is_read_once, a_file_at_the_gate),
    "metering.import_usage": Kind("compute_sourcefile", the_file_is_imported_once, ask_for_an_import),
    "settlement.compare_year": Kind("settlement_comparison", the_comparison_is_there_once, a_comparison),
    "settlement.enter_register_file": Kind("parties_party", the_line_is_entered_once, a_register_file),
    "settlement.budget_scenario": Kind("settlement_scenariorequest", the_budget_is_computed, a_budget),
    "compute.look_after_jobs": Kind("compute_job", silence_is_noted_once),
    "compute.note_capacities": Kind("compute_capacitysighting", capacity_is_noted),
    "compute.learn_durations": Kind("compute_durationline", a_line_is_fitted),
    "compute.tally_usage": Kind("compute_usageday", days_are_counted),
    "compute.publish_register": Kind("compute_registerentry", the_register_is_chained),
    "compute.forget_uploads": Kind("compute_upload", the_upload_is_forgotten),
    "compute.send_held_cancels": Kind("compute_heldcancel", the_held_cancel_is_sent),
    "compute.tell_webhooks": Kind("compute_jobevent", the_webhook_was_tried),
    "serving.look_after_tasks": Kind("settlement_settlementrequest", the_orphan_was_settled),
    "serving.tidy_disk": Kind("", lambda: None),  # removes files, one by one
    "serving.forget_old_tasks": Kind("", the_old_row_is_gone),
}

#: kinds that a kill in the middle leaves as if they had not begun, and why; the next tick does them (tried below)
ONE_TRANSACTION = {
    "compute.watch_budgets": "an alert is a row with a key of budget, period and step, written with its message",
    "compute.forget_file_requests": "deletes by one statement",
    "compute.deliver_messages": "tests/messages/test_delivery.py kills it: a try is counted before it is made",
    "compute.tell_due_seals": "each month is one transaction, and its message has a key: it is written once",
    "compute.forget_messages": "one transaction",
    "opendata.rebuild_corpora": "a build is one transaction; shards without a row are served by nobody",
    "settlement.forget_register_files": "each of its two statements does what is left to do",
    "opendata.scan_what_is_out": "each file is one transaction, and is not asked for while its scan is under way",
    "programmes.erase_objectors": "one transaction; what is erased is not found again",
    "programmes.remind_of_reports": "each message has a key: it is written once",
    "programmes.revoke_groundless_grants": "one transaction; what is revoked is not found again",
    "programmes.look_back": "one transaction, and a flag is a row with a key of application, kind and what it is about",
}


@pytest.fixture
def world(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A centre with use of 2024, one that is heard, jobs that ended, one at a silent centre, an old upload."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    now = datetime.now(UTC)
    silent, heard = centre(), centre("c2")
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    imported(sacct(line(1), line(2)), tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    # heard as long as the test lasts, however busy the machine is
    for at, seen in ((silent, now - timedelta(minutes=9)), (heard, now + timedelta(days=1))):
        key = AgentKey.objects.create(centre=at, name=at.code, public_key=at.code[-1] * 64, host="h", enrolled_at=now)
        SiteAgent.objects.create(centre=at, key=key, boot="b", host="h", version="1", engine="local", last_seen_at=seen)
    card = Accelerator.objects.get(model=A800)
    CentreNode.objects.create(centre=heard, name="n", accelerator=card, cards=8, state="up", seen_at=now)
    plain = {"party": party(1), "submitted_by": "甲", "name": "x", "command": ["x"], "cards": 1}
    past = {"submitted_at": now - timedelta(hours=9), "started_at": now - timedelta(hours=8)}
    Job.objects.bulk_create(
        Job(uid=f"{n:026}", state=JobState.DONE, ended_at=now - timedelta(hours=7, seconds=n), **plain, **past)
        for n in range(300)
    )
    placed = {"centre": silent, "accelerator": card, "partition": "gpu", "lease": 1, "placed_at": past["started_at"]}
    Job.objects.create(uid="r", state=JobState.RUNNING, **placed, **plain, **past)
    over = now - timedelta(hours=6)
    told = Job.objects.create(
        uid="w", state=JobState.DONE, ended_at=over, notify_url=f"http://{SOON}/", **plain, **past
    )
    unwanted = Job.objects.create(uid="h" * 26, state=JobState.WAITING, submitted_at=over, **plain)
    HeldCancel.objects.create(
        uids=[unwanted.pk], party=party(1), asked_by="甲", asked_at=over, due_at=over + timedelta(seconds=10)
    )
    JobEvent.objects.create(job=told, at=now - timedelta(seconds=1), run=0, lease=0, state=JobState.DONE)
    Upload.objects.create(party=party(1), sha256="0" * 64, size=1, content=b"x", uploaded_at=now - timedelta(days=60))


def test_every_kind_of_job_that_is_killed_in_its_middle_ends_once_and_right(world: None) -> None:
    app.perform_import_paths()
    ours = {name for name in app.tasks if not name.startswith(("builtin:", "procrastinate."))}
    assert ours == set(KINDS) | set(ONE_TRANSACTION), (
        "a new kind of job belongs here: what does a kill in its middle leave?"
    )
    for name, kind in KINDS.items():
        if name == "serving.tidy_disk":
            continue
        if name == "serving.look_after_tasks":  # somebody asked, and the worker's job of it is gone
            SettlementRequest.objects.create(
                policy=POLICY, year=2023, requested_by="专班", requested_at=datetime.now(UTC)
            )
        lock = NEVER.format(kind.lock) if kind.lock else an_old_row()
        kind.task() if kind.task else ticked(name)
        killed_at(lock)
        assert ProcrastinateJob.objects.filter(task_name=name, status="doing").exists()

    half_a_minute_passes()
    ticked("serving.look_after_tasks")
    one_round()  # takes up what is to be done again, and ends the rest
    for name in [name for name, kind in KINDS.items() if kind.task is None] + list(ONE_TRANSACTION):
        ticked(name)  # the next tick
    one_round()

    assert not ProcrastinateJob.objects.filter(status="doing").exists()
    done = ProcrastinateJob.objects.filter(task_name__in=ONE_TRANSACTION).values_list("task_name", "status")
    assert set(done) == {(name, "succeeded") for name in ONE_TRANSACTION}
    for kind in KINDS.values():
        kind.holds()


def test_a_year_is_asked_for_once_and_the_second_who_asks_is_given_the_first(client: Client) -> None:
    call = {"content_type": "application/json", "headers": {"Authorization": f"Bearer {make_token('province')[1]}"}}
    first = client.post("/api/v1/settlements", {"year": 2024}, **call)
    again = client.post("/api/v1/settlements", {"year": 2024}, **call)
    other = client.post("/api/v1/settlements", {"year": 2023}, **call)
    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 202)
    assert first.json()["task"] == again.json()["task"] != other.json()["task"]
    assert client.post("/api/v1/settlements", {"year": 10**9}, **call).status_code == 400
    assert client.post("/api/v1/settlements", {"year": 2024, "policy": "\0"}, **call).status_code == 400

    number = first.json()["task"]
    one_round()
    done = client.get(f"/api/v1/settlements/requests/{number}", **call).json()
    assert (done["state"], done["reason"], done["run"]) == ("done", "", SettlementRun.objects.get(year=2024).pk)
    assert client.post("/api/v1/settlements", {"year": 2024}, **call).status_code == 202  # the first is over


def test_why_a_settlement_failed_is_said_where_one_looks(client: Client) -> None:
    centre()
    imported(sacct(line(1)), tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    asked = requests.request_settlement(POLICY, 2024, "专班", datetime.now(UTC)).request
    one_round()
    asked.refresh_from_db()
    assert asked.state == WorkState.FAILED
    assert "没有价目" in asked.reason
    client.force_login(Person.objects.create(username="p", role="province"))
    assert "没有价目" in client.get("/runs/").content.decode()


def test_a_settlement_whose_worker_dies_every_time_ends_with_the_reason() -> None:
    asked = requests.request_settlement(POLICY, 2024, "专班", datetime.now(UTC)).request
    for _ in range(requests.MOST_ATTEMPTS):
        killed_at(NEVER.format("settlement_settlementrun"))
        half_a_minute_passes()
        ticked("serving.look_after_tasks")
        connection.cursor().execute("UPDATE procrastinate_jobs SET priority = 9 WHERE queue_name = 'default'")
        process = started("--one-shot", "--queues", "default")
        process.join(300)  # a machine that is busy takes its time
    asked.refresh_from_db()
    assert (asked.state, asked.reason) == (WorkState.FAILED, requests.LOST)
    assert requests.request_settlement(POLICY, 2024, "专班", datetime.now(UTC)).new
