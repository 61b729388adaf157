"""Logs are bounded, nothing is lost between two files, and each has one writer."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from huisuan.serving.processes.log_files import RotatingLog, copy_to_log


def test_a_full_log_is_followed_by_another_and_no_line_is_lost_until_the_oldest_goes(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "web.log", most_bytes=1000, older_kept=3)
    lines = [f"{number:08}\n".encode() for number in range(1000)]
    for line in lines:
        log.write(line)
    log.close()
    names = ["web.3.log", "web.2.log", "web.1.log", "web.log"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    kept = b"".join((tmp_path / name).read_bytes() for name in names)
    assert kept == b"".join(lines)[-len(kept) :]
    assert len(kept) > 3000
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} <= {0o600}


def test_everything_that_a_process_says_is_in_its_log_once_it_ended(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "for n in range(20000): print(n)"]
    for _ in range(2):  # the second goes on where the first ended
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert process.stdout is not None
        writer = copy_to_log(process.stdout, tmp_path / "x.log")
        process.wait()
        writer.join()
        process.stdout.close()
    assert (tmp_path / "x.log").read_text() == "".join(f"{n}\n" for n in range(20000)) * 2


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    full = Path("/dev/full")
    log = RotatingLog(full)
    log.write(b"x")
    log.close()
