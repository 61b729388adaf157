"""What is left of a Slurm cluster of the tests, and its end.

Run as a program with the cluster's folder, it waits for the end of its input, which comes with the end of the process
that started it, even by SIGKILL, and then removes whatever is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path

import psutil


def remains(folder: Path) -> list[psutil.Process]:
    """Processes of a cluster in that folder: daemons, job steps and what jobs started.

    By their environment, and by where they stand: slurmstepd writes its title over its environment.
    """
    conf = str(folder / "slurm.conf")
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            there = process.environ().get("SLURM_CONF") == conf or Path(process.cwd()).is_relative_to(folder)
            if there and process.pid != os.getpid():
                found.append(process)
    return found


def remove(folder: Path) -> None:
    """End everything of a cluster and remove its folder."""
    while left := remains(folder):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=5)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    remove(Path(sys.argv[1]))
