"""Philly's own log, `cluster_job_log`: JSON, a list of jobs with the attempts to run each."""

from __future__ import annotations

import json
from typing import Any

from huisuan.compute.simulator.traces import Fault, Trace, TraceJob, moment, whole
from huisuan.console import Refused


def recognises(first: str) -> bool:
    """Whether it is a list in JSON."""
    return first.lstrip().startswith("[")


def read(trace: Trace, text: str) -> None:
    """Fill the trace: a job runs from the start of its first attempt to the end of its last.

    Raises:
        Refused: no JSON, or not a list of jobs.
    """
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(f"{trace.name} 行 {error.lineno} 列 {error.colno}：不是 JSON：{error.msg}") from None
    if not isinstance(entries, list):
        raise Refused(f"{trace.name}：应是作业的列表")
    for number, entry in enumerate(entries, 1):
        try:
            job = _job(trace, number, entry)
        except Fault as fault:
            trace.faults.append((number, f"（第 {number} 个作业）{fault}"))
        except (KeyError, TypeError, AttributeError) as error:
            trace.faults.append((number, f"（第 {number} 个作业）缺少或不合：{error}；请核对这个作业"))
        else:
            if job is not None:
                trace.jobs.append(job)


def _job(trace: Trace, number: int, entry: dict[str, Any]) -> TraceJob | None:
    attempts = [one for one in entry["attempts"] if _given(one["start_time"])]
    if not attempts:
        trace.left_out["never_started"] += 1
        return None
    if not _given(attempts[-1]["end_time"]):
        trace.left_out["never_ended"] += 1
        return None
    cards = sum(len(node["gpus"]) for node in attempts[0]["detail"])
    if cards == 0:
        trace.left_out["cpu_only"] += 1
        return None
    spent = 0
    for one in attempts:
        if _given(one["end_time"]):
            spent += moment(one["end_time"], "end_time")[0] - moment(one["start_time"], "start_time")[0]
    return TraceJob(
        number,
        str(entry["jobid"]),
        moment(entry["submitted_time"], "submitted_time")[0],
        whole(str(spent), "attempts"),
        cards,
        str(entry["vc"]),
        str(entry["user"]),
    )


def _given(text: str | None) -> bool:
    return text not in (None, "", "None")
