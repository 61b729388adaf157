"""A contract by the pages' own requests: plan, contract, report, check on site, acceptance, and who sees what."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Milestone, PlannedTarget, SiteCheck
from huisuan.programmes.workflow import act
from support.contracts import LATER, open_challenge, signer
from support.programmes import applicant, official
from support.reviews import SCIENCE

pytestmark = pytest.mark.django_db


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def posted(client: Client, made: Application, act_name: str, **said: str) -> Any:
    return client.post(f"/applications/{made.number}/contract/{act_name}", said)


def test_a_contract_is_drawn_up_reported_checked_and_accepted_on_the_page() -> None:
    made = open_challenge()
    office, firm = browser(signer()), browser(applicant(1))
    day = timezone.localdate() + timedelta(days=400)
    form = {"code": "HT-9", "signed_on": "2024-11-01", "milestones": f"样机 | {day} | 40%\n测评｜{day}｜60%"}
    low = shown(posted(office, made, "draw-up", **form, targets="2 | T1 | 60\n2 | T2 | 50"))
    assert "低于计划的" in low
    assert "HT-9" in low, "what was typed stands in the form again"
    assert "须写成" in shown(posted(office, made, "draw-up", **form, targets="2, T1, 70"))
    assert posted(firm, made, "draw-up", **form).status_code in (403, 409, 422)
    done = posted(office, made, "draw-up", **form, targets="1 | T1 | 30\n2 | T1 | 60 | 专家组建议\n2 | T2 | 50")
    assert done.headers["Location"] == f"/applications/{made.number}#contract"
    act(made.number, "contract", signer(), LATER)
    assert "报告第 1 个节点" in shown(firm.get(f"/applications/{made.number}"))
    change = {"code": "HT-9-补1", "agreed_on": "2024-11-02", "reason": "芯片断供"}
    assert "须写成" in shown(posted(office, made, "amend", **change, targets="2 | T1"))
    assert posted(firm, made, "amend", **change, targets="2 | T1 | 55").status_code in (403, 409, 422)
    posted(office, made, "amend", **change, targets="2 | T1 | 55")
    posted(firm, made, "report", milestone="1", text="样机完成", **{"reached.T1": "31"})
    official("second", "review", SCIENCE)
    site = {"milestone": "1", "day": str(timezone.localdate()), "text": "设备在场", "first": "signer"}
    assert "须由两个人办" in shown(posted(office, made, "check-site", **site, second="signer"))
    posted(office, made, "check-site", **site, second="second")
    posted(office, made, "accept", milestone="1", verdict="yes", score="88", reason="达到指标")
    page = shown(firm.get(f"/applications/{made.number}"))
    for said in (
        "样机完成",
        "达到指标",
        "设备在场",
        "计划为 70，调低",
        "专家组建议",
        "报告第 2 个节点",
        "芯片断供",
        "60 → 55",
    ):
        assert said in page
    assert Milestone.objects.get(number=1).results.get().score == 8_800
    assert "要报告的节点" not in shown(firm.get("/applications/")), "the second is due in a year"
    assert "合同的节点<" not in shown(office.get("/inbox/"))
    listed = shown(office.get("/milestones/"))
    assert "2 测评" in listed
    assert "1 样机" not in listed
    assert "没有等着的节点" in shown(browser(applicant(7)).get("/milestones/"))
    assert posted(office, made, "dance").status_code == 404


def test_an_applicant_files_the_plan_on_the_page_before_it_is_checked() -> None:
    from huisuan.programmes.calls.submit import submit_draft
    from support.calls import DURING, draft
    from support.reviews import PROJECT, challenge

    made = submit_draft(challenge().number, draft(1, rule="5.1", files=(), **PROJECT).pk, applicant(1), DURING)
    firm = browser(applicant(1))
    assert "提交计划指标" in shown(firm.get(f"/applications/{made.number}"))
    posted(firm, made, "plan", targets="T1 | 参数规模 | 70 | 亿\nT2 | 推理时延 | 50 | 毫秒 | 越小越好")
    assert list(PlannedTarget.objects.values_list("code", "less_is_better")) == [("T1", False), ("T2", True)]
    assert "计划已提交" in shown(posted(firm, made, "plan", targets="T1 | 参数规模 | 10 | 亿"))


def test_a_check_on_site_waits_in_the_inbox_of_the_other_who_confirms_it_on_the_page() -> None:
    from support.contracts import committed, open_challenge

    made = committed(open_challenge())
    second, day = official("second", "review", SCIENCE), str(timezone.localdate())
    office, other = browser(signer()), browser(second)
    assert "您确认之后才算数" not in shown(other.get("/inbox/"))
    posted(office, made, "check-site", milestone="1", day=day, first="signer", second="second", text="设备在场")
    check = SiteCheck.objects.get()
    assert "待 second 确认，还不算数" in shown(office.get(f"/applications/{made.number}"))
    assert "设备在场" in shown(other.get("/inbox/"))
    assert "现场核查待您确认" in shown(other.get(f"/applications/{made.number}"))
    assert "由未登记的另一人确认" in shown(posted(office, made, "confirm-site", check=str(check.pk)))
    refused = posted(other, made, "confirm-site", check=str(check.pk), differs="yes")
    assert "与登记不同之处" in shown(refused)
    posted(other, made, "confirm-site", check=str(check.pk))
    assert check.confirmation.agrees
    assert "设备在场" not in shown(other.get("/inbox/"))
    assert "还不算数" not in shown(office.get(f"/applications/{made.number}"))


def test_an_expert_votes_on_a_milestone_or_stands_back_on_the_bench() -> None:
    from huisuan.programmes.contract_desk.panel import sitting_now
    from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
    from support.contracts import committed, decided, reported
    from support.reviews import challenge

    (made,) = decided(challenge(programme="5.1.race", title="赛马", tasks={"T1": "底座"}), 80, tasks=("T1",))
    committed(made)
    reported(made, 1)
    draw_acceptance_panel(made.number, 1, "种子", signer(), LATER)
    milestone = Milestone.objects.get(contract__application=made, number=1)
    first, second, *_others = (seat.expert.person for seat in sitting_now(milestone))
    waiting = milestone.seats.get(position=4).expert.person
    where = f"/reviews/acceptances/{made.number}/1"
    assert made.party is not None
    page = shown(browser(first).get("/reviews/"))
    for said in ("待投票", "按期完成", "≥ 30", made.party.name):
        assert said in page
    assert browser(waiting).post(f"{where}/vote", {"verdict": "yes", "score": "1", "reason": "x"}).status_code == 404
    assert browser(signer()).post(f"{where}/vote").status_code == 403
    assert "评分须在 0 至 100" in shown(browser(first).post(f"{where}/vote", {"verdict": "yes", "reason": "好"}))
    voted = browser(first).post(f"{where}/vote", {"verdict": "no", "score": "55", "reason": "未达到"})
    assert voted.headers["Location"] == "/reviews/"
    given = milestone.seats.get(position=1).votes.get()
    assert (given.accepts, given.score) == (False, 55)
    assert "已投票" in shown(browser(first).get("/reviews/"))
    assert browser(second).post(f"{where}/leave", {"why": "曾任顾问"}).status_code == 302
    assert "按期完成" in shown(browser(waiting).get("/reviews/")), "the alternate sits"
    assert "按期完成" not in shown(browser(second).get("/reviews/"))


def test_a_report_that_is_near_or_overdue_shows_in_the_inbox_of_its_office_and_among_the_firms_applications() -> None:
    from support.contracts import committed, reported

    made = committed(open_challenge())  # its first milestone was due long ago
    office, firm = browser(signer()), browser(applicant(1))
    for page in (shown(office.get("/inbox/")), shown(firm.get("/applications/"))):
        assert "1 样机" in page
        assert "逾期未报" in page
    for other in (official("checker", "check", SCIENCE), official("other", "register")):
        assert "1 样机" not in shown(browser(other).get("/inbox/"))
    assert "要报告的节点" not in shown(browser(applicant(7)).get("/applications/"))
    reported(made, 1)
    assert "已报告，待验收" in shown(office.get("/inbox/"))
