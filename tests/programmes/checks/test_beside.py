"""What is stated is shown beside what the platform sees of it; a difference is a flag that somebody answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.csv_lines import FileReport
from huisuan.compute.capacity.capacity import counted_capacity
from huisuan.compute.models import Accelerator, CapacitySighting, Centre
from huisuan.parties.models import PartyKind, Region
from huisuan.programmes.calls.services import open_call
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.flags.found_between import look_for_flags
from huisuan.programmes.models import Application, Call, Draft
from huisuan.programmes.registers.services import get_register, import_register
from huisuan.programmes.submissions.owed import law_answers
from huisuan.settlement.models import Entitlement
from support.awards import GROUP, settled
from support.calls import DURING, OPENED, draft, line, terms
from support.jobs import centre, party
from support.programmes import LAW, NOON, applicant, official, person
from support.reviews import PROJECT, SCIENCE, challenge

pytestmark = pytest.mark.django_db


def claimed(p: int, call: Call | None = None) -> Application:
    """Hefei's claim under 1.2 for a centre of so many P, by its word."""
    official("publisher", "publish", GROUP)
    call = call or open_call(
        terms(programme="1.2", title="1.2 通知", line=line("1.2").pk, evidence=()), person("publisher"), OPENED
    )
    hefei = person("hefei", "city", city=Region.objects.get(code="340100"))
    facts = {
        "added_p": str(p), "finished_on": "2024-06-30", "city_qualifies": "是", "county": "其他县（市、区）",
        "city_paid": "3000000", "city_granted": "3000000",
    }  # fmt: skip
    draft = Draft.objects.create(
        party=party(50, PartyKind.CITY), owner=hefei, policy=LAW.name, digest=LAW.digest, rule="1.2", facts=facts,
        named=[{"kind": "project", "code": f"项目{p}"}, {"kind": "voucher", "code": f"V-{p}"}], created_at=OPENED,
        updated_at=OPENED, updated_by=hefei,
    )  # fmt: skip
    return submit_draft(call.number, draft.pk, hefei, NOON)


def sighted(p: int, now: datetime) -> None:
    """A centre of Hefei whose agent saw cards of so many P."""
    model = Accelerator.objects.exclude(tflops_fp16=0).order_by("pk").first()
    assert model is not None
    held = int(Decimal(p) * 1000 / model.tflops_fp16) + 1
    CapacitySighting.objects.create(centre=centre("hf-1"), accelerator=model, day=now.date(), most=held, least_up=held)


def test_the_size_that_a_city_states_is_shown_beside_what_the_platform_sees_and_flagged_where_less_is_seen() -> None:
    none = claimed(400)
    sighted(500, NOON)
    less, more = claimed(600), claimed(450)
    flags = {flag.application_id: flag.saw for flag in flags_of([none, less, more])}
    assert flags.keys() == {none.pk, less.pk}
    assert flags[none.pk]["seen"] == "本市没有接入的智算中心"
    assert flags[less.pk]["stated"] == "600 P（稠密 FP16 PFLOPS）"
    for made, passed in ((less, None), (more, True)):
        answers = {one.kind: one for one in check_application(made.number, official("c", "check", GROUP), NOON)}
        assert answers["beside"].passed is passed
        assert "hf-1 登记" in answers["beside"].reason
        assert "一天最多看到 50" in answers["beside"].reason
        assert "同时用过" in answers["beside"].reason
    assert look_for_flags(less, NOON) == []  # it is the same flag


def planned(code: str, p: int, centre_code: str = "", before: str = "", until: str = "") -> FileReport:
    """A project on the register of 1.1, by the office that keeps it."""
    keeper = official("keeper", "register", "省发展改革委")
    columns = ",".join(get_register("anhui-agi-2023", "projects").columns.values())
    row = f"{code},智算中心,,合肥市,2024-01-01,{until},自建,{p},,,2024-06-30,{centre_code},{before}"
    return import_register(
        f"{columns}\n{row}".encode(), "项目.csv", "anhui-agi-2023", "projects", by=keeper, now=OPENED, reason="更正"
    )  # fmt: skip


def test_what_a_project_added_is_what_the_meter_sees_of_its_centre_and_nobody_types_it() -> None:
    sighted(900, NOON)
    registers = counted_capacity(Centre.objects.get(code="hf-1"), NOON.date(), NOON.date()).claimed.p
    assert not registers, "its partitions say nothing yet"
    (fault,) = planned("项目650", 500, "hf-9").faults
    assert (fault.column, fault.rule) == ("平台上的中心编号", "平台上没有这个中心")
    assert not planned("项目650", 500, "hf-1", "100").faults
    assert not planned("项目700", 100, "hf-1", "650").faults, "what the same centre was given after it"
    made = claimed(650)
    said = made.submissions.get()
    assert "added_p" not in said.facts, "what was typed is not what counts"
    known = said.known["added_p"]
    assert (known["value"], known["words"], known["day"]) == (550, "平台的计量", NOON.date().isoformat())
    assert "hf-1 登记 0 P、一天最多看到 90" in known["record"]
    assert "减建设前 100 P；650 P 以上的属后一项目；计划新增 500 P" in known["record"]
    assert "failed:added_p@1.2" not in {reason.code for reason in law_answers([made])[made.pk].reasons}
    assert flags_of([made]).count() == 0
    less = claimed(700, made.call)
    assert less.submissions.get().known["added_p"]["value"] == 250
    assert "failed:added_p@1.2" in {reason.code for reason in law_answers([less])[less.pk].reasons}
    assert not planned("项目800", 300, "hf-1", "850").faults
    short, by_word = claimed(800, made.call), claimed(950, made.call)
    flags = {flag.application_id: flag.saw for flag in flags_of([less, short, by_word])}
    assert flags.keys() == {short.pk, by_word.pk}
    assert flags[short.pk]["seen"].endswith("减建设前 850 P；计划新增 300 P")
    said = by_word.submissions.get()
    assert (said.facts["added_p"], "added_p" in said.known) == ("950", False), "of no centre of the register"


def test_a_project_elsewhere_than_its_firm_is_flagged() -> None:
    call = challenge()
    here, there = (
        submit_draft(call.number, draft(n, rule="5.1", files=(), **PROJECT | {"city": city}).pk, applicant(n), DURING)
        for n, city in ((1, "合肥市"), (2, "阜阳市"))
    )
    flag = flags_of([here, there]).get()
    assert (flag.application_id, flag.kind) == (there.pk, "fact_differs")
    assert flag.saw == {"fact": "项目所在市", "stated": "阜阳市", "seen": "申报单位登记在 340100"}
    browser = Client()
    browser.force_login(official("checker", "check", SCIENCE), backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(reverse("application", args=[there.number])).content.decode()
    assert "填报与平台所见不同" in page
    assert "申报单位登记在 340100" in page


def test_compute_that_was_paid_back_is_shown_beside_what_a_project_states_of_it() -> None:
    owed = Entitlement.objects.create(
        run=settled(), party=party(1), status="eligible", amount_fen=10_000_000, payable_fen=10_000_000,
        facts={"spend": 50_000_000, "self_use": 0}, reasons=[],
    )  # fmt: skip
    call = challenge()
    silent, open_ = (
        submit_draft(
            call.number,
            draft(1, rule="5.1", files=(), **PROJECT | {"subsidised_compute": yuan}).pk,
            applicant(1),
            DURING,
        )
        for yuan in ("0", "500000")
    )
    (flag,) = flags_of([silent, open_])
    assert (flag.application_id, flag.saw["stated"]) == (silent.pk, "0.00 元")
    assert flag.saw["seen"] == f"全单位当年已获补助的算力支出 500,000.00 元（E{owed.pk}）"
