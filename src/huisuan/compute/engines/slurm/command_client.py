"""Speaking with Slurm by its commands. Their language is set to C and their times to seconds since 1970."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence

from huisuan.base.slurm.durations import parse_slurm_duration
from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import EngineError
from huisuan.compute.engines.slurm import parsing
from huisuan.compute.engines.slurm.config import Options, UnixUser
from huisuan.compute.engines.slurm.types import Queued, Request, SlurmNode, SlurmPartition

_QUEUE = (  # the name last: a stranger's may hold anything
    *("JobID", "State", "Reason", "StartTime", "EndTime", "TimeUsed"),
    *("exit_code", "RestartCnt", "NumNodes", "NodeList", "tres-alloc", "Name"),
)
#: what sbatch says of a job that no waiting helps
_NEVER = (
    "Requested node configuration is not available",
    "Invalid generic resource",
    "Invalid partition name",
    "Requested time limit is invalid",
    "Node count specification invalid",
    "More processors requested than permitted",
    "Memory required by task is not available",
    "Pathname of a file, directory or other parameter too long",
)
#: what scancel says of a job that is over
_OVER = ("Invalid job id", "already completing or completed")
#: what a command says when there is nobody to answer it: for a while it is not asked again, each try takes ten seconds
_AWAY = ("Unable to contact slurm controller", "Connection refused", "timed out")
_AWAY_SECONDS = 15
_ASKING = {"LC_ALL": "C", "TZ": "UTC", "SLURM_TIME_FORMAT": "%s"}


class CommandClient:
    """sbatch, squeue, scancel, scontrol and sdiag, as the user of the options."""

    def __init__(self, options: Options, person: UnixUser) -> None:
        self.options = options
        self.person = person
        self._away: dict[str, tuple[float, str]] = {}  # daemon -> until when it is taken to be away, and why

    def submit(self, request: Request) -> int:
        """The id of the new job.

        Raises:
            ValueError: it can never run here.
            EngineError: it was not taken, or nobody knows whether it was.
        """
        words = [
            "--parsable",
            "--export=ALL",  # of the environment below, which is clean
            "--open-mode=append",  # a requeued job writes on where it stopped
            f"--job-name={request.name}",
            f"--nodes={request.nodes}",
            "--ntasks-per-node=1",
            f"--gres={request.gres}",
            f"--time={request.minutes}",
            f"--chdir={request.folder}",
            f"--output={request.output}",
        ]
        for name in ("partition", "account", "qos"):
            words += [f"--{name}={value}"] if (value := getattr(request, name)) else []
        words += [f"--cpus-per-task={request.cpus}"] if request.cpus else []
        words += [f"--mem={request.memory_mib}M"] if request.memory_mib else []
        if request.person.other:
            # without --gid the job would keep root's group
            words += [f"--uid={request.person.uid}", f"--gid={request.person.gid}"]
        try:
            answer_text = self.say("sbatch", *words, given=request.script, environment=request.environment)
        except EngineError as error:
            if any(text in str(error) for text in _NEVER):
                raise ValueError(str(error)) from None
            raise
        found = re.match(r"\d+", answer_text)
        if not found:
            raise EngineError(f"sbatch 没有给出作业号：{shortened(answer_text, 200)!r}")
        return int(found[0])

    def jobs(self) -> list[Queued]:
        """All jobs of the user that the controller still holds."""
        whose = f"--user={self.person.name}"
        shown = "--Format=" + ",".join(f"{name}:|" for name in _QUEUE)
        lines = self.say("squeue", "--noheader", "--all", "--states=all", whose, shown).splitlines()
        return [_queued(line) for line in lines if line.count("|") >= len(_QUEUE)]

    def end(self, ids: Sequence[int]) -> None:
        """Have these jobs end: SIGTERM, and after Slurm's KillWait SIGKILL."""
        try:
            self.say("scancel", *map(str, ids))
        except EngineError as error:
            if not any(text in str(error) for text in _OVER):
                raise

    def nodes(self) -> list[SlurmNode]:
        """All nodes."""
        lines = self.say("scontrol", "--details", "--oneliner", "--all", "show", "nodes").splitlines()
        return [parsing.parse_node(found) for found in map(parsing.parse_pairs, lines) if "NodeName" in found]

    def partitions(self) -> list[SlurmPartition]:
        """All partitions."""
        lines = self.say("scontrol", "--oneliner", "--all", "show", "partitions").splitlines()
        return [
            parsing.parse_slurm_partition(found)
            for found in map(parsing.parse_pairs, lines)
            if "PartitionName" in found
        ]

    def clock(self) -> int:
        """The controller's time."""
        found = re.search(r"^sdiag output at .*\((\d+)\)", self.say("sdiag"), re.MULTILINE)
        if not found:
            raise EngineError("sdiag 没有给出控制器的时间")
        return int(found[1])

    def settings(self) -> dict[str, str]:
        """slurm.conf as the controller has it."""
        lines = self.say("scontrol", "show", "config").splitlines()
        return {key.strip(): value.strip() for key, mark, value in (line.partition("=") for line in lines) if mark}

    def say(self, *words: str, given: str | None = None, environment: Mapping[str, str] | None = None) -> str:
        """What a command prints; `given` goes to its input.

        Raises:
            EngineError: it is not there, failed or did not come to an end; with its own words.
        """
        daemon = "slurmdbd" if words[0] == "sacct" else "slurmctld"
        until, why = self._away.get(daemon, (0.0, ""))
        if time.monotonic() < until:
            raise EngineError(why)
        try:
            return self._said(words, given, environment)
        except EngineError as error:
            if any(text in str(error) for text in _AWAY) or isinstance(error.__cause__, subprocess.TimeoutExpired):
                self._away[daemon] = (time.monotonic() + _AWAY_SECONDS, str(error))
            raise

    def _said(self, words: Sequence[str], given: str | None, environment: Mapping[str, str] | None) -> str:
        patience = self.options.patience_seconds
        try:
            done = subprocess.run(
                words,
                input=given if given is not None else "",
                env={**self.surroundings(), **(_ASKING if environment is None else environment)},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=patience,
                check=False,
            )
        except FileNotFoundError:
            raise EngineError(f"找不到命令 {words[0]}；请装 Slurm 客户端，或用引擎选项 bin 指明目录") from None
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"{words[0]} {patience} 秒没有应答；请查 slurmctld 与 slurmdbd") from error
        except OSError as error:
            raise EngineError(f"{words[0]} 无法运行：{error.strerror}") from None
        if done.returncode:
            raise EngineError(f"{words[0]} 报错：{_brief(done.stderr) or f'退出码 {done.returncode}'}")
        return done.stdout

    def surroundings(self) -> dict[str, str]:
        """The environment of every command, built up and not passed on: SBATCH_* and the like change what is asked."""
        conf = self.options.conf or os.environ.get("SLURM_CONF", "")
        return {"PATH": self.options.path, **({"SLURM_CONF": conf} if conf else {})}


def _queued(line: str) -> Queued:
    row = dict(zip(_QUEUE, line.split("|", len(_QUEUE) - 1), strict=True))
    return Queued(
        id=int(row["JobID"]) if row["JobID"].isdigit() else 0,
        name=row["Name"].removesuffix("|"),
        state=row["State"],
        reason=row["Reason"],
        start=parsing.parse_time(row["StartTime"]),
        end=parsing.parse_time(row["EndTime"]),
        ran_seconds=parse_slurm_duration(row["TimeUsed"]) or 0,
        exit_code=parsing.parse_wait_status(row["exit_code"]),
        restart=int(row["RestartCnt"]) if row["RestartCnt"].isdigit() else 0,
        node_count=int(row["NumNodes"]) if row["NumNodes"].isdigit() else 1,
        nodes=row["NodeList"],
        tres="" if row["tres-alloc"] == "N/A" else row["tres-alloc"],
        raw=line,
    )


def _brief(answer_text: str) -> str:
    lines = [line.strip() for line in answer_text.splitlines() if line.strip()]
    return shortened("；".join(lines[-3:]), 500)
