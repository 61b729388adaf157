"""Signed batches: what is taken, what is refused, and that nothing is ever lost or counted twice."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.imports.raw_lines import load_raw_line
from huisuan.compute.metering.ledger.append import batch_header
from huisuan.compute.metering.ledger.chain import START, next_chain_value
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import (
    Accelerator,
    JobEvent,
    JobState,
    MeterBatch,
    MeterFlag,
    PlacementDecision,
    SourceFile,
    UsageRecord,
)
from huisuan.protocol.agent import BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import batch_digest
from support.examples import examples
from support.metering import HOUR, NOW, T0, Agent, agent, leased, said
from support.usage_records import A800, H20, records

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Agent:
    """An agent whose centre holds job J1 under its first lease, with eight A800."""
    made = agent()
    leased(made.centre)
    return made


def kinds() -> list[str]:
    return sorted(MeterFlag.objects.values_list("kind", flat=True))


def test_a_line_becomes_a_record_that_goes_back_to_the_very_line(site: Agent) -> None:
    line = said()
    answer = site.report(line)
    assert (answer.refused, answer.flagged) == ("", {})
    record = UsageRecord.objects.get()
    assert (record.job_id, record.run, record.cards, record.card_seconds, record.state) == (
        "J1", 0, 8, 8 * 3600, "RUNNING",
    )  # fmt: skip
    assert (record.started_at, record.ended_at, record.party.name, record.accelerator.model) == (
        T0, T0 + HOUR, "公司1", A800,
    )  # fmt: skip
    assert (record.user, record.partition, record.requested_cards, record.cluster) == ("张三", "gpu", 8, "c1")
    assert load_raw_line(record.source_file_id, record.source_line).decode() == line
    assert record.raw_sha256 == hashlib.sha256(line.encode()).hexdigest()
    assert record.source_file.collector == "huisuan-agent/0.1.0"


def test_the_receipt_is_the_platforms_signature_over_a_chain_that_anyone_can_compute(site: Agent) -> None:
    first, second = site.report(said()), site.report(said(started=T0 + HOUR))
    one, two = MeterBatch.objects.order_by("number")
    assert (one.first, one.last, two.first, two.last) == (1, 1, 2, 2)
    assert (one.previous, two.previous) == (START, one.chain)
    assert [first.chain, second.chain] == [one.chain, two.chain]
    assert two.chain == next_chain_value(one.chain, batch_header(two, "c1"))
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(platform_key.public()))
    key.verify(bytes.fromhex(second.receipt), bytes.fromhex(second.chain))


def test_the_same_batch_again_is_answered_with_the_same_receipt_and_counted_once(site: Agent) -> None:
    good, bad = said(), said(uid="nobody")
    batch = site.batch(good, bad)
    (first,), (again,) = site.send(batch), site.send(batch)
    assert first == again
    assert list(first.flagged) == [1]
    assert (UsageRecord.objects.count(), MeterBatch.objects.count(), MeterFlag.objects.count()) == (1, 1, 1)


def test_a_batch_twice_in_one_call_is_counted_once(site: Agent) -> None:
    batch = site.batch(said())
    first, second = site.send(batch, batch)
    assert first == second
    assert UsageRecord.objects.count() == 1


def test_several_batches_of_a_call_are_chained_in_order(site: Agent) -> None:
    batches = [site.batch(said(started=T0 + hour * HOUR), said(started=T0 + (hour + 1) * HOUR)) for hour in (0, 2, 4)]
    answers = site.send(*batches)
    assert [answer.number for answer in answers] == [1, 2, 3]
    assert [(each.first, each.last) for each in MeterBatch.objects.all()] == [(1, 2), (3, 4), (5, 6)]
    site.key.refresh_from_db()
    assert (site.key.last_batch, site.key.chain) == (3, site.previous)


def test_a_missing_batch_is_noticed_and_what_follows_is_not_stored(site: Agent) -> None:
    site.report(said())
    site.batch(said(started=T0 + HOUR))  # lost on its way
    third, fourth = site.batch(said(started=T0 + 2 * HOUR)), site.batch(said(started=T0 + 3 * HOUR))
    answers = site.send(third, fourth)
    assert ["不接在" in answers[0].refused, "没有收下" in answers[1].refused] == [True, True]
    assert (UsageRecord.objects.count(), kinds()) == (1, ["order"])


def test_batches_out_of_order_are_refused(site: Agent) -> None:
    first, second = site.batch(said()), site.batch(said(started=T0 + HOUR))
    answers = site.send(second, first)
    assert all(answer.refused for answer in answers)
    assert (UsageRecord.objects.count(), kinds()) == (0, ["order"])
    assert not any(answer.refused for answer in site.send(first, second))


def test_another_content_under_a_number_that_was_taken_is_refused(site: Agent) -> None:
    site.report(said())
    site.number, site.previous = 0, START
    answer = site.report(said(hours=2))
    assert "内容与这次的不同" in answer.refused
    assert (UsageRecord.objects.get().card_seconds, kinds()) == (8 * 3600, ["order"])


def test_a_forged_signature_is_refused(site: Agent) -> None:
    digest = batch_digest(site.name, 1, START, [said()])
    forged = Ed25519PrivateKey.generate().sign(digest).hex()
    (answer,) = site.send(SignedBatch(number=1, previous=START, lines=[said()], signature=forged))
    assert "签名" in answer.refused
    assert (UsageRecord.objects.count(), SourceFile.objects.count(), kinds()) == (0, 0, ["signature"])


def test_a_line_changed_under_a_good_signature_is_refused(site: Agent) -> None:
    batch = site.batch(said())
    (answer,) = site.send(batch.model_copy(update={"lines": [said(hours=2)]}))
    assert "签名" in answer.refused
    assert UsageRecord.objects.count() == 0


def test_a_revoked_key_is_believed_no_more(site: Agent) -> None:
    site.key.revoked_at = NOW
    site.key.save()
    assert "吊销" in site.report(said()).refused
    assert UsageRecord.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"uid": "J9"}, "no_lease", "平台没有作业 J9"),
        ({"lease": 2}, "no_lease", "没有第 2 次调度"),
        ({"run": 1}, "no_lease", "第 0 次运行"),
        ({"cards": 4}, "other_cards", "平台分配 8 卡"),
        ({"local_card": "h20"}, "other_cards", f"不是分配的 {A800}"),
        ({"started_at": T0 - HOUR}, "clock", "校准中心的时钟"),
        ({"ended_at": NOW + HOUR}, "clock", "校准中心的时钟"),
        ({"started_at": T0 + timedelta(milliseconds=1)}, "form", "整秒"),
        ({"ended_at": T0 - timedelta(seconds=1)}, "form", "矛盾"),
        ({"suspended_seconds": 3601}, "form", "矛盾"),
    ],
)
def test_a_doubtful_line_is_flagged_and_kept_instead_of_metered(
    site: Agent, fields: dict, kind: str, says: str
) -> None:
    line = said(**fields)
    answer = site.report(line, said(started=T0 + 2 * HOUR))
    assert says in answer.flagged[0]
    assert UsageRecord.objects.count() == 1  # the line beside it
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.line, flag.sequence) == (kind, line, None)
    assert MeterBatch.objects.get().source_file.line_count == 2


def test_what_is_no_usage_line_is_flagged_with_the_place_that_is_wrong(site: Agent) -> None:
    answer = site.report("nonsense", '{"uid":"J1"}', said())
    assert sorted(answer.flagged) == [0, 1]
    assert ("格式不对" in answer.flagged[0], "run" in answer.flagged[1], kinds()) == (True, True, ["form", "form"])
    assert UsageRecord.objects.count() == 1


def test_a_job_that_was_only_ever_placed_elsewhere_has_no_lease_here(site: Agent) -> None:
    other = agent("c2", name="other-agent-0001")
    assert "从未调度到智算中心 c2" in other.report(said()).flagged[0]


def test_a_run_under_an_earlier_lease_here_is_metered_after_the_job_moved_on(site: Agent) -> None:
    other = agent("c2", name="other-agent-0001")
    job = site.centre.jobs.get()
    job.centre, job.lease = other.centre, 2
    job.save()
    assert site.report(said()).flagged == {}
    assert UsageRecord.objects.get().centre == site.centre


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_clock_within_the_limit_is_allowed_for_whenever_the_line_was_written(site: Agent, seconds: int) -> None:
    job, off = "J2", timedelta(seconds=seconds)
    leased(site.centre, job, placed=NOW - 2 * HOUR)
    line = said(job, started=NOW - HOUR + off)
    assert site.report(line, skew_ms=seconds * 1000).flagged == {}
    leased(site.centre, "J3", placed=NOW - HOUR)
    assert site.report(said("J3", started=NOW - HOUR + off)).flagged == {}  # written before it was set right


@pytest.mark.parametrize("seconds", [-90 * 86_400, -301, 301, 90 * 86_400])
def test_nothing_is_taken_that_was_sent_by_a_clock_beyond_the_limit_and_all_of_it_when_it_is_right(
    site: Agent, seconds: int
) -> None:
    batch = site.batch(said())
    (answer,) = site.send(batch, skew_ms=seconds * 1000)
    assert ("时钟" in answer.refused, answer.receipt) == (True, "")
    assert (UsageRecord.objects.count(), MeterBatch.objects.count()) == (0, 0)
    (answer,) = site.send(batch)
    assert (answer.refused, UsageRecord.objects.count()) == ("", 1)


def test_the_agents_time_is_kept_beside_the_platforms_and_in_the_chain(site: Agent) -> None:
    answer = site.report(said(), skew_ms=-7_000)
    batch = MeterBatch.objects.get()
    assert (batch.received_at, batch.sent_at) == (NOW, NOW - timedelta(seconds=7))
    header = batch_header(batch, "c1")
    assert (
        answer.chain
        == next_chain_value(START, header)
        != next_chain_value(START, header._replace(sent=header.sent + 1))
    )


@pytest.mark.parametrize("local", ["", "a800", "A800", "gpu", "nvidia_a800-sxm4-80gb", A800])
def test_a_card_may_go_by_any_name_that_can_mean_it(site: Agent, local: str) -> None:
    assert site.report(said(local_card=local)).flagged == {}


def test_a_slice_said_again_in_another_batch_is_counted_once(site: Agent) -> None:
    site.report(said())
    answer = site.report(said())
    assert (answer.flagged, UsageRecord.objects.count()) == ({}, 1)
    batch = MeterBatch.objects.get(agent_number=2)
    assert (batch.first, batch.last) == (2, 1)
    assert SourceFile.objects.count() == 1


def test_a_correction_supersedes_what_was_said_of_the_same_start(site: Agent) -> None:
    site.report(said(), said(started=T0 + HOUR))
    site.report(said(hours=0.5, corrects=True, state="completed"))
    last = UsageRecord.objects.get(sequence=3)
    assert (last.supersedes, last.card_seconds, last.state) == (1, 8 * 1800, "COMPLETED")
    assert [record.sequence for record in records()] == [2, 3]


def test_a_correction_can_be_corrected_and_an_old_word_changes_nothing(site: Agent) -> None:
    first = said()
    site.report(first)
    site.report(said(hours=0.5, corrects=True), said(hours=0.75, corrects=True))
    assert [(each.sequence, each.supersedes) for each in UsageRecord.objects.all()] == [(1, None), (2, 1), (3, 2)]
    assert site.report(first).flagged == {}  # an old batch's line, sent anew
    assert UsageRecord.objects.count() == 3
    site.report(said(corrects=True))  # yet a correction may go back to what was first said
    assert [(each.sequence, each.card_seconds) for each in records()] == [(4, 8 * 3600)]


def test_another_length_for_a_start_that_is_metered_is_doubtful_unless_it_says_that_it_corrects(site: Agent) -> None:
    site.report(said())
    assert "不是更正" in site.report(said(hours=0.5)).flagged[0]
    assert (UsageRecord.objects.count(), kinds()) == (1, ["scheduler"])


def test_time_of_a_job_that_is_metered_already_is_not_metered_under_another_start(site: Agent) -> None:
    site.report(said())
    assert "重叠" in site.report(said(started=T0 + HOUR / 2)).flagged[0]
    assert "重叠" in site.report(said(started=T0 + HOUR - timedelta(seconds=1))).flagged[0]
    assert site.report(said(started=T0 + HOUR)).flagged == {}
    assert UsageRecord.objects.count() == 2


def test_a_correction_frees_the_time_that_another_slice_takes(site: Agent) -> None:
    site.report(said())
    answer = site.report(said(hours=0, corrects=True), said(started=T0 + HOUR / 2), said(hours=0.5, corrects=True))
    assert answer.flagged == {}
    assert [(each.started_at, each.card_seconds) for each in records()] == [
        (T0 + HOUR / 2, 8 * 3600), (T0, 8 * 1800),
    ]  # fmt: skip


def test_a_run_may_begin_in_the_second_in_which_the_one_before_it_ended() -> None:
    site = agent("c1", f"gpu={A800}:1x8:a800")
    job = leased(site.centre)
    decision = PlacementDecision.objects.get(job=job)
    for run in (1, 2):
        fields = {"run": run, "lease": run + 1, "weights": "test", "parts": {}}
        PlacementDecision.objects.create(
            job=job, at=T0 + at(5 * run), centre=site.centre, accelerator=decision.accelerator, **fields
        )
    second = 1 / 3600
    answer = site.report(said(hours=second), said(hours=second, run=1, lease=2), said(hours=0.5, run=2, lease=3))
    assert answer.flagged == {}
    assert [(each.run, each.card_seconds) for each in records()] == [(0, 8), (1, 8), (2, 8 * 1800)]
    late = said(started=T0 + timedelta(seconds=3), hours=second, run=1, lease=2)
    assert "重叠" in site.report(late).flagged[0]


@pytest.mark.parametrize("plan", ["on", "off"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_runs_that_began_in_one_second_the_one_that_goes_on_is_the_one_that_overlaps(
    order: tuple[int, ...], plan: str
) -> None:
    with connection.cursor() as cursor:  # another plan finds equal rows in another order
        cursor.execute(f"SET LOCAL enable_indexscan = {plan}; SET LOCAL enable_bitmapscan = {plan}")
    site = agent("c1", f"gpu={A800}:1x8:a800")
    job = leased(site.centre)
    decision = PlacementDecision.objects.get(job=job)
    for run in (1, 2):
        fields = {"run": run, "lease": run + 1, "weights": "test", "parts": {}}
        PlacementDecision.objects.create(
            job=job, at=T0 + at(5 * run), centre=site.centre, accelerator=decision.accelerator, **fields
        )
    hours = {0: 1 / 3600, 1: 1 / 3600, 2: 0.5}
    for run in order:  # written in another order, the rows lie in another order
        site.report(said(hours=hours[run], run=run, lease=run + 1))
    before = sum(each.card_seconds for each in records())
    late = said(started=T0 + timedelta(seconds=3), hours=1 / 3600, run=1, lease=2)
    assert "重叠" in site.report(late).flagged[0]
    assert sum(each.card_seconds for each in records()) == before


def test_more_cards_at_once_than_the_centre_has_are_metered_and_flagged() -> None:
    site = agent("c1", f"gpu={A800}:1x8:a800", f"mix={H20}:1x8")
    for number in range(3):
        leased(site.centre, f"J{number}")
    answer = site.report(*[said(f"J{number}") for number in range(3)])
    assert (answer.flagged, UsageRecord.objects.count()) == ({}, 3)
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.line, flag.key) == ("over_capacity", "", f"{A800} 2024-03-01")
    assert "同时使用 24 卡，中心登记 8 卡" in flag.text
    assert flag.sequence in (1, 2, 3)


def test_cards_handed_on_at_the_very_second_are_not_too_many() -> None:
    site = agent("c1", f"gpu={A800}:1x8:a800")
    for number in range(3):
        leased(site.centre, f"J{number}")
        site.report(said(f"J{number}", T0 + number * HOUR))
    leased(site.centre, "J8")
    site.report(said("J8", T0 + 3 * HOUR - timedelta(seconds=1)))  # the one before ended within that second
    assert kinds() == []
    leased(site.centre, "J9")
    site.report(said("J9", T0 + HOUR / 2))  # met by a record of an earlier batch
    assert kinds() == ["over_capacity"]


def test_what_a_correction_took_back_is_in_use_no_more() -> None:
    site = agent("c1", f"gpu={A800}:1x8:a800")
    leased(site.centre, "J0")
    leased(site.centre, "J1")
    site.report(said("J0"))
    site.report(said("J0", hours=0, corrects=True), said("J1"))
    assert kinds() == []


# --- an agent that chooses its own time


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def clocks(answer: BatchAnswer) -> set[int]:
    """Places of the lines that were flagged for their time."""
    flagged = set(MeterFlag.objects.filter(kind="clock").values_list("text", flat=True))
    return {place for place, text in answer.flagged.items() if text in flagged}


@pytest.mark.parametrize(
    "skew",
    [-90 * 86_400, -300, 0, 300],
)
def test_a_job_placed_eight_seconds_ago_is_metered_for_no_more_than_that_whatever_its_agent_says_of_time(
    site: Agent, skew: int
) -> None:
    leased(site.centre, "J2", cards=20, placed=NOW - at(8))
    for length in (244, 60, 11):
        for shift in (-90 * 86_400, -300, -length, 0, 250):
            line = said("J2", NOW - at(8) + at(shift), length / 3600, cards=20, slice=length)
            site.send(site.batch(line), skew_ms=skew * 1000)
            if skew == -90 * 86_400:  # refused whole
                site.number, site.previous = 0, START
    assert not UsageRecord.objects.filter(job_id="J2").exists()
    site.report(said("J2", NOW - at(8), 8 / 3600, cards=20))
    assert [each.card_seconds for each in records() if each.job_id == "J2"] == [160]


def test_slices_that_pass_one_by_one_are_not_together_longer_than_the_run_can_have_been(site: Agent) -> None:
    leased(site.centre, "J2", placed=NOW - at(100))
    pieces = [said("J2", NOW + at(start), 50 / 3600, slice=number) for number, start in enumerate((-300, -200, 200))]
    flagged = clocks(site.report(*pieces, said("J2", NOW - at(90), 90 / 3600, slice=3)))
    spans = [(each.started_at, each.ended_at) for each in records() if each.job_id == "J2"]
    assert flagged
    assert max(end for _, end in spans) - min(start for start, _ in spans) <= at(102)


def test_a_run_is_not_stretched_by_a_skew_that_changes_from_batch_to_batch(site: Agent) -> None:
    leased(site.centre, "J2", placed=NOW - at(1000))
    for step in range(21):
        skew = -300 + 30 * step
        started = NOW + at(-1000 + 60 * step + skew)
        site.report(said("J2", started, 60 / 3600, slice=step), skew_ms=skew * 1000, now=NOW)
    spans = [(each.started_at, each.ended_at) for each in records() if each.job_id == "J2"]
    assert max(end for _, end in spans) - min(start for start, _ in spans) <= at(1002)


def test_a_correction_cannot_stretch_a_run_either_and_one_that_shrinks_it_makes_room(site: Agent) -> None:
    leased(site.centre, "J2", placed=NOW - at(100))
    site.report(said("J2", NOW - at(100), 100 / 3600))
    assert clocks(site.report(said("J2", NOW - at(100), 200 / 3600, corrects=True)))
    answer = site.report(
        said("J2", NOW - at(100), 10 / 3600, corrects=True), said("J2", NOW - at(50), 40 / 3600, slice=1)
    )
    assert answer.flagged == {}


def test_a_run_that_the_platform_heard_end_is_not_metered_beyond_that(site: Agent) -> None:
    job = leased(site.centre, "J2", placed=NOW - 10 * HOUR)
    JobEvent.objects.create(
        job=job, at=NOW - 9 * HOUR, run=0, lease=1, state=JobState.DONE, centre=site.centre, text=""
    )
    assert clocks(site.report(said("J2", NOW - 9 * HOUR)))
    assert site.report(said("J2", NOW - 10 * HOUR)).flagged == {}
    assert [each.card_seconds for each in records() if each.job_id == "J2"] == [8 * 3600]


def test_a_run_ends_where_its_job_is_placed_again(site: Agent) -> None:
    other = agent("c2", name="other-agent-0001")
    job = leased(site.centre, "J2", placed=NOW - 10 * HOUR)
    fields = {"run": 1, "lease": 2, "weights": "test", "parts": {}}
    card = Accelerator.objects.get(model=A800)
    PlacementDecision.objects.create(job=job, at=NOW - 9 * HOUR, centre=other.centre, accelerator=card, **fields)
    assert clocks(site.report(said("J2", NOW - 9 * HOUR, hours=2)))
    second = other.report(said("J2", NOW - 9 * HOUR, hours=2, run=1, lease=2))
    assert second.flagged == {}
    assert clocks(other.report(said("J2", NOW - 10 * HOUR, run=1, lease=2)))


def test_a_slice_in_a_sealed_month_is_bounded_by_its_lease_as_any_other(site: Agent) -> None:
    site.report(said())
    seal_month("c1", Month(2024, 3), by="test", now=NOW)
    leased(site.centre, "J2", placed=NOW - at(60))
    assert clocks(site.report(said("J2", T0 + HOUR)))
    leased(site.centre, "J3", placed=T0)
    assert site.report(said("J3", T0 + HOUR)).flagged == {}  # it ran then, and comes late


def test_a_long_run_under_a_clock_that_nobody_corrects_is_metered_to_its_end(site: Agent) -> None:
    """A day gains at most some seconds by an oscillator: no step, so nothing is doubted."""
    leased(site.centre, "J2", placed=NOW - 30 * 24 * HOUR)
    first, gained = NOW - 30 * 24 * HOUR, at(120)
    hours = [said("J2", first + hour * HOUR, slice=hour) for hour in range(720)]
    answer = site.report(*hours, said("J2", first + 720 * HOUR, 120 / 3600, slice=720, state="completed"))
    assert answer.flagged == {}
    assert clocks(site.report(said("J2", first + 720 * HOUR + gained, 170 / 3600, slice=721)))


@given(st.lists(st.tuples(st.integers(-400, 700), st.integers(0, 400), st.booleans()), max_size=12), st.data())
@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_agent_says_a_run_lies_in_its_time_and_is_no_longer_than_it(
    site: Agent, words: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    """Slices of any begin and length, corrections too, in any batches, under any clock within the limit."""
    with transaction.atomic():
        leased(site.centre, "J2", placed=NOW - at(300))
        lines = [
            said("J2", NOW - at(300) + at(start), length / 3600, corrects=again, slice=number)
            for number, (start, length, again) in enumerate(words)
        ]
        while lines:
            several = data.draw(st.integers(1, len(lines)))
            now = NOW + at(data.draw(st.integers(0, 100)))
            site.report(*lines[:several], skew_ms=data.draw(st.integers(-300, 300)) * 1000, now=now)
            lines = lines[several:]
        kept = [each for each in records() if each.job_id == "J2" and each.ended_at > each.started_at]
        for each in kept:
            assert NOW - at(600) <= each.started_at
            assert each.ended_at <= each.received_at + at(300)
        if kept:
            span = max(each.ended_at for each in kept) - min(each.started_at for each in kept)
            assert span <= max(each.received_at for each in kept) - (NOW - at(300)) + at(2)
            assert sum(each.card_seconds for each in kept) <= 8 * span.total_seconds()
        transaction.set_rollback(True)
    site.number, site.previous = 0, START
    site.key.refresh_from_db()


def test_slices_whose_length_a_correction_took_do_not_hide_how_long_a_run_has_been(site: Agent) -> None:
    """Zero slices at both edges, then real ones between them, each in a call of its own."""
    placed = NOW - at(1000)
    leased(site.centre, "J2", placed=placed)
    edges = [placed - at(300 - step) for step in range(4)] + [NOW + at(290 + step) for step in range(4)]
    for edge in edges:
        assert site.report(said("J2", edge, 1 / 3600)).flagged == {}
        assert site.report(said("J2", edge, 0, corrects=True)).flagged == {}
    for step in range(15):
        site.report(said("J2", placed - at(280 - 100 * step), 100 / 3600))
    assert sum(each.card_seconds for each in records() if each.job_id == "J2") <= 8 * 1002


def test_empty_slices_do_not_hide_one_that_holds_the_same_time(site: Agent) -> None:
    placed = NOW - at(1000)
    leased(site.centre, "J2", placed=placed)
    starts = [0, 1, 2, *range(101, 106), 997, 998, 999]
    for step in starts:
        site.report(said("J2", placed + at(step), 1 / 3600))
        site.report(said("J2", placed + at(step), 0, corrects=True))
    assert site.report(said("J2", placed + at(100), 400 / 3600)).flagged == {}
    assert site.report(said("J2", placed + at(106), 390 / 3600)).flagged != {}
    assert sum(each.card_seconds for each in records() if each.job_id == "J2") == 8 * 400
