"""A module that lies in the folder somebody starts from is not imported by the processes that the platform starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from huisuan.compute.engines.local.process import RunnerProcesses
from huisuan.programmes.scoring.identity import bears_a_name
from huisuan.serving.processes.child_process import Child

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is written by a `json.py` in the working folder, once somebody imports it."""
    sprung = tmp_path / "sprung"
    (tmp_path / "json.py").write_text(f"open({str(sprung)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    return sprung


def test_the_trap_works(trap: Path) -> None:
    subprocess.run([sys.executable, "-c", "import json"], timeout=60, check=True)
    assert trap.exists()


def test_a_job_runs_without_it(trap: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "a").mkdir(parents=True)
    runners = RunnerProcesses(tmp_path / "runs")
    runners.start("a")
    runners._started["a"].wait(60)  # there is no job in the folder
    assert "job.json" in (tmp_path / "runs" / "a" / "runner.log").read_text()
    assert not trap.exists()


def test_a_process_of_the_platform_starts_without_it(trap: Path, tmp_path: Path) -> None:
    child = Child("none of ours", [], tmp_path / "log")
    child.start()
    assert child.process is not None
    child.process.wait(60)
    child.stop(1)
    assert "not enough values" in (tmp_path / "log").read_text()
    assert not trap.exists()


def test_names_are_looked_for_without_it(trap: Path) -> None:
    assert bears_a_name("某某公司".encode(), ["某某公司"])
    assert not trap.exists()


@pytest.mark.slow
def test_every_module_that_we_run_is_run_without_the_working_folder() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.List | ast.Tuple) and "sys.executable" in (words := list(map(ast.unparse, node.elts)))
        if "'-m'" in words and "'-P'" not in words
    ]
    assert wrong == []
