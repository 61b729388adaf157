"""The Slurm engine's reading and writing, for which no cluster is needed: what Slurm prints, what a node is given."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.compute.accelerators import Unmetered
from huisuan.compute.engines.interface import EngineError, JobSpec, RunState
from huisuan.compute.engines.slurm import accounting, job_files, parsing, rest_client, states
from huisuan.compute.engines.slurm.accounting import ACCOUNTING_FIELDS
from huisuan.compute.engines.slurm.config import UnixUser
from huisuan.compute.engines.slurm.run_folder import RunFolder, born, check_run_name, since
from huisuan.compute.engines.slurm.types import LIVE, Request
from huisuan.compute.sacct.export import new_delimiter
from huisuan.protocol.job_uid import job_uid
from support.examples import examples

NAME = "01jd00000000000000000000zz"
ME = UnixUser("me", os.geteuid(), os.getegid(), "/home/me")
WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


# --- what a node is given


def printed(*command: str, environment: Mapping[str, str]) -> list[str]:
    """What a program prints that a run starts, cut at each NUL."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "a ';$(place)", NAME)
        run.place.mkdir(parents=True)
        job = JobSpec(uid=NAME, command=command, environment=environment)
        job_files.check_slurm_job(job)
        job_files.write_job_files(run, job, ME)
        done = subprocess.run(["/bin/sh", str(run.place / "launch")], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=examples(50))
@given(words=st.lists(WORD, max_size=6), environment=st.dictionaries(WORD.filter(lambda k: k and "=" not in k), WORD))
def test_any_words_and_any_environment_arrive_unchanged(words: list[str], environment: dict[str, str]) -> None:
    assert printed("/usr/bin/printf", "%s\\0", "first", *words, environment=environment) == ["first", *words]
    surroundings = dict(pair.split("=", 1) for pair in printed("/usr/bin/env", "-0", environment=environment))
    assert environment.items() <= surroundings.items()


@pytest.mark.parametrize("program", ["a=b", "-x", "--", "a b", "'"])
def test_a_program_of_any_name_is_started(tmp_path: Path, program: str) -> None:
    run = RunFolder(tmp_path, NAME)
    run.place.mkdir()
    (tmp_path / program).write_text("#!/bin/sh\necho started $#\n")
    (tmp_path / program).chmod(0o755)
    job = JobSpec(uid=NAME, command=(program, "x"), environment={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    job_files.write_job_files(run, job, ME)
    done = subprocess.run(["/bin/sh", str(run.place / "launch")], capture_output=True, text=True, check=False)
    assert done.stdout == "started 1\n", done.stderr


def test_what_slurm_itself_is_given_holds_nothing_of_the_users(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "x'y", NAME)
    assert job_files.batch_script(run).splitlines() == [
        *("#!/bin/sh", f"# huisuan {NAME}", f"exec /bin/sh '{tmp_path}/x'\"'\"'y/{NAME}/launch'"),
    ]


@pytest.mark.parametrize("name", ["", "x", "../x", NAME + "-0", NAME.upper(), NAME + "\n", "a" * 40, NAME + "-1; id"])
def test_names_that_could_be_more_than_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="作业号格式不对"):
        check_run_name(name)


def test_the_accounting_is_asked_from_before_a_run_was_made() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    uid = job_uid(at, bytes(10))
    assert born(uid) == born(f"{uid}-3") == int(at.timestamp())
    now = int(at.timestamp()) + 1_000_000
    assert since([(uid, None)], now) == int(at.timestamp()) - 86400
    assert since([("a" * 20, None)], now) == now - 31 * 86400  # a name that tells no time


# --- what Slurm prints


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("gpu:a100:8(S:0-1)", {("gpu", "a100"): 8}),
        ("gpu:a100:2(IDX:0,3),npu:910b3:0(IDX:N/A)", {("gpu", "a100"): 2, ("npu", "910b3"): 0}),
        ("gpu:8", {("gpu", ""): 8}),
        ("gpu", {("gpu", ""): 1}),
        ("gpu:a100:no_consume:4", {("gpu", "a100"): 4}),
        ("gpu:a100:4,gpu:h100:4,shard:64,mps:a100:400", {("gpu", "a100"): 4, ("gpu", "h100"): 4}),
        ("(null)", {}),
        ("", {}),
    ],
)
def test_cards_are_read_by_their_kind(text: str, cards: dict[tuple[str, str], int]) -> None:
    assert parsing.parse_gres(text) == cards


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        *(("IDLE", "up"), ("MIXED+PLANNED", "up"), ("ALLOCATED", "up"), ("IDLE+CLOUD+POWERED_DOWN", "up")),
        *(("DOWN*", "down"), ("IDLE*", "down"), ("DOWN+DRAIN", "down"), ("UNKNOWN", "down"), ("IDLE+FAIL", "down")),
        *(("IDLE+DRAIN", "drained"), ("MIXED+DRAIN", "drained"), ("IDLE+MAINTENANCE", "drained")),
    ],
)
def test_a_nodes_state_is_up_down_or_drained(state: str, seen: str) -> None:
    assert parsing.parse_node({"NodeName": "n", "State": state}).state == seen


def test_free_text_at_the_end_of_a_line_changes_nothing_before_it() -> None:
    line = "NodeName=n1 State=DOWN Partitions=a,b Reason=State=IDLE NodeName=n2 [root@2026-01-01T00:00:00]"
    assert parsing.parse_node(parsing.parse_pairs(line)).name == "n1"
    assert parsing.parse_node(parsing.parse_pairs(line)).state == "down"


@pytest.mark.parametrize(
    ("text", "code"),
    [("0:0", 0), ("3:0", 3), ("0:9", 137), ("0:125", None), ("", None), ("768", 3), ("9", 137), ("0", 0)],
)
def test_exit_codes_are_numbered_as_shells_do(text: str, code: int | None) -> None:
    assert parsing.parse_wait_status(text) == code


@pytest.mark.parametrize(
    ("text", "us"), [("00:00:01", 1_000_000), ("01:02.500", 62_500_000), ("1-00:00:00", 86_400_000_000), ("", 0)]
)
def test_processor_time_is_read(text: str, us: int) -> None:
    assert parsing.parse_microseconds(text) == us


@pytest.mark.parametrize(("text", "octets"), [("1234K", 1_263_616), ("1.5G", 1_610_612_736), ("7", 7), ("", 0)])
def test_memory_is_read(text: str, octets: int) -> None:
    assert parsing.parse_octets(text) == octets


def test_every_state_that_slurm_has_is_known() -> None:
    """The states of slurm.h (job_state_string), from 22.05 to 26.05."""
    known = (
        "PENDING RUNNING SUSPENDED COMPLETED CANCELLED FAILED TIMEOUT NODE_FAIL PREEMPTED BOOT_FAIL DEADLINE "
        "OUT_OF_MEMORY COMPLETING CONFIGURING RESIZING REQUEUED REQUEUE_FED REQUEUE_HOLD SPECIAL_EXIT STOPPED REVOKED "
        "RESV_DEL_HOLD SIGNALING STAGE_OUT LAUNCH_FAILED RECONFIG_FAIL"
    )
    assert [state for state in known.split() if state not in LIVE and state not in states.ENDS] == []


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Resources", "等待空出资源（Resources）"),
        ("QOSMaxGRESPerUser", "超过 QOS 的上限（QOSMaxGRESPerUser）"),
        ("AssocGrpGRESMinutes", "账户的总量已用满（AssocGrpGRESMinutes）"),
        ("SomethingNew", "Slurm：SomethingNew"),
        ("None", ""),
    ],
)
def test_why_a_job_waits_is_said_with_slurms_own_word(reason: str, said: str) -> None:
    assert states.pending_reason("PENDING", reason) == said


# --- sacct


def row(**values: str) -> str:
    """A line of sacct's, of a job of two cards that ran for a minute."""
    usual = {
        "JobIDRaw": "7", "JobName": NAME, "State": "COMPLETED", "Submit": "1700000000", "Start": "1700000010",
        "End": "1700000070", "Suspended": "00:00:00", "AllocTRES": "cpu=1,gres/gpu:a100=2,gres/gpu=2,node=1",
        "NNodes": "1", "NodeList": "gpu01", "ExitCode": "0:0", "TotalCPU": "00:01.500", "User": "root",
    }  # fmt: skip
    return "|".join({**dict.fromkeys(ACCOUNTING_FIELDS, ""), **usual, **values}[name] for name in ACCOUNTING_FIELDS)


def runs(*lines: str) -> list[accounting.Accounted]:
    """The runs of job 7 that these lines tell of."""
    found = accounting.parse_sacct_output("\n".join(["|".join(ACCOUNTING_FIELDS), *lines, ""]), ACCOUNTING_FIELDS, "|")
    return found[7, NAME]


def test_steps_count_for_their_memory_and_nothing_else() -> None:
    step = row(JobIDRaw="7.0", JobName="python", MaxRSS="2048K")
    (used,) = accounting.usage_from_sacct(
        NAME, runs(row(), row(JobIDRaw="7.batch", JobName="batch", MaxRSS="1024K"), step)
    )
    assert (used.cards, used.local_card) == (2, "a100")
    assert used.measured == {"processor_us": 1_500_000, "peak_memory_bytes": 2_097_152}


def test_each_run_of_a_requeued_job_is_its_own_and_counted_where_slurm_does_not() -> None:
    first = row(State="NODE_FAIL", End="1700000030")
    second = row(Start="1700000100", End="1700000200")
    waiting = row(State="PENDING", Start="Unknown", End="Unknown", AllocTRES="", NodeList="None assigned")
    used = accounting.usage_from_sacct(NAME, runs(second, first, waiting))
    assert [(one.restart, one.state, one.started_at.timestamp()) for one in used] == [
        *((0, RunState.FAILED, 1700000010), (1, RunState.COMPLETED, 1700000100)),
    ]


def test_a_run_of_less_than_a_second_counts_one_and_never_reaches_into_the_next() -> None:
    short = row(State="REQUEUED", End="1700000010")
    (used,) = accounting.usage_from_sacct(NAME, runs(short))
    assert used.ended_at is not None
    assert (used.ended_at - used.started_at).total_seconds() == 1
    both = accounting.usage_from_sacct(NAME, runs(short, row()))
    assert [one.ended_at and one.ended_at.timestamp() for one in both] == [1700000010, 1700000070]


def test_another_jobs_run_under_the_same_number_is_not_mixed_in() -> None:
    found = accounting.parse_sacct_output(
        "\n".join(["|".join(ACCOUNTING_FIELDS), row(JobName="x" * 26, MaxRSS="9G"), row()]), ACCOUNTING_FIELDS, "|"
    )
    assert {name: len(each) for (_, name), each in found.items()} == {"x" * 26: 1, NAME: 1}


@pytest.mark.parametrize(
    ("changed", "ended", "began"),
    [
        ({"State": "RUNNING", "End": "Unknown"}, False, True),
        ({"State": "COMPLETED", "End": "Unknown"}, False, True),  # the accounting has heard the half of it
        ({"State": "CANCELLED by 1000", "Start": "None", "AllocTRES": ""}, True, False),
        ({"State": "CANCELLED by 1000", "Start": "1700000070", "AllocTRES": ""}, True, False),
        ({"State": "CANCELLED+"}, True, True),
    ],
)
def test_a_run_is_over_when_its_end_is_known(changed: dict[str, str], ended: bool, began: bool) -> None:
    (found,) = runs(row(**changed))
    assert (found.over, found.start is not None) == (ended, began)


@pytest.mark.parametrize(
    ("tres", "held"),
    [
        ("gres/gpu=4,gres/gpu:a100=4", {"a100": 4}),
        ("gres/gpu=4", {"": 4}),
        ("gres/npu:910B3=8", {"910b3": 8}),
        ("gres/gpu=3,gres/gpu:a100=1,gres/gpu:h100=2", {"a100": 1, "h100": 2}),
        ("gres/gpu=3,gres/gpu:a100=1", {"a100": 1, "": 2}),
    ],
)
def test_cards_are_what_was_allocated_by_whatever_name(tres: str, held: dict[str, int]) -> None:
    assert {one.local_card: one.cards for one in accounting.usage_from_sacct(NAME, runs(row(AllocTRES=tres)))} == held


@pytest.mark.parametrize("tres", ["", "cpu=4", "gres/shard=3", "gres/gpu=1,gres/gpu:a100=2", "gres/gpu=1.5"])
def test_cards_that_the_accounting_does_not_tell_are_not_made_up(tres: str) -> None:
    with pytest.raises(Unmetered):
        accounting.usage_from_sacct(NAME, runs(row(AllocTRES=tres, End="1700000071")))


@pytest.mark.parametrize("printed", ["", "nonsense", "JobIDRaw|JobName", "|".join(ACCOUNTING_FIELDS) + "\n7|too|short"])
def test_what_is_not_saccts_answer_is_refused(printed: str) -> None:
    with pytest.raises(EngineError, match="sacct"):
        accounting.parse_sacct_output(printed, ACCOUNTING_FIELDS, "|")


def test_a_name_of_several_lines_is_one_name_between_delimiters_that_nobody_knew() -> None:
    between = new_delimiter()
    forged = f"x\n{row()}\n{'|'.join(ACCOUNTING_FIELDS)}\n\n7"
    lines = [each.replace("|", between) for each in ("|".join(ACCOUNTING_FIELDS), row(JobName="?"), row())]
    lines[1] = lines[1].replace("?", forged)
    found = accounting.parse_sacct_output("\n".join([*lines, ""]), ACCOUNTING_FIELDS, between)
    assert {name: [run.tres for run in each] for (_, name), each in found.items()} == {
        forged: [runs(row())[0].tres], NAME: [runs(row())[0].tres],
    }  # fmt: skip
    with pytest.raises(EngineError, match="字段"):
        accounting.parse_sacct_output("\n".join(lines)[:-30], ACCOUNTING_FIELDS, between)


# --- slurmrestd in versions that no cluster of ours has

REQUEST = Request(
    name=NAME, script="#!/bin/sh\n", partition="a100", gres="gpu:a100:8", nodes=2, minutes=3, folder="/w",
    output="/o", person=ME, environment={"PATH": "/bin"}, account="anhui", cpus=16, memory_mib=1024,
)  # fmt: skip


def test_a_submission_is_written_as_each_version_has_it() -> None:
    old, newer, newest = (
        rest_client.submission(REQUEST, 38),
        rest_client.submission(REQUEST, 39),
        rest_client.submission(REQUEST, 42),
    )
    assert (old["job"]["gres"], old["job"]["nodes"], old["job"]["time_limit"]) == ("gpu:a100:8", [2, 2], 3)
    assert old["job"]["environment"] == {"PATH": "/bin"}
    assert newer["job"]["tres_per_node"] == "gres:gpu:a100:8"
    assert newest["job"]["tres_per_node"] == "gres/gpu:a100:8"
    assert newest["job"]["environment"] == ["PATH=/bin"]
    assert newest["job"]["time_limit"] == {"set": True, "infinite": False, "number": 3}
    for body in (old, newer, newest):
        assert {"name", "account", "cpus_per_task", "memory_per_node", "tasks", "standard_output"} <= body["job"].keys()
        assert "qos" not in body["job"]


@pytest.mark.parametrize(
    "job",
    [
        {"job_state": "RUNNING", "start_time": 1700000000, "restart_cnt": 2, "node_count": 2, "exit_code": 0},
        {
            "job_state": ["RUNNING"],
            "start_time": {"set": True, "infinite": False, "number": 1700000000},
            "restart_cnt": 2,
            "node_count": {"set": True, "infinite": False, "number": 2},
            "exit_code": {
                "return_code": {"set": True, "infinite": False, "number": 0},
                "signal": {"id": {"set": False}},
            },
        },
    ],
)
def test_a_job_is_read_as_each_version_has_it(job: dict[str, Any]) -> None:
    found = rest_client.queued({"job_id": 7, "name": NAME, **job})
    assert (found.state, found.start, found.restart, found.node_count, found.exit_code) == (
        "RUNNING",
        1700000000,
        2,
        2,
        0,
    )
    assert rest_client.queued({"job_id": 7, "job_state": ["COMPLETED", "COMPLETING"]}).state == "COMPLETING"
