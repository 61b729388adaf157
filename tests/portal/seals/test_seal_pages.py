"""Sealed months and what looked wrong: who reads them, what they prove, who may answer."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.verify import verify_document, verify_export
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import answer_flag, raise_flags
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.seals.queries import record_countersignature
from huisuan.compute.metering.seals.register import publish_register, register_file
from huisuan.compute.metering.seals.seal_month import parquet_path, seal_month
from huisuan.compute.models import Centre, MeterFlag, Seal
from huisuan.protocol.agent import SealWord
from huisuan.protocol.batch_chain import seal_digest, statement_sha256
from support.metering import HOUR, T0, Agent, agent, leased, said
from support.portal import HEADER, World, line

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)
WHY = "历史记录，已与中心核对"


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own: seals lie as files beside the database, which every other test shares."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def sealed(world: World) -> list[Seal]:
    """The first three months of the centre hf."""
    return [seal_month("hf", Month(2024, number), by="省专班", now=NOW, despite=WHY) for number in (1, 2, 3)]


def text(world: World, address: str, who: str = "province", language: str = "zh-hans") -> str:
    """A page."""
    answer = world.browser(who, language).get(address)
    assert answer.status_code == 200, (who, address, answer.status_code)
    return answer.content.decode()


def chain(shown: str) -> dict[str, str]:
    """The chain's steps and where they lead; those that lead nowhere are left out."""
    nav = re.search(r'<nav class="chain".*?</nav>', shown, re.S)
    assert nav is not None
    return {label: href for href, label in re.findall(r'<a href="([^"]+)"[^>]*>(\w+)</a>', nav[0])}


# --- the list


def test_the_chain_leads_to_the_seals_for_those_who_read_a_centres_inside(world: World) -> None:
    for who in ("centre", "city", "province", "auditor"):
        assert chain(text(world, reverse("jobs"), who))["封账"] == reverse("seals")
    assert "封账" not in chain(text(world, reverse("jobs"), "alpha"))
    assert world.browser("alpha").get(reverse("seals")).status_code == 403


@pytest.mark.usefixtures("sealed")
def test_the_list_sums_what_is_sealed_and_says_which_months_wait(world: World) -> None:
    answer = world.browser("province").get(reverse("seals"))
    table = answer.context["table"]
    assert table.count == 3
    assert table.sums["records"] == sum(Seal.objects.values_list("records", flat=True)) > 0
    assert [(centre.code, str(first)) for centre, first, *_ in answer.context["due"]] == [
        ("hf", "2024-04"),
        ("wh", "2024-06"),
    ]
    shown = answer.content.decode()
    assert "已封，没有代理可签" in shown
    assert f'href="{reverse("seal-checklist", args=["hf"])}?through=' in shown


@pytest.mark.usefixtures("sealed")
def test_a_centre_and_a_city_see_their_own_seals_only(world: World) -> None:
    seal_month("wh", Month(2024, 6), by="省专班", now=NOW)
    for who in ("centre", "city"):
        shown = text(world, reverse("seals"), who)
        assert reverse("seal", args=["hf", "2024-03"]) in shown
        assert reverse("seal", args=["wh", "2024-06"]) not in shown
        assert world.browser(who).get(reverse("seal", args=["wh", "2024-06"])).status_code == 404
    assert reverse("seal", args=["wh", "2024-06"]) in text(world, reverse("seals"), "auditor")


# --- one month


def test_a_seal_shows_what_was_stated_and_that_it_still_holds(world: World, sealed: list[Seal]) -> None:
    march = sealed[2]
    shown = text(world, reverse("seal", args=["hf", "2024-03"]))
    said = json.loads(march.statement)
    for stated in (march.root, march.signature, march.chain, march.parquet_sha256, said["previous"], WHY):
        assert stated in shown
    assert f"{march.card_seconds:,} 卡秒" in shown
    assert reverse("seal", args=["hf", "2024-02"]) in shown
    assert f"huisuan meter verify hf-2024-03 --platform-key {platform_key.public()}" in shown
    assert shown.count("相符") == 2  # the platform's signature, the file; no agent has signed
    assert "不符" not in shown
    assert "没有站点代理报过记录" in shown


def test_a_sealed_file_that_was_changed_is_said_to_be(world: World, sealed: list[Seal]) -> None:
    path = parquet_path("hf", Month(2024, 3))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    shown = text(world, reverse("seal", args=["hf", "2024-03"]))
    assert "封账文件不符" in shown
    assert sealed[2].parquet_sha256 in shown


def test_a_record_that_came_late_is_told_where_it_was_sealed(world: World) -> None:
    for number in (1, 2):
        seal_month("hf", Month(2024, number), by="省专班", now=NOW, despite=WHY)
    content = "\n".join([HEADER, line(900, "alpha", "2024-01-20T00:00:00", 1, 3), ""]).encode()
    import_usage("hf", UsageFile(content, "late.txt", "sacct"), NOW)
    seal_month("hf", Month(2024, 3), by="省专班", now=NOW, despite=WHY)
    assert "其中 1 条迟到" in text(world, reverse("seal", args=["hf", "2024-03"]))
    late = world.alpha.usage.get(job_id="900")
    assert reverse("seal", args=["hf", "2024-03"]) in text(world, reverse("record", args=["hf", late.sequence]))


@pytest.mark.usefixtures("sealed")
def test_the_export_of_a_month_is_verified_by_who_trusts_nobody(world: World, tmp_path: Path) -> None:
    address = reverse("export-seal", args=["hf", "2024-02"])
    assert world.browser("province").get(address).status_code == 405
    answer = world.browser("auditor").post(address)
    packed = io.BytesIO(b"".join(answer.streaming_content))
    zipfile.ZipFile(packed).extractall(tmp_path)
    verdict = verify_export(tmp_path / "hf-2024-02", platform_key.public())
    assert (verdict.is_consistent, verdict.month, verdict.records > 0) == (True, "2024-02", True)
    assert world.browser("alpha").post(address).status_code == 403
    assert world.browser("province").post(reverse("export-seal", args=["hf", "2024-09"])).status_code == 404


@pytest.mark.parametrize("month", ["2024-13", "nonsense", "2024-04"])
def test_a_month_that_is_none_or_not_sealed_is_not_there(world: World, month: str) -> None:
    assert world.browser("province").get(reverse("seal", args=["hf", month])).status_code == 404


# --- signed by both


def signed_by_its_centre() -> tuple[Agent, Seal]:
    """A centre whose agent reported an hour, sealed, and signed the seal."""
    site = agent("c1")
    leased(site.centre)
    site.report(said())
    made = seal_month("c1", Month(2024, 3), by="省专班", now=NOW, despite=WHY)
    signature = site.private.sign(seal_digest(made.statement)).hex()
    word = SealWord(month="2024-03", statement_sha256=statement_sha256(made.statement), signature=signature)
    record_countersignature(site.centre, site.key, word, NOW)
    return site, made


def test_a_seal_that_both_signed_shows_both_and_each_agents_part(world: World) -> None:
    site, made = signed_by_its_centre()
    shown = text(world, reverse("seal", args=["c1", "2024-03"]))
    assert "双方已签" in shown
    assert shown.count("相符") == 3
    assert site.key.public_key in shown
    assert json.loads(made.statement)["agents"][0]["digest"] in shown
    assert "双方已签" in text(world, reverse("centre", args=["c1"]))


def test_a_refused_seal_says_why_until_it_is_answered(world: World) -> None:
    site = agent("c1")
    leased(site.centre)
    site.report(said())
    made = seal_month("c1", Month(2024, 3), by="省专班", now=NOW, despite=WHY)
    word = SealWord(month="2024-03", statement_sha256=statement_sha256(made.statement), refused="少了两条")
    record_countersignature(site.centre, site.key, word, NOW)
    for address in (reverse("seal", args=["c1", "2024-03"]), reverse("seals"), reverse("centre", args=["c1"])):
        assert "中心不签" in text(world, address)
    assert "少了两条" in text(world, reverse("seal", args=["c1", "2024-03"]))
    flag = MeterFlag.objects.get(centre=site.centre, kind="scheduler")
    world.browser("province").post(reverse("answer-flag", args=[flag.pk]), {"answer": "已补报"})
    assert "已封，待中心签" in text(world, reverse("seals"))


# --- a record's way into the seal


@pytest.mark.usefixtures("sealed")
def test_a_record_shows_its_batch_its_seal_and_a_proof_that_holds(world: World, tmp_path: Path) -> None:
    record = world.alpha.usage.filter(started_at__lt=datetime(2024, 2, 28, tzinfo=UTC)).order_by("sequence")[0]
    shown = text(world, reverse("record", args=["hf", record.sequence]), "auditor")
    assert "第 1 批：第 1 至 64 条" in shown
    proof = reverse("record-proof", args=["hf", record.sequence])
    assert proof in shown
    path = tmp_path / "proof.json"
    path.write_bytes(world.browser("auditor").get(proof).content)
    assert verify_document(path, platform_key.public())[0] == []
    changed = json.loads(path.read_text())
    changed["record"]["cards"] += 1
    path.write_text(json.dumps(changed))
    assert verify_document(path, platform_key.public())[0] != []


@pytest.mark.usefixtures("sealed")
def test_a_record_that_is_not_sealed_says_so_and_has_no_proof(world: World) -> None:
    record = world.alpha.usage.get(job_id="201")  # August
    assert "还没有封账" in text(world, reverse("record", args=["hf", record.sequence]))
    answer = world.browser("province").get(reverse("record-proof", args=["hf", record.sequence]))
    assert (answer.status_code, "还没有封入任何一个月" in answer.content.decode()) == (404, True)


def test_a_user_sees_that_its_record_is_sealed_and_nothing_of_the_centres_inside(
    world: World, sealed: list[Seal]
) -> None:
    record = world.alpha.usage.get(job_id="100")  # January
    own = reverse("record", args=["hf", record.sequence])
    shown = text(world, own, "alpha")
    assert sealed[0].root in shown
    assert chain(shown)["封账"] == f"{own}#seal"
    assert reverse("seal", args=["hf", "2024-01"]) not in shown
    assert world.browser("alpha").get(reverse("record-proof", args=["hf", record.sequence])).status_code == 403
    assert chain(text(world, own, "city"))["封账"] == reverse("seal", args=["hf", "2024-01"])


def test_an_agents_record_names_the_agent_and_its_own_batch(world: World) -> None:
    site = agent("c1")
    leased(site.centre)
    for hour in range(3):
        site.report(said(started=T0 + hour * HOUR))
    shown = text(world, reverse("record", args=["c1", 2]))
    assert "login01 的站点代理，它的第 2 批" in shown
    assert "第 2 批：第 2 至 2 条" in shown


# --- what looked wrong


def test_flags_are_listed_to_those_who_read_the_centre_and_answered_by_the_province_alone(world: World) -> None:
    flag = MeterFlag.objects.filter(centre__code="hf").order_by("pk")[0]
    address, answers = reverse("flag", args=[flag.pk]), reverse("answer-flag", args=[flag.pk])
    for who in ("centre", "city", "province", "auditor"):
        assert address in text(world, reverse("flags"), who)
        assert (answers in text(world, address, who)) == (who == "province")
    for who in ("centre", "city", "auditor", "alpha"):
        assert world.browser(who).post(answers, {"answer": "没事"}).status_code == 403
    assert world.browser("alpha").get(reverse("flags")).status_code == 403
    empty = world.browser("province").post(answers, {"answer": "  "})
    assert (empty.status_code, "答复不能为空" in empty.content.decode()) == (422, True)
    assert (
        "已答复，疑点关闭"
        in world.browser("province").post(answers, {"answer": "扩容未登记"}, follow=True).content.decode()
    )
    flag.refresh_from_db()
    assert (flag.answer, flag.answered_by) == ("扩容未登记", "province")
    shown = text(world, address, "centre")
    assert "扩容未登记" in shown
    again = world.browser("province").post(answers, {"answer": "再说一次"})
    assert "已由 province 答复" in again.content.decode()


def test_a_flag_raised_once_more_shows_what_was_answered_before(world: World) -> None:
    place = Centre.objects.get(code="hf")
    for size in (1, 2):
        raise_flags(place, [Anomaly(FlagKind.OVER_CAPACITY, "again", f"多 {size} 卡", size=size)], NOW)
        flag = MeterFlag.objects.get(key="again", answered_at=None)
        page = text(world, reverse("flag", args=[flag.pk]))
        assert ("扩容未登记" in page) == (size == 2)
        answer_flag(flag.pk, "扩容未登记", "province", NOW)


def test_a_correction_that_waits_is_accepted_or_not_on_the_page_of_its_flag(world: World) -> None:
    for number, accept in ((880001, "yes"), (880002, "")):
        for hours in (3, 1):
            content = f"{HEADER}\n{line(number, 'acc', '2024-11-05T09:00:00', hours, 1)}\n".encode()
            import_usage("hf", UsageFile(content, f"{number} {hours}", "sacct"), NOW)
        flag = MeterFlag.objects.get(kind="correction", answered_at=None)
        address, answers = reverse("flag", args=[flag.pk]), reverse("answer-flag", args=[flag.pk])
        assert "等待答复：记录未改" in text(world, address)
        assert "Accept the correction" in text(world, address, language="en")
        assert "接受更正" not in text(world, address, "centre")
        world.browser("province").post(answers, {"answer": "查过", "accept": accept})
        flag.refresh_from_db()
        applied = flag.correction.applied
        assert (applied is not None) == bool(accept)
        assert (reverse("record", args=["hf", applied]) if applied else "没有接受：记录未改") in text(world, address)


def test_open_flags_stand_on_the_centres_page_and_the_overseers_home(world: World) -> None:
    count = MeterFlag.objects.filter(centre__code="hf", answered_at=None).count()
    assert count > 0
    assert f"{count} 个疑点待答复" in text(world, reverse("home"))
    assert f'href="{reverse("flags")}?centre=hf&amp;state=open">{count}</a>' in text(
        world, reverse("centre", args=["hf"])
    )
    narrowed = world.browser("province").get(reverse("flags"), {"state": "answered"}).context["table"]
    assert narrowed.count == 0


def test_the_line_of_a_refused_report_is_kept_and_never_run(world: World) -> None:
    site = agent("c1")
    site.report(said("nobody", nodes="<script>alert(1)</script>"))
    flag = MeterFlag.objects.get(centre=site.centre)
    shown = text(world, reverse("flag", args=[flag.pk]))
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown


@pytest.mark.usefixtures("sealed")
def test_the_pages_read_in_english(world: World) -> None:
    assert "Trust nobody" in text(world, reverse("seal", args=["hf", "2024-03"]), language="en")
    assert "To be sealed" in text(world, reverse("seals"), language="en")
    flag = MeterFlag.objects.filter(centre__code="hf")[0]
    assert "More cards at once than the centre has" in text(world, reverse("flag", args=[flag.pk]), language="en")


def test_the_register_is_shown_beside_the_seals_and_anybody_may_take_it_home(world: World, sealed: list[Seal]) -> None:
    assert "还没有一期" in text(world, reverse("seals"))
    assert Client().get(reverse("register")).status_code == 404
    publish_register(Month(2024, 12), NOW)
    shown = text(world, reverse("seals"))
    assert "2024-12" in shown
    assert reverse("register") in shown
    answer = Client().get(reverse("register"))
    assert answer["Content-Disposition"] == 'attachment; filename="register-2024-12.json"'
    assert answer.json() == json.loads(json.dumps(register_file()))
    assert "Download the register" in text(world, reverse("seals"), language="en")
