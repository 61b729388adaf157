"""Jobs as `sacct --json` writes them, of Slurm 22.05 and of newer data parsers."""

from __future__ import annotations

from typing import Any

START = 1_709_254_800  # 2024-03-01 09:00 in Shanghai


def job(number: int = 1001, name: str = "train", **fields: Any) -> dict[str, Any]:
    """A job as 22.05 writes it: an hour of eight cards."""
    tres = [
        {"type": "cpu", "name": None, "id": 1, "count": 8},
        {"type": "energy", "name": None, "id": 3, "count": None},
        {"type": "gres", "name": "gpu:a800", "id": 1002, "count": 8},
        {"type": "gres", "name": "gpu", "id": 1001, "count": 8},
    ]
    plain = {
        "job_id": number, "name": name, "user": "zhang", "account": "lab", "cluster": "ah", "partition": "gpu",
        "array": {"job_id": 0, "task_id": None}, "allocation_nodes": 1, "nodes": "gpu01",
        "exit_code": {"status": "SUCCESS", "return_code": 0}, "state": {"current": "COMPLETED", "reason": "None"},
        "time": {"elapsed": 3600, "start": START, "end": START + 3600, "submission": START - 60, "suspended": 0},
        "tres": {"allocated": tres, "requested": tres}, "steps": [{}, {}],
    }  # fmt: skip
    return plain | fields


def wrapped(job: dict[str, Any]) -> dict[str, Any]:
    """The same as newer data parsers write it."""

    def number(value: int) -> dict[str, Any]:
        return {"set": True, "infinite": False, "number": value}

    times = {key: number(value) if key in ("start", "end") else value for key, value in job["time"].items()}
    code = {"status": ["ERROR"], "return_code": number(1), "signal": {"id": number(9), "name": "KILL"}}
    array = {"job_id": 40, "task_id": number(7)}
    return job | {"time": times, "state": {"current": ["FAILED"]}, "exit_code": code, "array": array, "restart_cnt": 2}
