"""A scan in a child process that may use only so much memory and time: a parser that runs away ends alone."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from huisuan.base.hashing import file_sha256
from huisuan.opendata.scanning.scan import ScanFinding, ScanReport, scan_bytes

LARGEST_SCANNED = 1024 * 1024 * 1024  # bytes
_MEMORY_ENDED = 3  # the child's exit status when memory ran out
_NO_SECRETS = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # nothing of ours for who breaks the reader


@dataclass(frozen=True)
class CageLimits:
    """What the child may use: bytes of memory, seconds of processor, seconds by the clock."""

    memory: int = 3 * 1024 * 1024 * 1024
    cpu_seconds: int = 600
    seconds: int = 900


def scan_file(path: Path, name: str = "", limits: CageLimits | None = None) -> ScanReport:
    """Scan a file in a child process; a limit that ends it is what the report is `refused` by.

    Raises:
        OSError: the file cannot be read.
    """
    limits, name = limits or CageLimits(), name or path.name
    size = path.stat().st_size
    empty = ScanReport(name, file_sha256(path), size)
    if size > LARGEST_SCANNED:
        empty.refused = "文件大小"
        return empty
    # -P: without it Python would run a csv.py that lies in the current folder, beside the data
    words = [sys.executable, "-P", "-m", __name__, str(path), name, str(limits.memory), str(limits.cpu_seconds)]
    try:
        child = subprocess.run(words, capture_output=True, timeout=limits.seconds, check=False, env=_NO_SECRETS)
    except subprocess.TimeoutExpired:
        empty.refused = "时间"
        return empty
    if child.returncode:
        empty.refused = {_MEMORY_ENDED: "内存", -24: "处理器时间", -9: "处理器时间或内存"}.get(
            child.returncode, f"读取中断（{child.returncode}）"
        )
        return empty
    return _report(json.loads(child.stdout))


def _report(found: dict[str, object]) -> ScanReport:
    findings = found.pop("findings")
    report = ScanReport(**found)  # type: ignore[arg-type]
    report.findings = [ScanFinding(**each) for each in findings]  # type: ignore[attr-defined]
    return report


def _child(path: str, name: str, memory: str, seconds: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        report = scan_bytes(Path(path).read_bytes(), name)
        answer = json.dumps({**vars(report), "findings": [vars(each) for each in report.findings]})
    except MemoryError:
        return _MEMORY_ENDED
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]))
