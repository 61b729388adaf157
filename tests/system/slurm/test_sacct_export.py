"""The export command as it is printed, run by a shell on a real Slurm: a name of several lines is only a name."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
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
    from support.slurm_site import Site

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
        ["sacct", "--allusers", "--duplicates", "--state=R,S", "-S", "2024-01-01", "-E", "2098-12-31", "--json"],
        env=cluster.environment, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert sums(told) == found


def exported_of(cluster: Cluster, since: int, until_: int, jobs: Sequence[str]) -> set[str]:
    """Which of these jobs are in the printed export of what ran between two instants."""
    local = ZoneInfo("Asia/Shanghai")
    window = (datetime.fromtimestamp(at, local).strftime("%Y-%m-%dT%H:%M:%S") for at in (since, until_))
    shell = subprocess.run(
        ["sh", "-c", command_for(*window)], env=cluster.environment, capture_output=True, check=True, text=True
    )
    lines = shell.stdout.splitlines()
    return {line.split(delimiter_of(lines[0]))[0] for line in lines[1:]} & set(jobs)


@pytest.mark.slurm
def test_the_printed_command_leaves_out_no_job_that_ran_in_its_window(cluster: Cluster) -> None:
    """One without an Eligible time began in the second it came in. Slurm leaves it out where no state is named."""
    asked = ("sbatch", "--parsable", "-A", "anhui", "-p", "a100", "--gres=gpu:a100:1", "-o", "/dev/null", "--wrap")
    job, never = (cluster.command(*asked[:-1], *more, "--wrap", "true").strip() for more in ((), ("--hold",)))
    cluster.command("scancel", never)
    state = ("sacct", "-X", "-n", "-P", "-o", "State", "-j", job)
    until(lambda: cluster.command(*state).strip() == "COMPLETED", "its end in the accounting")
    began = 1_709_254_800  # 2024-03-01 09:00 in Shanghai
    kinds = {
        "without an Eligible time": f"time_submit={began}, time_eligible=0, time_start={began}, time_end={began + 60}",
        "begun before": f"time_eligible={began - 90}, time_start={began - 60}, time_end={began + 60}",
        "over after it": f"time_eligible={began}, time_start={began + 60}, time_end={began + 9000}",
        "in its last second": f"time_eligible={began}, time_start={began + 3599}, time_end={began + 3600}",
        "longer than it": f"time_eligible={began - 90}, time_start={began - 60}, time_end={began + 9000}",
        "requeued": f"time_eligible=0, time_start={began}, time_end={began + 60}, state=1024",
        "running": f"time_eligible=0, time_start={began - 60}, time_end=0, state=1",
        "suspended": f"time_eligible=0, time_start={began - 60}, time_end=0, state=2, time_suspended={began}",
    }
    row = f"id_job={job} ORDER BY job_db_inx LIMIT 1"  # a late message makes another, once its time_submit differs
    columns = f"SELECT job_db_inx, 1, {began}, 0 FROM slurm_acct_db.ah_job_table WHERE id_job={job}"
    cluster.sql(f"INSERT INTO slurm_acct_db.ah_suspend_table (job_db_inx, id_assoc, time_start, time_end) {columns}")
    for kind, values in kinds.items():
        cluster.sql(f"UPDATE slurm_acct_db.ah_job_table SET {values} WHERE {row}")
        assert exported_of(cluster, began, began + 3600, [job, never]) == {job}, kind
    cluster.sql(f"UPDATE slurm_acct_db.ah_suspend_table SET time_end={began + 60}")
    for kind in ("without an Eligible time", "in its last second"):
        cluster.sql(f"UPDATE slurm_acct_db.ah_job_table SET {kinds[kind]}, state=3 WHERE {row}")
        assert not exported_of(cluster, began + 3600, began + 7200, [job]), kind  # of the window before


@pytest.mark.slurm
def test_a_job_without_an_eligible_time_is_found_by_its_name(plain_site: Site) -> None:
    spec = plain_site.run("true")
    plain_site.ended(spec.name)
    (job,) = plain_site.jobs(spec.name)
    plain_site.cluster.sql(f"UPDATE slurm_acct_db.ah_job_table SET time_eligible=0 WHERE id_job={job}")
    accounting = plain_site.engine.session.accounting
    assert list(accounting.of_names([spec.name], int(time.time()) - 3600)) == [(job, spec.name)]
    assert list(accounting.of_jobs([job], int(time.time()) - 3600)) == [(job, spec.name)]
