"""Reading what Slurm prints: cards, durations, states, times. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from huisuan.base.slurm.durations import parse_slurm_duration
from huisuan.compute.accelerators import CARD_FAMILIES, part_of
from huisuan.compute.engines.slurm.types import CardKind, SlurmNode, SlurmPartition

#: what a job's state is called while one of these is on: beside them the base state says less
_FLAGS = ("COMPLETING", "CONFIGURING", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD", "STAGE_OUT",
         "STOPPED", "SIGNALING", "RESIZING")  # fmt: skip
PAIR = re.compile(r"(?:^|\s)([A-Za-z]\w*)=(\S*)")
_SIZES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def parse_gres(gres: str) -> dict[CardKind, int]:
    """Whole cards by kind of a GRES text: `gpu:a100:8(S:0-1),npu:910b3:4`, and in use `gpu:a100:2(IDX:0,3)`."""
    found: dict[CardKind, int] = {}
    for item in re.sub(r"\([^)]*\)", "", gres).split(","):
        family, *rest = item.strip().split(":")
        if family.lower() not in CARD_FAMILIES:
            continue
        count = int(rest[-1]) if rest and rest[-1].isdigit() else 1
        named = [part for part in rest if not part.isdigit() and part != "no_consume"]
        if any(part_of(name) for name in named):
            continue
        kind = (family, named[0] if named else "")
        found[kind] = found.get(kind, 0) + count
    return found


def parse_pairs(line: str) -> dict[str, str]:
    """`Key=value` of a line of scontrol's; the first counts: free text such as Reason comes last."""
    found: dict[str, str] = {}
    for key, value in PAIR.findall(line):
        found.setdefault(key, value)
    return found


def parse_node(line: Mapping[str, str]) -> SlurmNode:
    """A node of `scontrol --details --oneliner show nodes`."""
    text = line.get("State", "")
    words = set(text.rstrip("*~#!%$@^-").split("+"))
    if text.endswith("*"):
        words.add("NOT_RESPONDING")
    partitions = tuple(name for name in line.get("Partitions", "").split(",") if name)
    return SlurmNode(
        line["NodeName"],
        line.get("NodeHostName", ""),
        parse_gres(line.get("Gres", "")),
        parse_gres(line.get("GresUsed", "")),
        frozenset(words),
        partitions,
    )


def parse_slurm_partition(line: Mapping[str, str]) -> SlurmPartition:
    """A partition of `scontrol --oneliner show partitions`."""
    seconds = parse_slurm_duration(line.get("MaxTime", ""))
    most = line.get("MaxNodes", "")
    return SlurmPartition(
        line["PartitionName"],
        line.get("State") == "UP",
        seconds // 60 if seconds else None,
        int(most) if most.isdigit() else None,
    )


def parse_time(text: str) -> int | None:
    """A time that was asked for in seconds since 1970; None for Unknown, None, N/A and 0."""
    return int(text) if text.isdigit() and int(text) > 0 else None


def job_state(words: Iterable[str]) -> str:
    """The one word for a job's state where Slurm gives several."""
    given = [word.upper() for word in words]
    return next((flag for flag in _FLAGS if flag in given), given[0] if given else "")


def parse_exit_code(text: str) -> int | None:
    """Of `code:signal`, as shells number it; None for what is no exit (out of memory is written as signal 125)."""
    code, _, signal = text.partition(":")
    if not code.isdigit():
        return None
    if signal.isdigit() and int(signal) > 0:
        return 128 + int(signal) if int(signal) <= 64 else None
    return int(code)


def parse_wait_status(text: str) -> int | None:
    """Of an exit status as the system gives it (256 for code 1), or of code:signal as newer ones write it."""
    if not text.isdigit():
        return parse_exit_code(text)
    return parse_exit_code(f"{int(text) >> 8}:{int(text) & 127}")


def parse_microseconds(text: str) -> int:
    """Of [DD-[HH:]]MM:SS[.mmm]; 0 where it is not given."""
    whole, _, part = text.partition(".")
    return (parse_slurm_duration(whole) or 0) * 1_000_000 + (int(part.ljust(6, "0")[:6]) if part.isdigit() else 0)


def parse_octets(text: str) -> int:
    """Of a size such as 1234K or 1.5G; 0 where it is not given."""
    found = re.fullmatch(r"(\d+)(?:\.(\d+))?([KMGT]?)", text)
    if not found:
        return 0
    unit = _SIZES[found[3]]
    return int(found[1]) * unit + (int(found[2]) * unit // 10 ** len(found[2]) if found[2] else 0)
