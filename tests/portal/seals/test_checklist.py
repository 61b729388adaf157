"""Before a month is sealed a page says what is open, unclaimed, missing or still running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from huisuan.base.errors import Unavailable
from huisuan.base.months import Month
from huisuan.compute.centre_desk.seal_checklist import seal_checklist
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import open_flags, raise_flags
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.seals.seal_month import open_flags_in, seal_month
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.models import AgentKey, CapacitySighting, Centre, Job, Seal, SealRequest, UsageDay, UsageTally
from support.jobs import Voice
from support.portal import CARD, HEADER, NOW, World, line

pytestmark = pytest.mark.django_db
ADDRESS = "/seals/hf/checklist"


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def hf(world: World) -> Centre:
    return Centre.objects.get(code="hf")


def page(world: World, who: str = "province", language: str = "zh-hans", **query: str) -> str:
    answer = world.browser(who, language).get(ADDRESS, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_is_of_the_next_month_through_the_last_and_sums_what_they_hold(world: World, hf: Centre) -> None:
    found = seal_checklist(hf, None, NOW)
    assert (str(found.first), str(found.last)) == ("2024-01", "2024-08")
    of_may = next(each for each in found.months if str(each.month) == "2024-05")
    (summed,) = summarise_usage(["month"], UsageFilter(centre="hf", month="2024-05"))
    (nobodys,) = summarise_usage(["month"], UsageFilter(centre="hf", month="2024-05", unclaimed=True))
    assert (of_may.card_seconds, of_may.unclaimed_card_seconds) == (summed["card_seconds"], nobodys["card_seconds"])
    assert nobodys["card_seconds"] == 5 * 2 * 3600
    assert len(of_may.empty_days) == 31 - 3  # the second, the third and the fifth have use
    seal_month("hf", Month(2024, 1), by="省专班", now=NOW, despite="历史记录")
    assert str(seal_checklist(hf, Month(2024, 2), NOW).first) == "2024-02"


def test_open_flags_hold_the_seal_and_those_of_later_months_do_not(world: World, hf: Centre) -> None:
    august = world.alpha.usage.get(job_id="201").sequence
    raise_flags(hf, [Anomaly(FlagKind.OVER_CAPACITY, "later", "晚", sequence=august)], NOW)
    every = len(open_flags(hf))
    assert seal_checklist(hf, None, NOW).open_flags == every
    march = seal_checklist(hf, Month(2024, 3), NOW)
    later = [each for each in open_flags(hf) if each not in open_flags_in(hf, Month(2024, 3))]
    assert "later" in {each.key for each in later}
    assert march.open_flags == every - len(later) > 0
    shown = page(world, through="2024-03")
    assert 'name="despite"' in shown
    assert "kind=over_capacity" in shown


def test_a_silent_agent_days_unheard_running_jobs_and_missing_files_are_told(world: World, hf: Centre) -> None:
    assert seal_checklist(hf, None, NOW).silent_since is None  # it never had an agent
    voice = Voice(hf)
    voice.says(timezone.now())
    AgentKey.objects.filter(centre=hf).update(enrolled_at=datetime(2024, 6, 29, 20, tzinfo=UTC))
    CapacitySighting.objects.filter(centre=hf).delete()
    CapacitySighting.objects.create(
        centre=hf, day="2024-07-02", accelerator=hf.partitions.get(name="gpu").accelerator, most=32, least_up=32
    )
    hf.agent.__class__.objects.filter(centre=hf).update(last_seen_at=datetime(2024, 7, 2, tzinfo=UTC))
    job = world.jobs["alpha"]
    began = datetime(2024, 7, 1, tzinfo=UTC)
    Job.objects.filter(pk=job.pk).update(state="running", centre=hf, started_at=began, lease=1,
                                         accelerator=hf.partitions.get(name="gpu").accelerator)  # fmt: skip
    found = seal_checklist(hf, Month(2024, 7), NOW)
    assert found.silent_since == datetime(2024, 7, 2, tzinfo=UTC)
    assert [f"{day}" for day in found.unheard_days[:3]] == ["2024-06-30", "2024-07-01", "2024-07-03"]
    assert (found.running, found.files_missing) == (1, False)  # the file came in 2025
    shown = page(world, through="2024-07")
    assert "自 2024-07-02 08:00:00 起没有回音" in shown
    assert "2024-06-30 2024-07-01" in shown
    english = page(world, language="en", through="2024-07")
    assert "Silent since 2024-07-02" in english


def test_a_month_after_whose_end_no_file_was_imported_is_told(world: World) -> None:
    plan = CentrePlan(name="只报文件", operator=world.alpha.uscc, region="340100", partitions=(f"gpu={CARD}:1x8:a800",))
    centre, imported_at = add_centre("files", plan), datetime(2024, 6, 20, tzinfo=UTC)
    content = "\n".join([HEADER, line(990, "alpha", "2024-06-10T00:00:00", 1, 1), ""]).encode()
    import_usage("files", UsageFile(content, "june.txt", "sacct"), imported_at)
    found = seal_checklist(centre, None, NOW)
    assert (str(found.last), found.last_file, found.files_missing) == ("2024-06", imported_at, True)
    assert not found.is_clear


def test_while_records_are_not_counted_yet_nobody_is_told_that_nothing_waits(
    world: World, hf: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huisuan.compute.centre_desk.seal_checklist.REFRESH_LIMIT", 1)
    UsageDay.objects.filter(centre=hf).delete()
    UsageTally.objects.filter(centre=hf).delete()
    with pytest.raises(Unavailable, match="正在计数"):
        seal_checklist(hf, None, NOW)
    assert "正在计数" in page(world)


def test_the_province_seals_from_the_list_and_a_centre_looks_and_checks(world: World, hf: Centre) -> None:
    shown = page(world, "centre", through="2024-01")
    assert "由省专班封账" in shown
    assert "/seals/hf/seal" not in shown
    browser = world.browser("centre")
    answer = browser.post("/seals/hf/check", follow=True)
    assert "2024-01 核对过了" in answer.content.decode()
    assert browser.post("/seals/hf/seal", {"through": "2024-01"}).status_code == 403
    province = world.browser("province")
    assert 'action="/seals/hf/seal"' in page(world, through="2024-01")
    assert province.post("/seals/hf/seal", {"through": "2024-01"}).status_code == 302
    assert SealRequest.objects.get().last.isoformat() == "2024-01-01"
    assert "正在封账" in page(world)
    assert world.browser("city").post("/seals/hf/check").status_code == 403
    assert world.browser("centre").get("/seals/wh/checklist").status_code == 404


def test_a_month_that_cannot_be_sealed_is_refused_in_words(world: World, hf: Centre) -> None:
    browser = world.browser("province")
    for through, said in (("2199-01", "还没有过完"), ("2024-13", "写法不对"), ("2023-01", "没有要封的月")):
        answer = browser.get(ADDRESS, {"through": through})
        assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Seal.objects.exists()
