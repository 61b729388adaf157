"""The draw of a call: by the office that reviews, for what waits and has no panel, told why where it cannot be done."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, NotAllowed, NotFound
from huisuan.programmes.models import Application, Draw, PanelSeat
from huisuan.programmes.review.draw import TooFewExperts
from huisuan.programmes.review.draw_records import repeat_draw
from huisuan.programmes.review_desk.commands import app
from huisuan.programmes.review_desk.drawing import draw_call
from support.accounts import personal_caller
from support.calls import opened
from support.programmes import official, person
from support.reviews import MARKS, REVIEWED, SCIENCE, challenge, organiser, pool, recommended, tie

pytestmark = pytest.mark.django_db


def test_the_office_draws_for_all_that_waits_by_the_settings_of_the_programme_and_once() -> None:
    pool(12)
    call = challenge()
    one, two = recommended(call, 1), recommended(call, 2)
    made = draw_call(call.number, "2024-10-12 体彩", organiser(), REVIEWED)
    assert made.inputs["terms"] == {"panel": 5, "most_reviews": 20, "alternates": 2}
    assert {each["field"] for each in made.inputs["applications"]} == {"通用大模型"}
    assert PanelSeat.objects.filter(draw=made, alternate=False).count() == 10
    assert repeat_draw(made)
    with pytest.raises(Conflict, match="没有等待抽签"):
        draw_call(call.number, "再抽", organiser(), REVIEWED)
    three = recommended(call, 3)
    assert draw_call(call.number, "再抽", organiser(), REVIEWED).title == f"{call.number} 第 2 次"
    assert [Application.objects.filter(pk=each.pk, seats__isnull=False).exists() for each in (one, two, three)]


def test_only_a_post_to_review_in_that_office_draws() -> None:
    pool(9)
    call = challenge()
    recommended(call, 1)
    for stranger in (official("checker", "check", SCIENCE), official("other", "review"), person("nobody")):
        with pytest.raises(NotAllowed, match="由省科技厅当天在任的评审岗位办理"):
            draw_call(call.number, "s", stranger, REVIEWED)
    with pytest.raises(NotFound):
        draw_call("C2024-0009", "s", organiser(), REVIEWED)
    assert not Draw.objects.exists()


def test_a_programme_without_review_draws_nothing() -> None:
    with pytest.raises(Exception, match=r"程序 14\.1 没有专家评审"):
        draw_call(opened().number, "s", organiser(), REVIEWED)


def test_too_few_experts_are_told_by_application_and_rule() -> None:
    pool(5)
    call = challenge()
    one, other = recommended(call, 1), recommended(call, 2, topic="行业大模型")
    tie("e0", one)
    with pytest.raises(TooFewExperts) as refused:
        draw_call(call.number, "s", organiser(), REVIEWED)
    assert str(refused.value).split("\n")[1:] == [
        f"{one.number} 缺 1 人（与申报单位有利害关系 1 人）", f"{other.number} 缺 5 人（领域不符 5 人）",
    ]  # fmt: skip
    assert not Draw.objects.exists()


def test_the_command_prints_the_panels() -> None:
    pool(7)
    call = challenge()
    made = recommended(call, 1)
    organiser()
    result = CliRunner().invoke(app, ["draw", call.number, "--seed", "s", "--by", "reviewer", "--json"])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert found["reproduced"]
    assert [(row["application"], len(row["members"]), len(row["alternates"])) for row in found["panels"]] == [
        (made.number, 5, 2)
    ]


def test_the_draw_the_sheets_and_standing_back_go_by_api_for_the_same_persons() -> None:
    pool(9)
    call = challenge()
    made = recommended(call, 1)
    office, at = personal_caller(organiser()), f"/api/v1/calls/{call.number}/draws"
    refused = personal_caller(person("nobody")).post(at, {"seed": "s"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "review.no_post_in_force")
    drawn = office.post(at, {"seed": "2024-10-12 体彩"}, "application/json").json()
    (panel,) = drawn["panels"]
    assert (panel["application"], len(panel["members"]), drawn["reproduced"]) == (made.number, 5, True)
    assert office.get(at).json()["draws"] == [drawn]
    first, second = (personal_caller(person(name)) for name in panel["members"][:2])
    desk = f"/api/v1/reviews/{made.number}"
    assert second.post(f"{desk}/recusal", {"reason": ""}, "application/json").status_code == 422
    assert second.post(f"{desk}/recusal", {"reason": "合作过"}, "application/json").json()["left"]
    assert second.post(f"{desk}/recusal", {"reason": "合作过"}, "application/json").status_code == 404
    assert first.post(f"{desk}/score", {"marks": {}}, "application/json").status_code == 422
    sent = first.post(f"{desk}/score", {"marks": MARKS}, "application/json")
    assert (sent.status_code, sent.json()["number"]) == (200, made.number)
    assert first.post(f"{desk}/score", {"marks": MARKS}, "application/json").json() == sent.json()
    assert office.post(f"{desk}/score", {"marks": MARKS}, "application/json").status_code == 404
