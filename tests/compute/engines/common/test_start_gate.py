"""The gate before every run: nothing begins unless it opens, and what begins does so once."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from huisuan.compute.engines.common.start_gate import (
    EXPIRED_CODE,
    GATE_SH,
    gate_of,
    has_begun,
    lease_ends,
    wait_to_begin,
)

RUN = "01m8558jnns7cryxk3r3r51yjp-1"


@pytest.fixture
def lease(tmp_path: Path) -> Path:
    """A lease that lasts a minute from now."""
    made = tmp_path / "lease"
    made.write_text(str(int(time.time()) + 60))
    gate_of(made, RUN).parent.mkdir()
    return made


def passes_in_python(lease: Path, attempt: str) -> bool:
    return wait_to_begin(lease, RUN, attempt)


def passes_in_sh(lease: Path, attempt: str) -> bool:
    script = f'{GATE_SH}\nhuisuan_gate "$1" "$2" "$3"\necho in\n'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(lease), RUN, attempt], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) in [(0, "in\n"), (EXPIRED_CODE, "")], done.stderr
    return done.returncode == 0


BOTH = pytest.mark.parametrize("passes", [passes_in_python, passes_in_sh])


@BOTH
def test_a_run_waits_until_its_gate_opens(lease: Path, passes: object) -> None:
    opening = threading.Timer(0.3, gate_of(lease, RUN).touch)
    opening.start()
    before = time.monotonic()
    assert passes(lease, "1")
    assert time.monotonic() - before > 0.2
    assert has_begun(lease, RUN)


@BOTH
@pytest.mark.parametrize("content", ["1000", "", "nonsense", None])
def test_a_run_that_is_not_let_in_until_the_lease_is_over_leaves_without_having_begun(
    lease: Path, content: str | None, passes: object
) -> None:
    lease.unlink()
    if content is not None:
        lease.write_text(content)
    assert not passes(lease, "1")
    assert not has_begun(lease, RUN)


@BOTH
def test_an_open_gate_lets_in_one_attempt_and_that_one_again(lease: Path, passes: object) -> None:
    gate_of(lease, RUN).touch()
    assert passes(lease, "job 7")
    assert not passes(lease, "job 8")  # the scheduler was asked twice, say
    assert passes(lease, "job 7")  # the scheduler started that very job again


def test_an_open_gate_lets_in_even_after_the_lease(lease: Path) -> None:
    gate_of(lease, RUN).touch()
    lease.write_text("1000")
    assert passes_in_python(lease, "1")


def test_a_run_that_is_given_up_stops_waiting(lease: Path) -> None:
    assert not wait_to_begin(lease, RUN, "1", given_up=lambda: True)
    assert lease_ends(lease) > time.time()


def test_a_run_that_is_given_up_does_not_go_through_a_gate_that_opens_afterwards(lease: Path) -> None:
    gate_of(lease, RUN).touch()
    assert not wait_to_begin(lease, RUN, "1", given_up=lambda: True)
    assert not has_begun(lease, RUN)
