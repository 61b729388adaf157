"""Shared by the benchmarks: contestants take turns, and every time is told beside a peer's, never alone."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

Spent = tuple[float, float]  # seconds by the clock, seconds of processor time
Run = Callable[[], "Spent | None"]  # does the work once; what it spent, if it measured that itself


@dataclass(frozen=True)
class Timing:
    """What one contestant spent in every round after the warm-up."""

    rounds: tuple[Spent, ...]

    @property
    def median(self) -> float:
        """Seconds of the middle round."""
        return statistics.median(seconds for seconds, _ in self.rounds)

    @property
    def fastest(self) -> float:
        """Seconds of the fastest round: what the work costs when nobody else has the machine."""
        return min(seconds for seconds, _ in self.rounds)

    @property
    def processor(self) -> float:
        """The least processor time of a round, all threads together: hardly changed by who else is working."""
        return min(processor for _, processor in self.rounds)


@dataclass(frozen=True)
class Line:
    """One contestant, and how it stands beside the one of ours that it is compared with.

    Each ratio is ours / theirs (below 1: ours is faster): the median of the rounds' own ratios, that of the fastest
    rounds, that of processor time. `wrong`: rows whose answer is not the exact one.
    """

    what: str
    rows: int
    median_s: float
    fastest_s: float
    processor_s: float
    against: str = ""
    ratio: float | None = None
    ratio_fastest: float | None = None
    ratio_processor: float | None = None
    aim: float | None = None
    wrong: int | None = None
    remark: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median ratio keeps to the aim."""
        return None if self.aim is None or self.ratio is None else self.ratio <= self.aim


def interleaved(contestants: Mapping[str, Run], rounds: int) -> dict[str, Timing]:
    """Run all contestants once to warm up, then `rounds` times in turn: A B C A B C ..."""
    spent: dict[str, list[Spent]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            gc.collect()
            start, processor = time.perf_counter(), time.process_time()
            measured = run()
            here = (time.perf_counter() - start, time.process_time() - processor)
            if turn:
                spent[name].append(measured or here)
    return {name: Timing(tuple(each)) for name, each in spent.items()}


def together(timings: Iterable[Timing]) -> Timing:
    """One contestant's jobs as one job, round by round."""
    rounds = zip(*(timing.rounds for timing in timings), strict=True)
    return Timing(tuple((sum(clock for clock, _ in each), sum(own for _, own in each)) for each in rounds))


def line(
    what: str, rows: int, timing: Timing, ours: tuple[str, Timing] | None = None, aim: float | None = None, **more: Any
) -> Line:
    """A contestant's line; `ours` names what of ours it is compared with."""
    own_times = (timing.median, timing.fastest, timing.processor)
    if ours is None:
        return Line(what, rows, *own_times, **more)
    name, own = ours
    pairs = zip(own.rounds, timing.rounds, strict=True)
    ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in pairs)
    fastest, processor = own.fastest / timing.fastest, own.processor / timing.processor
    return Line(what, rows, *own_times, name, ratio, fastest, processor, aim, **more)


def machine(*packages: str, **others: str) -> dict[str, Any]:
    """Cores, memory, load and versions: what a reader needs to judge the figures."""
    return {
        "cores": os.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "processor": _processor(), "load_before": round(os.getloadavg()[0], 2), "python": platform.python_version(),
        **{name: version(name) for name in packages}, **others,
    }  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as about:  # noqa: PTH123
            names = [each.split(":", 1)[1].strip() for each in about if each.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def report(title: str, lines: list[Line], about: Mapping[str, Any], notes: list[str]) -> None:
    """Print the table, the machine and the notes."""
    screen = Console(soft_wrap=True, highlight=False, width=None if os.isatty(1) else 200)
    table = Table(title=title, title_justify="left")
    for heading in ("what", "rows", "median s", "fastest s", "CPU s", "against"):
        table.add_column(heading, justify="left" if heading in ("what", "against") else "right", overflow="fold")
    for heading in ("ours / this", "of fastest", "of CPU", "aim", "rows wrong"):
        table.add_column(heading, justify="left" if heading == "aim" else "right", overflow="fold")
    for each in lines:
        table.add_row(
            each.what, f"{each.rows:,}", f"{each.median_s:.3f}", f"{each.fastest_s:.3f}", f"{each.processor_s:.3f}",
            each.against or "—", _number(each.ratio), _number(each.ratio_fastest), _number(each.ratio_processor),
            _aim(each), ("—" if each.wrong is None else f"{each.wrong:,}") + (f" {each.remark}" if each.remark else ""),
        )  # fmt: skip
    screen.print(table)
    screen.print("machine: " + ", ".join(f"{name} {value}" for name, value in about.items()), markup=False)
    for note in notes:
        screen.print(note, markup=False)


def as_json(title: str, lines: list[Line], about: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The same, for a script."""
    rows = [{**asdict(each), "met": each.met} for each in lines]
    return {"title": title, "lines": rows, "machine": dict(about), "notes": notes}


def _number(ratio: float | None) -> str:
    return "—" if ratio is None else f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def _aim(each: Line) -> str:
    return "—" if each.met is None else f"<= {each.aim:g} {'met' if each.met else 'NOT met'}"
