"""How large a centre is: claimed, seen, used, measured."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.compute.capacity.attestation import (
    MARK,
    attestation_request,
    parse_measurements,
    program_source,
    record_attestations,
)
from huisuan.compute.capacity.capacity import capacity, capacity_to_dict
from huisuan.compute.models import (
    Accelerator,
    CapacityAttestation,
    CapacitySighting,
    Centre,
    CentreNode,
    Job,
    JobLog,
    JobState,
)
from support.examples import examples
from support.usage_records import A800, NPU, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
BEGINS, ENDS = date(2024, 1, 1), date(2025, 1, 1)
NOW = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> str:
    """A moment of that day as sacct writes it."""
    return f"2024-03-01T{hour:02d}:{minute:02d}:00"


def run(job: int, starts: str, ends: str, cards: int = 8) -> dict[str, str]:
    """A run of so many A800."""
    return line(job, f"gres/gpu:a800={cards}", Submit=at(0), Eligible=at(0), Start=starts, End=ends)


def test_the_claim_is_the_cards_of_the_partitions_times_the_catalogue() -> None:
    found = capacity_to_dict(capacity(centre(), BEGINS, ENDS))
    tflops = {row.model: row.tflops_fp16 for row in Accelerator.objects.all()}
    cards = {"A800-SXM4-80GB": 40, "Ascend-910B3": 32, "H20": 8}
    assert Decimal(found["claimed_p"]) == sum(count * tflops[model] for model, count in cards.items()) / 1000
    assert {row["model"]: row["claimed"] for row in found["models"]} == cards


def test_nothing_seen_is_not_zero_seen() -> None:
    found = capacity(centre(), BEGINS, ENDS)
    assert [found.seen.p, found.seen_most.p] == [None, None]
    assert all(row.seen is None for row in found.models)


def test_what_the_scheduler_shows_counts_a_node_once_however_many_partitions_it_is_in() -> None:
    made = centre()
    a800 = Accelerator.objects.get(model=A800)
    for partition in ("gpu", "mix"):
        CentreNode.objects.create(
            centre=made, name="gpu01", partition=partition, local_card="a800", accelerator=a800, cards=8, state="up",
            seen_at=NOW,
        )  # fmt: skip
    CentreNode.objects.create(centre=made, name="x1", local_card="weird", cards=4, state="up", seen_at=NOW)
    found = capacity(made, BEGINS, ENDS)
    assert (found.seen.p, found.seen.at, found.unknown) == (8 * a800.tflops_fp16 / 1000, NOW, 4)


def test_the_most_of_a_day_is_kept_when_fewer_are_seen_later() -> None:
    made = centre()
    a800, npu = (Accelerator.objects.get(model=model) for model in (A800, NPU))
    for day, model, most in ((1, a800, 40), (1, npu, 8), (2, a800, 39)):
        CapacitySighting.objects.create(
            centre=made, day=date(2024, 5, day), accelerator=model, most=most, least_up=most
        )
    found = capacity(made, BEGINS, ENDS)
    assert found.seen_most.at == date(2024, 5, 1)
    assert found.seen_most.p == (40 * a800.tflops_fp16 + 8 * npu.tflops_fp16) / 1000


def test_use_is_the_most_cards_at_once_and_when_it_began() -> None:
    made = centre()
    imported(sacct(run(1, at(9), at(11)), run(2, at(10), at(12), 16), run(3, at(12), at(13))))
    found = capacity(made, BEGINS, ENDS)
    (a800,) = [row for row in found.models if row.model == A800]
    assert (a800.used, a800.used_at) == (24, datetime(2024, 3, 1, 10, tzinfo=SHANGHAI))
    assert found.used.p == 24 * a800.tflops_fp16 / 1000


def test_runs_that_follow_each_other_on_the_same_cards_count_once() -> None:
    made = centre()
    imported(sacct(run(1, at(9), at(10)), run(2, at(10), at(11))))
    assert max(row.used for row in capacity(made, BEGINS, ENDS).models) == 8


def test_use_before_the_days_asked_for_counts_as_far_as_it_reaches_into_them() -> None:
    made = centre()
    imported(sacct(run(1, at(9), "2024-03-02T01:00:00"), run(2, at(8), at(9), 16)))
    (a800,) = [row for row in capacity(made, date(2024, 3, 2), ENDS).models if row.model == A800]
    assert (a800.used, a800.used_at) == (8, datetime(2024, 3, 2, tzinfo=SHANGHAI))


@settings(max_examples=examples(10))
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 4), st.integers(1, 8)), min_size=1, max_size=12))
def test_the_peak_is_what_a_count_hour_by_hour_gives(runs: list[tuple[int, int, int]]) -> None:
    name = f"peak{Centre.objects.count()}"
    made = centre(name)
    day = datetime(2024, 3, 1, tzinfo=SHANGHAI)
    lines = [
        run(number, f"{day + timedelta(hours=starts):%Y-%m-%dT%H:00:00}",
            f"{day + timedelta(hours=starts + length):%Y-%m-%dT%H:00:00}", cards)
        for number, (starts, length, cards) in enumerate(runs)
    ]  # fmt: skip
    imported(sacct(*lines), at=name)
    by_hour = [sum(cards for starts, length, cards in runs if starts <= hour < starts + length) for hour in range(30)]
    assert max(row.used for row in capacity(made, BEGINS, ENDS).models) == max(by_hour)


# --- measured by a job


def attested(output: str, script: str | None = None) -> Job:
    """A finished job at a centre, with this output."""
    made = centre()
    job = Job.objects.create(
        uid="01jk4ze4g00000000000000000", party=party(99), submitted_by="x", name="算力核验", cards=2, lease=1,
        script=program_source() if script is None else script, centre=made,
        accelerator=Accelerator.objects.get(model=A800),
        state=JobState.DONE, submitted_at=NOW, started_at=NOW, ended_at=NOW + timedelta(seconds=30), exit_code=0,
    )  # fmt: skip
    JobLog.objects.create(job=job, offset=0, content=output.encode())
    return job


def word(index: int, tflops: str = "250.4") -> str:
    """A line as the program prints it."""
    card = f'"node": "gpu01", "index": {index}, "device": "NVIDIA A800"'
    return f'{MARK}{{{card}, "tflops_fp16": "{tflops}", "torch": "2"}}\n'


def test_what_a_finished_job_measured_is_kept_once_with_its_card() -> None:
    job = attested("warming up\n" + word(0) + word(1, "249.9") + MARK + "{broken\n")
    assert (record_attestations(), record_attestations()) == (2, 0)
    rows = CapacityAttestation.objects.filter(job=job).order_by("index")
    assert [(row.index, row.tflops_fp16, row.accelerator.model) for row in rows] == [
        (0, Decimal("250.4"), A800),
        (1, Decimal("249.9"), A800),
    ]


def test_another_program_that_prints_the_same_words_attests_nothing() -> None:
    attested(word(0), script="#!/bin/sh\necho mine\n")
    assert record_attestations() == 0


def test_an_output_full_of_nonsense_says_nothing() -> None:
    assert (
        parse_measurements(MARK + '{"node": "a", "index": -1, "device": "x", "tflops_fp16": "1"}\n' + MARK + "7\n")
        == []
    )


def test_a_centre_that_takes_no_jobs_or_lacks_the_model_is_refused_with_what_to_do() -> None:
    made = centre()
    with pytest.raises(Refused, match="不接平台作业"):
        attestation_request(made, None, 1)
    made.engine = "slurm"
    with pytest.raises(Refused, match=f"没有型号 T4；有：.*{A800}"):
        attestation_request(made, "T4", 1)
    assert attestation_request(made, A800, 2).centre == made.code


def test_the_program_says_what_to_install_where_there_is_no_pytorch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.modules['torch'] = None; exec(compile(sys.stdin.read(), 'p', 'exec'))"],
        input=program_source(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert "请安装 torch" in done.stderr
