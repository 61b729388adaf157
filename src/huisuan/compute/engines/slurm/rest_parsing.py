"""What slurmrestd answers, as jobs, nodes and partitions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from huisuan.compute.engines.slurm import parsing
from huisuan.compute.engines.slurm.types import Request, SlurmNode, SlurmPartition


def _json(answer: httpx.Response) -> dict[str, Any]:
    with suppress(ValueError):
        found = answer.json()
        return found if isinstance(found, dict) else {}
    return {}


def _numbers(answer: httpx.Response) -> list[int]:
    errors = _json(answer).get("errors") or []
    return [int(error.get("error_number") or error.get("error_code") or 0) for error in errors]


def _up(ping: Mapping[str, Any]) -> bool:
    return str(ping.get("ping", "")).upper() == "UP" or ping.get("responding") is True


def number(value: Any) -> int | None:
    """A number, as v0.0.38 writes it or, later, with the marks of one that may be missing or without limit."""
    if isinstance(value, dict):
        return value.get("number") if value.get("set") and not value.get("infinite") else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _words(value: Any) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else [str(value or "")]


def _job(request: Request) -> dict[str, Any]:
    job: dict[str, Any] = {
        "name": request.name,
        "tasks": request.nodes,
        "tasks_per_node": 1,
        "current_working_directory": request.folder,
        "standard_output": request.output,
    }
    asked: dict[str, Any] = {"partition": request.partition, "account": request.account, "qos": request.qos}
    asked |= {"cpus_per_task": request.cpus, "memory_per_node": request.memory_mib}
    return job | {key: value for key, value in asked.items() if value}


def _status(value: Any) -> int | None:
    """An exit status: a number of the system's, later the code and the signal apart."""
    if isinstance(value, dict) and "return_code" in value:
        signal = number((value.get("signal") or {}).get("id")) or 0
        return parsing.parse_exit_code(f"{number(value['return_code']) or 0}:{signal}")
    status = number(value)
    return None if status is None else parsing.parse_wait_status(str(status))


def _kept(job: Mapping[str, Any]) -> dict[str, Any]:
    """What tells of a job's use: the rest is long, and nobody's but the scheduler's."""
    names = ("job_id", "name", "job_state", "start_time", "end_time", "suspend_time", "pre_sus_time", "exit_code")
    return {name: job.get(name) for name in (*names, "restart_cnt", "nodes", "node_count", "tres_alloc_str")}


def _node(one: Mapping[str, Any]) -> SlurmNode:
    words = {word.upper() for word in (*_words(one.get("state")), *_words(one.get("state_flags")))}
    return SlurmNode(
        str(one["name"]),
        str(one.get("hostname", "")),
        parsing.parse_gres(one.get("gres") or ""),
        parsing.parse_gres(one.get("gres_used") or ""),
        frozenset(words),
        tuple(_names(one.get("partitions"))),
    )


def _names(value: Any) -> Iterable[str]:
    return [name for name in (value.split(",") if isinstance(value, str) else value or []) if name]


def _partition(one: Mapping[str, Any]) -> SlurmPartition:
    limits = one.get("maximums") or {}
    state = _words((one.get("partition") or {}).get("state") if "maximums" in one else one.get("state"))
    longest = number(limits.get("time", one.get("max_time_limit")))
    most = number(limits.get("nodes", one.get("maximum_nodes_per_job")))
    return SlurmPartition(
        str(one["name"]),
        # v0.0.39 tells no state: taken for up, and a job in a partition that is not waits and says why
        not any(state) or "UP" in state,
        longest if longest and longest > 0 else None,
        most if most and most > 0 else None,
    )
