"""CSV traces of GPU jobs: Philly (filtered), Helios, Acme (Seren, Kalos), Alibaba's openb pods, and their like."""

from __future__ import annotations

import csv
import io

from huisuan.compute.simulator.traces import MOST_CARDS, Fault, Trace, TraceJob, moment, whole
from huisuan.compute.trace_names import KNOWN_NAMES, LIMIT_NAMES, MODEL_NAMES
from huisuan.console import Refused

NOTHING = frozenset({"", "none", "null", "nat", "nan", "unknown"})


def recognises(first: str) -> bool:
    """Whether the header names cards and a time."""
    place = _places(next(csv.reader([first]), []))
    return "cards" in place and ("submit" in place or "start" in place)


def _places(header: list[str]) -> dict[str, int]:
    small = [cell.strip().lower() for cell in header]
    place = {}
    for what, names in {**KNOWN_NAMES, "limit": LIMIT_NAMES, "models": MODEL_NAMES}.items():
        known = [name for name in names if name in small]
        if known:
            place[what] = small.index(known[0])
    return place


def read(trace: Trace, text: str) -> None:
    """Fill the trace with the file's jobs.

    Raises:
        Refused: the header does not say how long a job ran.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows)
    place = _places(header)
    if "duration" not in place and not {"start", "end"} <= place.keys():
        raise Refused(f"{trace.name} 行 1：没有时长列，也没有起止时间列；有：{'、'.join(header)}")
    reader = _Lines(trace, header, place)
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            trace.faults.append((rows.line_num, f"有 {len(row)} 个字段，表头有 {len(header)} 个；请核对这一行"))
            continue
        try:
            job = reader.job(rows.line_num, row)
        except Fault as fault:
            trace.faults.append((rows.line_num, str(fault)))
            continue
        if job is not None:
            trace.jobs.append(job)
    trace.dated = reader.dated
    if reader.shared:
        trace.notes.append(f"{reader.shared:,} 个作业只要一张卡的一部分（gpu_milli）：按整卡重放")


class _Lines:
    """Line by line, with what the lines have in common."""

    def __init__(self, trace: Trace, header: list[str], place: dict[str, int]) -> None:
        self.trace, self.place = trace, place
        self.names = {what: header[at].strip() for what, at in place.items()}
        milli = [at for at, name in enumerate(header) if name.strip().lower() == "gpu_milli"]
        self.milli = milli[0] if milli else None
        self.dated = True
        self.shared = 0

    def job(self, line: int, row: list[str]) -> TraceJob | None:
        """The job of a line; None: rightly none to replay.

        Raises:
            Fault: the line says nothing usable.
        """
        cards = whole(self._cell(row, "cards"), self.names["cards"], most=MOST_CARDS)
        if cards == 0:
            self.trace.left_out["cpu_only"] += 1
            return None
        begins = "submit" if "submit" in self.place else "start"
        submitted_s, self.dated = moment(self._cell(row, begins), self.names[begins])
        duration_s = self._duration(row)
        if duration_s is None:
            self.trace.left_out["never_ended"] += 1
            return None
        if self.milli is not None and row[self.milli].strip() not in ("", "1000"):
            self.shared += 1
        user = self._cell(row, "user")
        tenant = self._cell(row, "account") or user or "all"
        limit = self._cell(row, "limit")
        return TraceJob(
            line,
            self._cell(row, "job") or str(line),
            submitted_s,
            duration_s,
            cards,
            tenant,
            user or tenant,
            whole(limit, self.names["limit"], least=1) if limit.lower() not in NOTHING else None,
            tuple(one for one in self._cell(row, "models").split("|") if one.lower() not in NOTHING),
        )

    def _duration(self, row: list[str]) -> int | None:
        """From start and end where both are there: Kalos counts the queue into its duration."""
        if {"start", "end"} <= self.place.keys():
            start, end = self._cell(row, "start"), self._cell(row, "end")
            if start.lower() in NOTHING or end.lower() in NOTHING:
                return None
            spent = moment(end, self.names["end"])[0] - moment(start, self.names["start"])[0]
            if spent < 0:
                raise Fault(f"列 {self.names['end']}: 结束早于开始；请核对这一行")
            return whole(str(spent), self.names["end"])
        cell = self._cell(row, "duration")
        return None if cell.lower() in NOTHING else whole(cell, self.names["duration"])

    def _cell(self, row: list[str], what: str) -> str:
        return row[self.place[what]].strip() if what in self.place else ""
