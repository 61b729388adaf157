"""A zero is never silent on import: jobs that should have a card and have none are counted, told and flagged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.compute.accelerators import Card, CardNames, allocated_cards, asks_for_cards, other_gres
from huisuan.compute.metering.checks.completeness import check_completeness
from huisuan.compute.metering.checks.flags import answer_flag
from huisuan.compute.models import MeterFlag
from support.usage_records import HEADER, NOW, centre, imported, line, records, sacct

pytestmark = pytest.mark.django_db

A100 = "A100-SXM4-40GB"
NONE = "billing=8,cpu=8,mem=64G,node=1"
GRES_HEADER = f"{HEADER}|AllocGRES|JobName"


@pytest.fixture(autouse=True)
def place() -> None:
    centre("c1", f"a100={A100}:1x8:a100", f"mix={A100}:1x8", "cpu=CPU-SLOT:1x4")


def job(
    number: int = 1, alloc: str = NONE, asked: str = NONE, partition: str = "a100", **fields: object
) -> dict[str, str]:
    return line(number, alloc, ReqTRES=asked, Partition=partition, **fields)


def flags() -> list[str]:
    return list(MeterFlag.objects.filter(kind="no_cards").order_by("id").values_list("text", flat=True))


@pytest.mark.parametrize("alloc", [NONE, "", "cpu=8,gres/gpu=0"])
def test_a_job_that_asked_for_cards_and_has_none_is_told_with_the_line_to_add(alloc: str) -> None:
    report = imported(sacct(job(alloc=alloc, asked="cpu=8,gres/gpu=2,node=1")))
    assert (report.no_cards, report.exit_code, report.new) == ({"asked": 1}, 1, 0)
    (told,) = report.doubts
    assert "AccountingStorageTRES=gres/gpu,gres/gpu:a100" in told
    assert flags() == [told]


def test_what_old_slurm_says_of_the_cards_given_counts_as_asking_for_them() -> None:
    row = {**job(), "AllocGRES": "gpu:a100:2(IDX:0-1)", "JobName": "train"}
    assert imported(sacct(row, header=GRES_HEADER)).no_cards == {"asked": 1}


def test_a_file_with_alloc_gres_only_is_refused_with_what_is_missing() -> None:
    header = HEADER.replace("AllocTRES", "AllocGRES").replace("ReqTRES", "ReqGRES")
    row = {**job(), "AllocGRES": "gpu:a100:2", "ReqGRES": "gpu:2"}
    with pytest.raises(Refused, match=r"AllocTRES.*AccountingStorageTRES"):
        imported(sacct(row, header=header))


def test_two_hundred_jobs_without_cards_are_one_message_and_one_flag() -> None:
    rows = [job(2000 + n, asked="cpu=8,gres/gpu=8") for n in range(200)]
    report = imported(sacct(*rows))
    assert report.no_cards == {"asked": 200}
    (told,) = report.doubts
    assert "200 个作业（行 2、3、4、5、6……）" in told
    assert flags() == [told]
    imported(sacct(*rows))
    assert len(flags()) == 1  # the same file once more says nothing new


@pytest.mark.parametrize("gres", ["ascend=8", "iluvatar:bi150=8", "gpus=2", "ppu=4", "whatever=1"])
def test_a_gres_that_nobody_knows_on_a_partition_of_cards_is_told_with_the_command(gres: str) -> None:
    report = imported(sacct(job(alloc=f"cpu=1,gres/{gres}", asked="cpu=1")))
    assert (report.no_cards, report.exit_code) == ({"unknown_gres": 1}, 1)
    name = gres.partition("=")[0]
    assert f'huisuan centre add c1 --partition "a100={A100}:1x8:a100,{name}"' in report.doubts[0]


def test_the_command_that_is_advised_makes_the_cards_count() -> None:
    centre("c1", f"a100={A100}:1x8:a100,ascend")
    report = imported(sacct(job(alloc="cpu=1,gres/ascend=8", asked="cpu=1")))
    assert (report.no_cards, report.exit_code) == ({}, 0)
    assert [record.card_seconds for record in records()] == [28_800]


def test_other_resources_than_cards_are_not_told_as_cards() -> None:
    report = imported(sacct(job(1, "cpu=1,gres/gpu:a100=1,gres/nvme=2,gres/bigmem=1", "cpu=1,gres/gpu=1")))
    assert (report.no_cards, report.exit_code, report.new) == ({}, 0, 1)
    report = imported(sacct(job(2, "cpu=1,gres/nvme=2", "cpu=1,gres/nvme=2", partition="login")))
    assert (report.no_cards, report.exit_code, report.cpu_only) == ({}, 0, 1)


def test_a_job_on_a_partition_of_cards_of_which_no_card_is_accounted_is_told() -> None:
    report = imported(sacct(job()))
    assert (report.no_cards, report.exit_code) == ({"untracked": 1}, 1)
    assert len(flags()) == 1


def test_a_job_without_a_card_where_others_have_some_is_flagged_once_a_month() -> None:
    with_card = job(1, "cpu=8,gres/gpu:a100=8,gres/gpu=8", "cpu=8,gres/gpu=8")
    report = imported(sacct(with_card, job(2)))
    assert (report.no_cards, report.exit_code, report.new) == ({"idle": 1}, 0, 1)
    imported(sacct(with_card, job(2), job(3)))
    assert len(flags()) == 1


def test_a_partition_that_only_the_file_shows_to_have_cards_counts_as_one() -> None:
    report = imported(sacct(job(1, "gres/gpu:a100=1", "gres/gpu=1", partition="new"), job(2, partition="new")))
    assert report.no_cards == {"idle": 1}


@pytest.mark.parametrize("partition", ["cpu", "elsewhere"])
def test_a_job_of_processors_where_there_are_no_cards_is_no_news(partition: str) -> None:
    report = imported(sacct(job(partition=partition)))
    assert (report.no_cards, report.exit_code, report.cpu_only, flags()) == ({}, 0, 1, [])


def test_the_next_check_of_the_centre_shows_the_flag_until_it_is_answered() -> None:
    imported(sacct(job(asked="cpu=8,gres/gpu=2")))
    place = MeterFlag.objects.get(kind="no_cards").centre
    assert not check_completeness(place, None, NOW + timedelta(days=1)).is_whole
    answer_flag(MeterFlag.objects.get(kind="no_cards").pk, "已补报", "省专班", NOW)
    assert check_completeness(place, None, NOW + timedelta(days=1)).open_flags == 0
    imported(sacct(job(5, asked="cpu=8,gres/gpu=2")))  # another job of that month is another matter
    assert check_completeness(place, None, NOW + timedelta(days=1)).open_flags == 1


def test_a_dry_run_tells_and_flags_nothing() -> None:
    assert imported(sacct(job()), dry_run=True).no_cards == {"untracked": 1}
    assert flags() == []


def test_cards_without_a_model_are_metered_whole_with_a_word_about_it() -> None:
    report = imported(sacct(job(alloc="cpu=9,gres/gpu=7", asked="gres/gpu=7")))
    assert (report.new, report.card_seconds) == (1, 25_200)
    assert any("没有写型号" in note and "MIG" in note for note in report.notes)


def test_cards_without_a_model_on_a_partition_with_slices_are_not_metered() -> None:
    slices = job(1, "gres/gpu:1g.5gb=2,gres/gpu=2", "gres/gpu=2")
    report = imported(sacct(slices, job(2, "gres/gpu=7", "gres/gpu=7"), job(3, "gres/gpu=1", partition="mix")))
    assert (report.new, report.card_seconds, report.exit_code) == (1, 3600, 1)
    assert [line for line, _ in report.refused] == [2, 3]
    assert report.no_cards == {"parts": 1}
    assert all("部分卡" in why for _, why in report.refused)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("cpu=8,gres/gpu=2", True), ("gres/gpu:a100=1", True), ("gpu:a100:2(IDX:0-1)", True), ("gpu:2", True),
        ("gres:gpu:2", True), ("gres/shard=4", True), ("gres/ascend=8", True), ("gpu:0", False), ("gres/gpu=0", False),
        ("billing=8,cpu=8,mem=64G,node=1", False), ("gres/nvme=1", False), ("", False),
    ],
)  # fmt: skip
def test_what_asks_for_cards(text: str, asks: bool) -> None:
    assert asks_for_cards(text, CardNames([Card(1, A100, "NVIDIA")])) is asks


@given(st.integers(0, 64), st.sampled_from(["ascend", "ppu", "iluvatar:bi150", "gpus"]))
def test_an_unknown_gres_is_never_lost(count: int, name: str) -> None:
    tres = f"cpu=1,gres/{name}={count}"
    assert other_gres(tres) == ({name: count} if count else {})
    card = Card(1, A100, "NVIDIA")
    here = CardNames([card], {"a100": [card]}, {name: [card]})
    assert sum(allocated_cards(tres, "a100", here).values()) == count
