"""Scripts as sbatch itself reads them and as we do: name, nodes, cards, time limit, array come out the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.array_indices import parse_indices
from huisuan.compute.jobspec.core.parse_result import FileRefused
from huisuan.compute.jobspec.core.request_rules import LONGEST_TIME
from huisuan.protocol.resources import JobRequest

if TYPE_CHECKING:
    from support.slurm_cluster import Cluster

SCRIPTS = [
    "#SBATCH --job-name=plain\n#SBATCH --gres=gpu:a100:2 -t 10",
    '#SBATCH -J "two words" -N2 --gres gpu:4 -t1:30:00   # comment',
    "#SBATCH -J'it''s' --gpus-per-node=a100:8 --nodes=2 --time=1-2",
    "#SBATCH --job-na=short --gpus=8 -t 90:30",
    "#SBATCH -J ab -n 4 --gpus-per-task=1 -N 1 --time=2-3:04",
    "#SBATCH -J a\\ b --gpus=1 -t 1",
    "#SBATCH -J 'a\\'b' --gpus=1 -t 1",
    '#SBATCH -J "a\\"b\\\\" --gpus=1 -t 1',
    "#SBATCH -J a\\b\\#c --gpus=1 -t 1",
    "#SBATCH -J 'a#b' --gpus=1 -t 1",
    "#SBATCH --gpus=2 -t 1 -J sharp#inside --nodes=2",
    "#SBATCH -Jx --gres=gpu:1\n#SBATCH -J y --time=7\n#SBATCH --time=9",
    "# a comment\n\n#SBATCH -J late --gpus=1 -t 5\n #SBATCH -J spaced\ntrue\n#SBATCH -J after -t 50",
    "#SBATCH -J arr --array=0-6:3,9%2 --gpus=1 -t 3",
    "#SBATCH -J dist -n 16 --ntasks-per-node=8 --gpus-per-task=a100:1 -t 4-0:0:30",
    "#SBATCH -J npu -p ascend --gres=npu:910b3:8 -t 5",
    "#SBATCH -HJ none",
    "#SBATCH-J near --gpus=1 -t 1",
    "#SBATCHX -J x",
    "#SBATCH --gpus=a100 -t 1",
    "#SBATCH --gpus-per-node=a100 -t 1",
    "#SBATCH --gpus=3 --gpus-per-task=1 -t 0-0:0:61",
    "#SBATCH --array=[1-2,,5] --gpus=1 -t 1",
    "#SBATCH -J '' --gpus=1 -t 1",
    "#SBATCH --gpus=1 -t 1:",
    "#SBATCH --gpus=1 -t 1.5",
    "#SBATCH --gpus=1 -t 1-:5",
    "#SBATCH -N1,2 --gpus=2 -t 1",
    "#SBATCH --no-such-option",
    "#SBATCH --time=1:2:3:4",
    "#SBATCH -J 'open",
    "#SBATCH --tim=5",
    "#SBATCH --array=5-1",
    "#SBATCH --array=1-4%2,10-12 --gpus=1 -t 5",
    "#SBATCH --array=1-4%2,10-12%3 --gpus=1 -t 5",
    "#SBATCH --gres=gpu:1 --time=00:00:00",
    "#SBATCH --gres=gpus:4 -t 5",
    "#SBATCH --gres=GPU:4 -t 5",
    "#SBATCH --gres=gpu：4 -t 5",
    "#SBATCH --gres=a100:4 -t 5",
    "#SBATCH --gres=none -t 5",
]


@pytest.fixture
def submitted(cluster: Cluster) -> Iterator[list[str]]:
    """The jobs that a test handed in; they are gone when it is over."""
    jobs: list[str] = []
    yield jobs
    for job in jobs:
        cluster.works("scancel", job)


@pytest.mark.parametrize("lines", SCRIPTS)
def test_a_script_is_read_as_sbatch_reads_it(
    cluster: Cluster, submitted: list[str], tmp_path: Path, lines: str
) -> None:
    script = f"#!/bin/sh\n{lines}\ntrue\n"
    file = tmp_path / "x.sbatch"
    file.write_text(script, encoding="utf-8")
    try:
        ours = recognise.parse_job_file(script, "x.sbatch").request
    except FileRefused:
        if "-H" not in lines:  # sbatch holds the job, we refuse: it would run
            assert not cluster.works("sbatch", "--account=anhui", "--hold", str(file))
        return
    number = cluster.command("sbatch", "--parsable", "--account=anhui", "--hold", str(file)).strip()
    submitted.append(number)
    told = cluster.command("scontrol", "show", "job", "--oneliner", number)
    _compare(ours, told)


def _compare(ours: JobRequest, told: str) -> None:
    def fact(pattern: str) -> str:
        found = re.search(pattern, told)
        assert found, told
        return found[1]

    assert ours.name == fact(r"JobName=(.*?) UserId=")
    assert ours.nodes == int(fact(r"NumNodes=(\d+)"))
    asked = re.search(r"gres/[gn]pu=(\d+)", told)
    assert ours.cards == (int(asked[1]) if asked else None)
    if ours.array:
        assert ours.array == parse_indices(fact(r"ArrayTaskId=([^\s%]+)"))
    if "TimeLimit=UNLIMITED" in told:
        assert ours.time_limit_seconds == LONGEST_TIME
        return
    days, hours, minutes, seconds = re.findall(r"TimeLimit=(?:(\d+)-)?(\d+):(\d+):(\d+)", told)[0]
    limit = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    assert limit - 60 < ours.time_limit_seconds <= limit  # Slurm counts in minutes
