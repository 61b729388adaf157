"""Cases decided one by one: an amount with reasons, after the offices that the text names; nothing else names one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from django.db import DatabaseError, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.amounts.case_by_case import offices_to_hear
from huisuan.programmes.application_commands import inbox as inbox_command
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, Award, OfficeOpinion
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.opinion_commands import opinion
from huisuan.programmes.review_desk.opinions import give_opinion, list_opinions
from huisuan.programmes.workflow import act
from huisuan.treasury.lines import open_line
from support.accounts import personal_caller
from support.calls import CLOSES, DURING, OPENED, draft, opened
from support.notices import ended, notice_of
from support.programmes import LAW, applicant, application, checked, official, person
from support.reviews import SCIENCE

pytestmark = pytest.mark.django_db
ASKED = ("省发展改革委", "省经济和信息化厅", "省财政厅")


@pytest.fixture
def case() -> Application:
    """A case of 5.2, handed in, checked, standing in public."""
    official("publisher", "publish", SCIENCE)
    line = open_line(LAW.name, "5.2", 2024, SCIENCE, "厅", OPENED)
    call = opened(programme="5.2", title="一事一议", evidence=(), line=line.pk)
    made = submit_draft(
        call.number, draft(1, rule="5.2", files=(), exceptional="是").pk, applicant(1), DURING
    )  # fmt: skip
    checked(made, official("checker", "check", SCIENCE), CLOSES)
    publisher = official("publisher", "publish", SCIENCE)
    for listed in (ListedApplication(made.number, 10**10), ListedApplication(made.number, reason="特别重大")):
        with pytest.raises(InvalidRequest, match="须写明拟支持的金额和理由"):
            publish_notice([listed], "", publisher, CLOSES)
    publish_notice([ListedApplication(made.number, 10**10, "特别重大")], "", publisher, CLOSES)
    return Application.objects.get(pk=made.pk)


def hear(case: Application, *offices: str) -> None:
    for at, office in enumerate(offices):
        give_opinion(case.number, office, "同意", official(f"of{at}{office}", "recommend", office), CLOSES)


def test_it_takes_an_amount_with_reasons_and_the_opinion_of_every_office_of_the_text(case: Application) -> None:
    assert offices_to_hear(case) == ASKED
    decider, now = official("decider", "decide", SCIENCE), ended(notice_of(case))
    hear(case, *ASKED[:2])
    with pytest.raises(Conflict, match="还缺省财政厅"):
        act(case.number, "decide", decider, now, amount_fen=10**10, reason="省政府专题会议纪要")
    hear(case, ASKED[2])
    with pytest.raises(InvalidRequest, match="须写理由"):
        act(case.number, "decide", decider, now, amount_fen=10**10)
    with pytest.raises(InvalidRequest, match="须写明大于 0 的金额"):
        act(case.number, "decide", decider, now, reason="省政府专题会议纪要")
    act(case.number, "decide", decider, now, amount_fen=10**10, reason="省政府专题会议纪要")
    award = Award.objects.get(application=case)
    assert (award.amount_fen, award.reason) == (10**10, "省政府专题会议纪要")


def test_an_opinion_is_given_once_by_a_post_of_that_office_and_never_changes(case: Application) -> None:
    for who, kind in (
        (official("decider", "decide", SCIENCE), NotAllowed), (official("ndrc", "check", ASKED[0]), NotAllowed),
        (applicant(1), NotFound),
    ):  # fmt: skip
        with pytest.raises(kind):
            give_opinion(case.number, ASKED[0], "同意", who, CLOSES)
    adviser = official("adviser", "recommend", ASKED[0])
    with pytest.raises(InvalidRequest, match="不需要省科技厅的意见"):
        give_opinion(case.number, SCIENCE, "同意", adviser, CLOSES)
    with pytest.raises(InvalidRequest, match="不能为空"):
        give_opinion(case.number, ASKED[0], " ", adviser, CLOSES)
    give_opinion(case.number, ASKED[0], "同意", adviser, CLOSES, amount_fen=5)
    with pytest.raises(Conflict, match="已登记"):
        give_opinion(case.number, ASKED[0], "不同意", adviser, CLOSES)
    with pytest.raises(DatabaseError), transaction.atomic():
        OfficeOpinion.objects.update(text="x")


def test_who_gave_an_opinion_does_not_decide_and_who_checked_gives_none(case: Application) -> None:
    both = official("adviser", "recommend", ASKED[1])
    official("adviser", "decide", SCIENCE)
    official("checker", "recommend", ASKED[0])
    with pytest.raises(NotAllowed, match="已承担核验"):
        give_opinion(case.number, ASKED[0], "同意", official("checker", "check", SCIENCE), CLOSES)
    give_opinion(case.number, ASKED[1], "同意", both, CLOSES)
    with pytest.raises(NotAllowed, match="已承担推荐"):
        act(case.number, "decide", both, ended(notice_of(case)), amount_fen=1, reason="x")


def test_where_the_law_names_the_amount_no_opinion_is_asked() -> None:
    made = application(1)
    act(made.number, "submit", applicant(1), DURING)
    with pytest.raises(InvalidRequest, match="不需要省财政厅的意见"):
        give_opinion(made.number, "省财政厅", "同意", official("adviser", "recommend", "省财政厅"), CLOSES)


def test_the_offices_and_what_they_said_are_listed_for_officials(case: Application) -> None:
    hear(case, ASKED[0])
    rows = list_opinions(Viewer.for_person(official("decider", "decide", SCIENCE)), case.number)
    assert [(row["office"], row["text"]) for row in rows] == [(ASKED[0], "同意"), (ASKED[1], None), (ASKED[2], None)]
    with pytest.raises(NotAllowed):
        list_opinions(Viewer.for_person(applicant(1)), case.number)


def test_the_command_enters_an_opinion(case: Application) -> None:
    official("adviser", "recommend", ASKED[2])
    app = typer.Typer()
    app.command()(opinion)
    words = [case.number, "--office", ASKED[2], "--text", "预算内安排", "--amount-fen", "9", "--by", "adviser"]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads(result.stdout)[2]["amount_fen"] == 9


def inbox_of(who: str) -> Any:
    """What the command says waits for the opinion of somebody's office."""
    app = typer.Typer()
    app.command()(inbox_command)
    result = CliRunner().invoke(app, ["--by", who, "--opinions", "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_an_office_that_only_cooperates_reads_the_case_and_gives_its_opinion_on_the_page_and_by_api(
    case: Application,
) -> None:
    """It has no step in the procedure: the text names it to be heard, and nothing else lets it see the case."""
    adviser, other = person("adviser", "department"), person("elsewhere", "department")
    official("adviser", "recommend", ASKED[0])
    page, where = f"/applications/{case.number}", f"/applications/{case.number}/opinions"
    browser, stranger, firm = Client(), Client(), Client()
    for client, who in ((browser, adviser), (stranger, other), (firm, applicant(1))):
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    inbox, api = browser.get("/inbox/").content.decode(), "/api/v1/inbox/opinions"
    assert "等本单位出具意见的" in inbox
    assert f'href="{page}#opinions"' in inbox
    (waiting,) = personal_caller(adviser, "read").get(api).json()["waiting"]
    assert (waiting["number"], waiting["offices"], waiting["state"]) == (case.number, [ASKED[0]], "in_publicity")
    assert case.number not in stranger.get("/inbox/").content.decode()
    assert inbox_of("adviser") == [waiting]
    assert inbox_of("elsewhere") == inbox_of("publisher") == []
    shown = browser.get(page).content.decode()
    assert f'action="{where}"' in shown
    assert f"<option>{ASKED[0]}</option>" in shown
    assert f"<option>{ASKED[1]}</option>" not in shown
    assert "各单位意见" not in firm.get(page).content.decode()
    form = {"office": ASKED[0], "opinion": "规划内安排", "proposed": "1000000.00"}
    assert (stranger.post(where, form).status_code, firm.post(where, form).status_code) == (404, 403)
    for wrong in ({"proposed": "一百万"}, {"opinion": " "}, {"office": "省体育局"}):
        answer = browser.post(where, form | wrong)
        assert answer.status_code == 422
    assert browser.post(where, form).headers["Location"] == f"{page}#opinions"
    assert browser.post(where, form).status_code == 409
    shown = browser.get(page).content.decode()
    assert "规划内安排" in shown
    assert "1,000,000.00" in shown
    assert f'action="{where}"' not in shown
    assert "等本单位出具意见的" not in browser.get("/inbox/").content.decode()
    assert inbox_of("adviser") == []
    program = personal_caller(official("api adviser", "recommend", ASKED[1]))
    body = {"office": ASKED[1], "text": "同意", "amount_fen": 5}
    api = f"/api/v1{where}"
    given = program.post(api, body, content_type="application/json").json()["opinions"]
    assert [(row["office"], row["amount_fen"]) for row in given if row["text"]] == [(ASKED[0], 10**8), (ASKED[1], 5)]
    assert program.post(api, body, content_type="application/json").json()["code"] == "opinion.given"
