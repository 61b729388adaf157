"""Placement against the database: what is free is what the schedulers show, and what was decided is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.dispatch import scheduling_cycle as dispatch
from huisuan.compute.dispatch.fair_share_commands import app
from huisuan.compute.dispatch.net_price import PartySubsidy, Subsidies
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.dispatch.snapshot import tenants
from huisuan.compute.engines.interface import ABILITIES
from huisuan.compute.jobs import preview
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.models import (
    Accelerator,
    Centre,
    CentreNode,
    CityQuota,
    Job,
    JobEvent,
    JobState,
    PlacementDecision,
    SiteAgent,
    TenantShare,
)
from huisuan.compute.placement.scoring import PriceTerms, net_fen
from huisuan.compute.placement.weights import weights_on
from huisuan.parties.models import Party
from support.jobs import NOON, PROVINCE, Voice, asked, party, user
from support.relations import relate

pytestmark = pytest.mark.django_db
A100, H20, NPU = "A100-SXM4-80GB", "H20", "Ascend-910B3"
AFTER_THE_POLICY = datetime(2026, 6, 3, 4, 0, tzinfo=UTC)


def centre(code: str, *partitions: str, city: str = "340100", operator: int = 99, fen: int | None = 1000) -> Centre:
    """A Slurm centre whose agent called just now; every model at that price since 2024."""
    made = add_centre(
        code,
        CentrePlan(
            name=f"中心 {code}", operator=party(operator, "centre_operator").uscc, region=city, engine="slurm",
            partitions=partitions,
        ),
    )  # fmt: skip
    for partition in made.partitions.select_related("accelerator"):
        if fen is not None:
            set_tariff(code, partition.accelerator.model, str(fen), date(2024, 1, 1))
    voice = Voice(made, f"agent-{code:0>12}")
    voice.capabilities = {name: {"able": True, "why": ""} for name in ABILITIES}
    voice.says(engine="slurm")
    return made


def sent(number: int = 1, who: int = 1, **rest: object) -> Job:
    """A job of that party, submitted at noon."""
    return submit_job(asked("train", **rest), user(who), NOON, number.to_bytes(10))


def where(job: Job) -> tuple[str, str | None]:
    """State and centre of a job as it is stored."""
    job.refresh_from_db()
    return job.state, job.centre.code if job.centre else None


def see(
    made: Centre, name: str, used: int, *, cards: int = 8, model: str = A100, state: str = "up", at: datetime = NOON
) -> None:
    """A node as its scheduler shows it."""
    CentreNode.objects.create(
        centre=made, name=name, partition="gpu", local_card="x", accelerator=Accelerator.objects.get(model=model),
        cards=cards, used=used, state=state, seen_at=at,
    )  # fmt: skip


# --- what is free


def test_without_a_sight_of_the_nodes_the_nameplate_less_what_the_platform_sent_is_free() -> None:
    centre("a", f"gpu={A100}:2x8")
    sent(cards=8)
    (pool,) = pools(NOON)
    assert (pool.bins[8], pool.bins[0], pool.cards) == (1, 1, 16)


def test_what_the_schedulers_show_counts_with_the_work_of_others_there() -> None:
    made = centre("a", f"gpu={A100}:3x8")
    see(made, "n1", 8)
    see(made, "n2", 3)
    see(made, "n3", 0, state="drained")
    (pool,) = pools(NOON)
    assert [(free, nodes) for free, nodes in enumerate(pool.bins) if nodes] == [(0, 1), (5, 1)]
    assert pool.cards == 24


def test_a_running_job_is_in_the_schedulers_figures_and_not_taken_off_twice() -> None:
    made = centre("a", f"gpu={A100}:2x8")
    job = sent(cards=8)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, started_at=NOON, running_since=NOON)
    see(made, "n1", 8)
    see(made, "n2", 0)
    (pool,) = pools(NOON)
    assert pool.free == 8


def test_a_job_that_began_after_the_nodes_were_seen_is_taken_off() -> None:
    made = centre("a", f"gpu={A100}:2x8")
    job = sent(cards=8)
    see(made, "n1", 0)
    see(made, "n2", 0)
    since = NOON + timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, started_at=NOON, running_since=since)
    (pool,) = pools(NOON + timedelta(seconds=2))
    assert pool.free == 8
    SiteAgent.objects.filter(centre=made).update(nodes_at=since)  # looked at again, and the same: all is in them
    (pool,) = pools(NOON + timedelta(seconds=2))
    assert pool.free == 16


def test_a_job_on_its_way_is_taken_off_what_the_scheduler_does_not_know_yet() -> None:
    made = centre("a", f"gpu={A100}:2x8")
    sent(cards=8)
    see(made, "n1", 0)
    see(made, "n2", 0)
    (pool,) = pools(NOON)
    assert pool.free == 8


def test_an_old_sight_says_nothing_and_no_more_is_used_than_the_centre_offers() -> None:
    made = centre("a", f"gpu={A100}:1x4")
    see(made, "n1", 0)
    see(made, "n2", 0)
    assert [(pool.cards, pool.free) for pool in pools(NOON)] == [(4, 4)]
    CentreNode.objects.update(seen_at=NOON - timedelta(hours=1), used=8)
    assert [(pool.cards, pool.free) for pool in pools(NOON)] == [(4, 4)]


# --- what is decided


def test_a_decision_keeps_its_parts_its_reasons_and_who_came_next() -> None:
    centre("cheap", f"gpu={A100}:1x8", fen=900)
    centre("dear", f"gpu={A100}:1x8", fen=2900)
    job = sent(cards=2)
    assert where(job) == ("placed", "cheap")
    decision = PlacementDecision.objects.get(job=job)
    assert (decision.lease, decision.run, decision.centre.code) == (1, 0, "cheap")
    assert decision.weights == weights_on(date(2024, 6, 3)).name
    assert [each["centre"] for each in decision.runners_up] == ["dear"]
    assert sum(decision.parts.values()) < sum(decision.runners_up[0]["parts"].values())
    assert JobEvent.objects.filter(job=job, state="placed", centre__code="cheap", lease=1).count() == 1
    assert job.fen_per_card_hour == 900


def test_work_waits_at_the_province_until_a_centre_has_room_and_says_why() -> None:
    centre("a", f"gpu={A100}:1x8")
    first, second = sent(1, cards=8), sent(2, cards=8)
    assert [where(first)[0], where(second)[0]] == ["placed", "waiting"]
    assert second.reasons
    Job.objects.filter(pk=first.pk).update(state=JobState.DONE, ended_at=NOON)
    assert place_waiting(NOON) == 1
    assert where(second) == ("placed", "a")


def test_a_gang_goes_where_its_nodes_are_and_never_to_fewer() -> None:
    centre("flat", f"gpu={A100}:1x8")
    centre("wide", f"gpu={A100}:4x8", fen=2000)
    assert where(sent(cards=16, nodes=2)) == ("placed", "wide")


def test_a_job_that_was_cancelled_while_it_waited_is_not_placed() -> None:
    centre("a", f"gpu={A100}:1x8")
    first, second = sent(1, cards=8), sent(2, cards=8)
    cancel_job(second.uid, user(), NOON)
    Job.objects.filter(pk=first.pk).update(state=JobState.DONE, ended_at=NOON)
    assert place_waiting(NOON) == 0
    assert where(second) == ("cancelled", None)


def test_nobody_can_ever_run_it_is_said_at_once_pool_by_pool() -> None:
    centre("a", f"gpu={A100}:1x8")
    with pytest.raises(Refused, match="等待也无用"):
        sent(cards=9)
    with pytest.raises(Refused, match="每卡时"):
        sent(cards=1, price_ceiling_fen=1)
    assert not Job.objects.exists()


def test_residency_is_kept_even_where_elsewhere_is_free() -> None:
    centre("hf", f"gpu={A100}:1x8")
    centre("wh", f"gpu={A100}:1x8", city="340200", fen=1)
    assert where(sent(1, cards=8, city="340100")) == ("placed", "hf")
    assert where(sent(2, cards=8, city="340100"))[0] == "waiting"


def test_a_card_that_does_the_work_goes_before_one_that_does_far_more() -> None:
    centre("big", "gpu=H100-SXM5-80GB:1x8")
    centre("small", "gpu=T4:1x8")
    assert where(sent(cards=1))[1] == "small"


def test_while_one_pass_is_made_nobody_makes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_cooldown_until", float("inf"))
    centre("a", f"gpu={A100}:1x8")
    assert where(sent(cards=1))[0] == "waiting"
    monkeypatch.setattr(dispatch, "_cooldown_until", 0.0)
    assert place_waiting(NOON) == 1


# --- quotas and shares


def test_a_party_holds_no_more_cards_at_once_than_its_quota() -> None:
    centre("a", f"gpu={A100}:2x8")
    TenantShare.objects.create(party=party(1), most_cards=8, set_by="t", set_at=NOON)
    first, second = sent(1, cards=8), sent(2, cards=1)
    other = sent(3, who=2, cards=8)
    assert [where(each)[0] for each in (first, second, other)] == ["placed", "waiting", "placed"]
    assert any("上限" in reason for reason in second.reasons)


def test_the_parties_of_a_city_share_its_quota() -> None:
    centre("a", f"gpu={A100}:4x8")
    CityQuota.objects.create(region_id="340100", most_cards=8, set_by="t", set_at=NOON)
    assert [where(sent(1, who=1, cards=8))[0], where(sent(2, who=2, cards=8))[0]] == ["placed", "waiting"]


def test_share_set_and_list_speak_json_and_refuse_what_is_no_party() -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["set", party(1).uscc, "--weight", "300", "--most-cards", "16", "--json"])
    assert done.exit_code == 0, done.output
    assert '"weight": 300' in done.output
    assert isinstance(runner.invoke(app, ["set", "nobody", "--weight", "1"]).exception, Refused)
    assert isinstance(runner.invoke(app, ["set", "340100", "--weight", "1"]).exception, Refused)
    assert runner.invoke(app, ["set", party(1).uscc, "--weight", "0"]).exit_code == 2
    assert runner.invoke(app, ["set", "340100", "--most-cards", "64"]).exit_code == 0
    assert runner.invoke(app, ["set", "340100", "--most-cards", "0"]).exit_code == 0
    assert not CityQuota.objects.exists()


# --- what comes back


def comes_back(day: date, whose: Party) -> PartySubsidy:
    return Subsidies(day).of([whose])[whose.uscc]


def test_what_comes_back_is_what_the_rule_of_the_law_pays() -> None:
    day = date(2024, 6, 3)
    assert comes_back(day, party(1)).elsewhere.share == Fraction(1, 5)
    assert comes_back(day, party(99, "centre_operator")).elsewhere.share == 0


def test_where_a_city_pays_too_more_comes_back() -> None:
    centre("a", f"gpu={A100}:1x8", fen=1000)
    centre("wuhu", f"gpu={A100}:1x8", fen=1000, city="340200")
    back = comes_back(date(2025, 6, 3), party(1))
    assert (back.elsewhere.share, back.share_at("a"), back.share_at("wuhu")) == (
        Fraction(1, 5), Fraction(1, 5), Fraction(9, 20),
    )  # fmt: skip
    (tenant,) = tenants([party(1)], datetime(2025, 6, 3, 4, tzinfo=UTC), weights_on(date(2025, 6, 3)))
    assert tenant.subsidy_at == (("wuhu", Fraction(9, 20)),)
    terms = PriceTerms.before(tenant, weights_on(date(2025, 6, 3)))
    assert {pool.centre: net_fen(pool, terms, 3600) for pool in pools(NOON)} == {"a": 800, "wuhu": 550}


def test_after_the_policy_nothing_comes_back_and_it_is_said() -> None:
    told = comes_back(AFTER_THE_POLICY.date(), party(1)).elsewhere
    assert (told.share, told.status) == (0, "not_in_force")
    assert "2025-12-31" in told.why


def test_at_its_own_centre_nothing_comes_back_so_it_counts_as_dearer() -> None:
    centre("own", f"gpu={A100}:1x8", operator=98, fen=1000)
    centre("other", f"gpu={A100}:1x8", operator=97, fen=1100)
    relate(party(1), Party.objects.get(uscc=party(98, "centre_operator").uscc))
    (tenant,) = tenants([party(1)], NOON, weights_on(NOON.date()))
    assert tenant.no_subsidy_at == frozenset({"own"})
    told = preview.preview(asked("x", cards=1), user(), NOON)
    by_centre = {each.centre: each for each in told.now}
    assert (by_centre["own"].subsidy_fen, by_centre["other"].subsidy_fen) == (0, 220)
    assert [each.centre for each in told.now] == ["other", "own"]  # 880 fen net against 1,000


# --- told before and after


def test_a_preview_tells_where_when_at_what_price_and_submits_nothing() -> None:
    centre("a", f"gpu={A100}:1x8", fen=1280)
    told = preview.preview(asked("x", cards=3, time_limit_seconds=5000), user(), NOON)
    (option,) = told.now
    assert (option.centre, option.model, option.starts_in_seconds) == ("a", A100, 0)
    assert option.cost_fen == -(-1280 * 3 * 5000 // 3600)  # at most: rounded up
    assert option.subsidy_fen == 1280 * 3 * 5000 // 3600 // 5
    assert (told.subsidy.share, told.subsidy.sentence) == ("1/5", "2.2")
    assert not Job.objects.exists()


def test_why_tells_the_decision_and_while_a_job_waits_what_every_pool_says() -> None:
    centre("a", f"gpu={A100}:1x8")
    first, second = sent(1, cards=8), sent(2, cards=8)
    told = preview.why(first.uid, user(), NOON)
    assert [(each.centre, each.lease) for each in told.decisions] == [("a", 1)]
    assert told.waiting is None
    waits = preview.why(second.uid, PROVINCE, NOON).waiting
    assert waits is not None
    assert [each.starts_in_seconds for each in waits.later] == [3600]  # when the first one's time is over at the latest


def test_another_partys_job_is_nobody_elses_to_ask_about() -> None:
    centre("a", f"gpu={A100}:1x8")
    job = sent(cards=1)
    with pytest.raises(Job.DoesNotExist):
        preview.why(job.uid, user(2), NOON)
