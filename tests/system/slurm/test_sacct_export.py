"""The export command as it is printed, run by a shell on a real Slurm: a name of several lines is only a name."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from huisuan.compute.accelerators import Card, CardNames
from huisuan.compute.duck.reader_tables import list_faults
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.sacct import parse_sacct
from huisuan.compute.sacct.export import command_for, delimiter_of
from support.slurm_site import until

if TYPE_CHECKING:
    from support.slurm_cluster import Cluster

A100 = Card(1, "A100-SXM4-80GB", "NVIDIA")
B3 = Card(2, "Ascend-910B3", "Huawei")  # of other tests' jobs on the same cluster
NAMES = CardNames([A100, B3], {"gpu": [A100], "ascend": [B3]}, {"a100": [A100]}, {})
FORGED = (
    "x\n66666|66666|ah|bob|victim|a100|COMPLETED|2024-03-02T00:00:00|2024-03-02T00:00:00|2024-03-02T00:00:00|"
    "2024-03-12T00:00:00|864000|00:00:00|gres/gpu=8|gres/gpu=8|1|gpu01|0:0|y"
)


def sums(printed: bytes) -> dict[str, int]:
    """Card-seconds by job of what sacct printed; nothing of it may be refused."""
    reading: ParsedFile = parse_sacct(split_source(printed, "printed"), NAMES, ZoneInfo("Asia/Shanghai"))
    with reading.con as con:
        assert list_faults(con) == []
        return dict(
            con.execute("SELECT job_id, sum(cards * (ended - started))::BIGINT FROM reading GROUP BY 1").fetchall()
        )


@pytest.mark.slurm
def test_the_printed_command_and_json_tell_the_same_of_a_job_whose_name_is_a_record(cluster: Cluster) -> None:
    ids = []
    for name in (FORGED, "warm\nup", "plain"):
        asked = (
            "sbatch",
            "--parsable",
            "-A",
            "anhui",
            "-p",
            "a100",
            "--gres=gpu:a100:1",
            "-J",
            name,
            "-o",
            "/dev/null",
            "--begin=now+2",  # one that starts in the second it came in has no Eligible time, and sacct leaves it out
        )
        ids.append(cluster.command(*asked, "--wrap", "sleep 1").strip())
    over = ("sacct", "-X", "-n", "-P", "-o", "State", "-j", ",".join(ids))
    until(lambda: cluster.command(*over).split() == ["COMPLETED"] * 3, "their ends in the accounting")
    script = command_for("2024-01-01", "2098-12-31")
    exported, again = (
        subprocess.run(["sh", "-c", script], env=cluster.environment, capture_output=True, check=True).stdout
        for _ in range(2)
    )
    delimiters = {delimiter_of(each.decode("utf-8", "replace").split("\n")[0]) for each in (exported, again)}
    assert len(delimiters - {None}) == 2
    found = sums(exported)
    assert "66666" not in found
    assert {job: found[job] for job in ids if found.get(job)}.keys() == set(ids)
    told = subprocess.run(
        ["sacct", "--allusers", "--duplicates", "--starttime=2024-01-01", "--json"],
        env=cluster.environment, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert sums(told) == found
