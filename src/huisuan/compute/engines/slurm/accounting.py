"""What Slurm's accounting knows of jobs: `sacct`, asked for many at once.

AllocTRES, never ReqTRES. Every run of a requeued job (--duplicates) is a row of its own; the rows of its steps hold the
same cards once more and are read for their memory alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property

from huisuan.base.slurm.durations import parse_slurm_duration
from huisuan.base.text_length import shortened
from huisuan.compute.accelerators import Unmetered, count_cards
from huisuan.compute.engines.interface import EngineError, RunState, RunUsage
from huisuan.compute.engines.slurm import parsing
from huisuan.compute.engines.slurm.command_client import CommandClient
from huisuan.compute.engines.slurm.states import ENDS
from huisuan.compute.engines.slurm.types import LIVE, Accounted
from huisuan.compute.sacct.export import new_delimiter

ACCOUNTING_FIELDS = (
    *("JobIDRaw", "JobName", "State", "Submit", "Start", "End", "Suspended", "AllocTRES", "NNodes", "NodeList"),
    *("ExitCode", "TotalCPU", "MaxRSS", "Partition", "Account", "User", "Cluster"),
)
JobKey = tuple[int, str]  # a job's id and name: the controller that lost its state gives an id again
#: all that there are: where none is named (and no job), sacct leaves out what has no Eligible time, such as a job that
#: began in the second in which it came in
_STATES = (
    "PENDING,RUNNING,SUSPENDED,BOOT_FAIL,CANCELLED,COMPLETED,DEADLINE,FAILED,NODE_FAIL,OUT_OF_MEMORY,PREEMPTED,TIMEOUT"
)
_FOREVER = 4_000_000_000  # with states the window has to have an end; 2096
_AT_ONCE = 1000  # jobs in one question: a command line has room for more, a person's patience has not


class Accounting:
    """`sacct` for the jobs of one user."""

    def __init__(self, commands: CommandClient) -> None:
        self.commands = commands

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """What is asked for: newer ones also tell how often a job was restarted."""
        if "AllocTRES" not in (offered := self.commands.say("sacct", "--helpformat").split()):
            raise EngineError("sacct --helpformat 里没有 AllocTRES：这不是 Slurm 的 sacct，不能据以计量")
        return (*ACCOUNTING_FIELDS, "Restarts") if "Restarts" in offered else ACCOUNTING_FIELDS

    def of_jobs(self, ids: Sequence[int], since: int) -> dict[JobKey, list[Accounted]]:
        """The runs of these jobs, first to last; `since`: none of them is older."""
        found: dict[JobKey, list[Accounted]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            chosen = ",".join(map(str, ids[start : start + _AT_ONCE]))
            found |= self._ask(since, f"--jobs={chosen}")
        return found

    def of_names(self, names: Sequence[str], since: int) -> dict[JobKey, list[Accounted]]:
        """The runs of the jobs of these names, by job."""
        found: dict[JobKey, list[Accounted]] = {}
        for start in range(0, len(names), _AT_ONCE):
            chosen = ",".join(names[start : start + _AT_ONCE])
            found |= self._ask(since, f"--name={chosen}", f"--state={_STATES}", f"--endtime={_local(_FOREVER)}")
        return found

    def _ask(self, since: int, *which: str) -> dict[JobKey, list[Accounted]]:
        # job ids begin again from the first some day: without a start sacct could show another's job of long ago
        whose = f"--user={self.commands.person.name}"
        delimiter = new_delimiter()  # a job may have named another what it liked, line ends and all
        asked = (
            "--parsable2",
            f"--delimiter={delimiter}",
            "--duplicates",
            f"--format={','.join(self.fields)}",
            f"--starttime={_local(since)}",
            whose,
            *which,
        )
        return parse_sacct_output(self.commands.say("sacct", *asked), self.fields, delimiter)


def _local(moment: int) -> str:
    """An instant as sacct reads it, whose time zone is set to UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_sacct_output(printed: str, fields: Sequence[str], delimiter: str) -> dict[JobKey, list[Accounted]]:
    """The runs by job, first to last, of what sacct printed with its header. Pure.

    `delimiter` is one that nobody knew before: only where sacct wrote it does a field end, so that a line end in a
    job's name is only a line end.

    Raises:
        EngineError: it is not what was asked for.
    """
    lines = printed.split("\n")
    if lines[0].split(delimiter) != list(fields):
        raise EngineError(f"sacct 的表头不是所要的 {'|'.join(fields)}：这不是 Slurm 的 sacct，不能据以计量")
    found: dict[JobKey, list[Accounted]] = defaultdict(list)
    latest: JobKey | None = None
    for values in _rows(lines[1:], len(fields), delimiter):
        row, line = dict(zip(fields, values, strict=True)), "|".join(values)
        job, _, step = row["JobIDRaw"].partition(".")
        if not job.isdigit():
            continue
        if not step:
            latest = int(job), row["JobName"]
            found[latest].append(_run(int(job), row, line))
        elif latest is not None and latest[0] == int(job):  # a step follows its own run
            own = found[latest][-1]
            peak = max(own.peak_memory_bytes, parsing.parse_octets(row["MaxRSS"]))
            found[latest][-1] = replace(own, peak_memory_bytes=peak)
    return {named: _numbered(runs) for named, runs in found.items()}


def _rows(lines: Sequence[str], width: int, delimiter: str) -> Iterator[list[str]]:
    """The fields of each row, put together where a line end in one of them cut it."""
    held: list[str] = []
    for line in lines:
        if not held and not line:
            continue
        values = line.split(delimiter)
        held = [*held[:-1], f"{held[-1]}\n{values[0]}", *values[1:]] if held else values
        if len(held) >= width:
            if len(held) > width:
                raise EngineError(f"sacct 的一行有 {len(held)} 个字段，应为 {width} 个：{shortened(line, 200)!r}")
            yield held
            held = []
    if held:
        raise EngineError(f"sacct 的一行有 {len(held)} 个字段，应为 {width} 个：{shortened('|'.join(held), 200)!r}")


def _run(job: int, row: dict[str, str], line: str) -> Accounted:
    state, _, by = row["State"].partition(" by ")
    start, end = parsing.parse_time(row["Start"]), parsing.parse_time(row["End"])
    if start == end and not row["AllocTRES"]:
        start = None  # cancelled in the queue: Slurm writes when, though it never began
    return Accounted(
        id=job,
        name=row["JobName"],
        restart=int(row["Restarts"]) if row.get("Restarts", "").isdigit() else -1,
        state=state.split(" ")[0].rstrip("+").upper(),
        cancelled_by=by.strip(),
        start=start,
        end=end,
        suspended_seconds=parse_slurm_duration(row["Suspended"]) or 0,
        tres=row["AllocTRES"],
        node_count=int(row["NNodes"]) if row["NNodes"].isdigit() else 1,
        nodes="" if row["NodeList"] == "None assigned" else row["NodeList"],
        exit_code=parsing.parse_exit_code(row["ExitCode"]),
        processor_us=parsing.parse_microseconds(row["TotalCPU"]),
        peak_memory_bytes=0,
        raw=line,
    )


def _numbered(runs: list[Accounted]) -> list[Accounted]:
    """First to last, counted where Slurm is too old to tell (before 24.11). One that waits to begin comes last.

    Slurm cuts off parts of a second: a run counts one at least, as with every engine, unless the next began in it.
    """
    ordered = sorted(runs, key=lambda run: (run.start is None, run.start or 0))
    follows = [run.start for run in ordered[1:]] + [None]
    numbered = []
    for place, (run, following) in enumerate(zip(ordered, follows, strict=True)):
        whole = replace(run, restart=run.restart if run.restart >= 0 else place)
        if run.start is not None and run.start == run.end != following:
            whole = replace(whole, end=run.start + 1)
        numbered.append(whole)
    return numbered


def usage_from_sacct(name: str, runs: Sequence[Accounted], late: bool = False) -> tuple[RunUsage, ...]:
    """What the runs held, one entry for each kind of card. Pure. `late`: ended by us because their time was over.

    Raises:
        Unmetered: the accounting does not say how many whole cards.
    """
    held: list[RunUsage] = []
    for run in runs:
        if run.start is None or (run.state not in LIVE and run.end is None):
            continue  # it never began, or nobody saw its end
        live, state = run.state in LIVE, ENDS.get(run.state, RunState.FAILED)
        if live:
            state = RunState.RUNNING
        elif late and state is RunState.CANCELLED and run is runs[-1]:
            state = RunState.TIMEOUT
        for local_card, count in _cards(run.tres).items():
            measured = {"processor_us": run.processor_us, "peak_memory_bytes": run.peak_memory_bytes}
            held.append(
                RunUsage(
                    name=name,
                    restart=run.restart,
                    nodes=run.nodes,
                    node_count=run.node_count,
                    cards=count,
                    local_card=local_card,
                    started_at=datetime.fromtimestamp(run.start, UTC),
                    ended_at=None if live or run.end is None else datetime.fromtimestamp(run.end, UTC),
                    suspended_seconds=run.suspended_seconds,
                    state=state,
                    exit_code=None if live else run.exit_code,
                    measured={key: value for key, value in measured.items() if value},
                    raw=run.raw,
                )
            )
    return tuple(held)


def _cards(tres: str) -> dict[str, int]:
    """Cards by the scheduler's name; "" for those that are counted without one."""
    bare, typed = count_cards(tres)
    found: dict[str, int] = {}
    for family in bare.keys() | typed.keys():
        named = typed.get(family, {})
        rest = bare.get(family, 0) - sum(named.values())
        if family in bare and rest < 0:
            raise Unmetered(
                f"gres/{family} 的总数少于带型号的合计，两者矛盾；请核对 AllocTRES：{tres}", code="tres.total_too_small"
            )
        for name, count in (*named.items(), ("", max(rest, 0))):
            if count:
                found[name] = found.get(name, 0) + count
    if not found:
        raise Unmetered(
            f"AllocTRES 里没有加速卡（{tres or '空'}）；请在 AccountingStorageTRES 中加入 gres/gpu 等",
            code="tres.no_cards",
        )
    return found
