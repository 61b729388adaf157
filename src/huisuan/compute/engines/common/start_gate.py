"""The gate before every run: it begins once the platform knows that it does, or never.

A lease in seconds cannot promise that alone: a run that begins just after the wire is cut is running, and nobody was
told; moved to another centre, it would run twice. So a run that has been given its cards waits here until the agent,
answered by the platform, opens the gate. Where no answer comes until the lease is over, the run leaves without having
begun (EXPIRED) and gives its cards back. No clock decides about running twice: a wrong one only makes runs wait or
leave.

Standard library only: the runner of every job imports it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

EXPIRED_CODE = 98  # how a launcher leaves that was not let in
_POLL_SECONDS = 0.1


def gate_of(lease_file: Path, name: str) -> Path:
    """The file that opens the gate for a run by being there; the agent writes it."""
    return lease_file.parent / "go" / name


def has_begun(lease_file: Path, name: str) -> bool:
    """Whether a launcher went through the gate: tells a program's own exit code 98 from EXPIRED_CODE."""
    return gate_of(lease_file, name).with_suffix(".taken").is_symlink()


def lease_ends(lease_file: Path) -> int:
    """Until when runs may wait, in seconds since 1970; 0 where nothing readable says so."""
    try:
        return int(lease_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def wait_to_begin(
    lease_file: Path,
    name: str,
    attempt: str,
    given_up: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.time,
) -> bool:
    """Wait until the gate opens and go through: True. False: the lease is over, or another attempt went through.

    `attempt` is who asks: the scheduler's own id of the job, the same when it starts that very job again.
    `given_up` ends the waiting: the run was cancelled.
    """
    gate = gate_of(lease_file, name)
    while not gate.exists():
        if given_up() or now() > lease_ends(lease_file):
            return False
        time.sleep(_POLL_SECONDS)
    if given_up():  # while it slept, before the gate opened
        return False
    taken = gate.with_suffix(".taken")
    try:
        taken.symlink_to(attempt)
    except FileExistsError:
        return str(taken.readlink()) == attempt
    return True


#: The same for launchers in sh: `huisuan_gate LEASE_FILE NAME ATTEMPT` returns where the run may begin, else exits 98.
GATE_SH = f"""
huisuan_gate() {{
  huisuan_go="$(dirname "$1")/go/$2"
  while [ ! -e "$huisuan_go" ]; do
    huisuan_until=0
    read -r huisuan_until 2>/dev/null < "$1" || :
    case "$huisuan_until" in '' | *[!0-9]*) exit {EXPIRED_CODE} ;; esac
    if [ "$(date +%s)" -gt "$huisuan_until" ]; then exit {EXPIRED_CODE}; fi
    sleep 0.2
  done
  if ! ln -s "$3" "$huisuan_go.taken" 2>/dev/null; then
    [ "$(readlink "$huisuan_go.taken")" = "$3" ] || exit {EXPIRED_CODE}
  fi
}}
""".lstrip()
