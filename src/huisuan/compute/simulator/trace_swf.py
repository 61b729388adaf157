"""The Standard Workload Format of the Parallel Workloads Archive: 18 numbers a line, -1 where nothing is known."""

from __future__ import annotations

import re

from huisuan.compute.simulator.traces import MOST_CARDS, Fault, Trace, TraceJob, whole

FIELDS = 18
COLUMNS = {"job": 0, "submit": 1, "wait": 2, "run": 3, "allocated": 4, "requested": 7, "limit": 8, "user": 11}
NUMBERS = re.compile(r"\s*-?[0-9.]+(\s+-?[0-9.]+){17}\s*")


def recognises(first: str) -> bool:
    """Whether it begins with a comment, or with a line of 18 numbers."""
    return first.startswith(";") or NUMBERS.fullmatch(first) is not None


def read(trace: Trace, text: str) -> None:
    """Fill the trace; a processor counts as a card."""
    zero = re.search(r"^;\s*UnixStartTime:\s*(\d+)", text, re.MULTILINE)
    epoch = int(zero[1]) if zero else 0
    trace.dated = bool(epoch)
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells or line.startswith(";"):
            continue
        if len(cells) != FIELDS:
            trace.faults.append((number, f"有 {len(cells)} 个字段，SWF 有 {FIELDS} 个；请核对这一行"))
            continue
        try:
            job = _job(trace, number, cells, epoch)
        except Fault as fault:
            trace.faults.append((number, str(fault)))
        else:
            if job is not None:
                trace.jobs.append(job)


def _job(trace: Trace, number: int, cells: list[str], epoch: int) -> TraceJob | None:
    def field(name: str, most: int) -> int:
        return whole(cells[COLUMNS[name]], f"{COLUMNS[name] + 1}（{name}）", least=-1, most=most)

    spent = field("run", 400 * 86_400)
    if spent < 0:
        trace.left_out["never_started"] += 1
        return None
    allocated, requested = field("allocated", MOST_CARDS), field("requested", MOST_CARDS)
    cards = allocated if allocated > 0 else requested
    if cards <= 0:
        trace.left_out["cpu_only"] += 1
        return None
    limit = field("limit", 400 * 86_400)
    submitted = whole(cells[COLUMNS["submit"]], "2（submit）", most=1 << 40)
    user = cells[COLUMNS["user"]]
    tenant = "all" if user == "-1" else user
    return TraceJob(
        number, cells[0], epoch + submitted, spent, cards, tenant, tenant, max(limit, spent) if limit > 0 else None
    )
