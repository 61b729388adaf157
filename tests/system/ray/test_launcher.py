"""The launcher as one file, by any Python, with nothing of Huisuan or Ray installed beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.ray.launcher import REFUSED
from huisuan.compute.engines.ray.package import PACKAGE_BYTES, build_launcher, build_package

RAYS = {
    "RAY_AUTH_TOKEN": "secret",
    "RAY_ADDRESS": "127.0.0.2:1",
    "CUDA_VISIBLE_DEVICES": "4,5",
    "SECRET": "of the head",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "launcher.pyz").write_bytes(build_launcher())
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def job(*command: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "01m8558jnns7cryxk3r3r51yjp", "uid": "01m8558jnns7cryxk3r3r51yjp", "run": 0, "command": command,
        "script": "", "environment": {}, "workdir": None, "lease_file": None, "cards": 2, "time_limit_seconds": 60,
        "grace_seconds": 1, "account": None, **more,
    }  # fmt: skip


def launch(place: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-S", "-E", str(place.parent / "launcher.pyz"), str(place)]
    environment = {"PATH": os.environ["PATH"], **RAYS}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=90)


def test_a_job_sees_its_cards_and_nothing_else_of_its_surroundings(place: Path) -> None:
    (place / "job.json").write_text(
        json.dumps(job("env", environment={"CUDA_VISIBLE_DEVICES": "0,1,2,3", "MINE": "1"}))
    )
    assert launch(place).returncode == 0
    seen = dict(line.split("=", 1) for line in (place / "output.log").read_text().splitlines())
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["HUISUAN_CARDS"], seen["MINE"]) == ("4,5", "4,5", "1")
    assert not {"RAY_AUTH_TOKEN", "RAY_ADDRESS", "SECRET"} & set(seen)


def test_ray_is_told_the_jobs_own_exit_code(place: Path) -> None:
    (place / "job.json").write_text(json.dumps(job("sh", "-c", "exit 7")))
    assert launch(place).returncode == 7
    assert json.loads((place / "exit.json").read_text())["state"] == "failed"


def test_a_second_launcher_makes_way(place: Path) -> None:
    (place / "job.json").write_text(json.dumps(job("sh", "-c", "echo once")))
    assert [launch(place).returncode, launch(place).returncode] == [0, REFUSED]
    assert (place / "output.log").read_text() == "once\n"


def test_a_run_whose_gate_stays_shut_until_the_lease_is_over_leaves(place: Path, tmp_path: Path) -> None:
    lease = tmp_path / "lease"
    lease.write_text("1000")
    gate_of(lease, "x").parent.mkdir()
    (place / "job.json").write_text(json.dumps(job("touch", str(tmp_path / "ran"), lease_file=str(lease))))
    assert launch(place).returncode == REFUSED
    assert json.loads((place / "exit.json").read_text())["state"] == "expired"
    assert not (tmp_path / "ran").exists()


def test_the_same_run_makes_the_same_package_and_another_another(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1")
    first, again, other = (
        build_package(job("a"), tmp_path),
        build_package(job("a"), tmp_path),
        build_package(job("b"), tmp_path),
    )
    assert first == again
    assert first[0] != other[0]


def test_a_directory_that_ray_does_not_take_is_refused_before_it_is_packed(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(5 * PACKAGE_BYTES)  # a hole: no bytes on the disk
    with pytest.raises(ValueError, match="shared=yes"):
        build_package(job("a"), tmp_path)


def test_a_link_out_of_the_directory_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "key").write_text("of the agent")
    (tmp_path / "work" / "link").symlink_to(tmp_path / "key")
    assert b"of the agent" not in build_package(job("a"), tmp_path / "work")[1]
