"""Appeals against scores: made and answered within working days by the official calendar, then corrected."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.queries import AppealState, appeal_standing, appealable_rows, get_appeal
from huisuan.bulletins.appeals.services import MadeAppeal, SetTerm, answer_appeal, make_appeal, set_appeal_term
from huisuan.bulletins.desk.services import (
    DraftedWords,
    correct_bulletin,
    draft_bulletin,
    issue_bulletin,
    review_bulletin,
)
from huisuan.bulletins.models import AppealAnswer, BulletinIssue, BulletinKind
from huisuan.messages.models import Message
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.queries import freeze_openness
from huisuan.parties.models import Person
from support.bulletins import working_group
from support.catalogue import as_csv, line
from support.command_tree import invoke
from support.gate import list_entry

pytestmark = pytest.mark.django_db
#: before the National Day of 2024: 29 September, a Sunday, was worked; from 1 to 7 October nobody did
ISSUED = date(2024, 9, 24)


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, month, day, hour, minute, tzinfo=SHANGHAI)


def code_of(made: MadeAppeal, number: int, person: Person, now: datetime) -> str:
    with pytest.raises(Refused) as refused:
        make_appeal(number, made, person, now)
    return refused.value.code


def issued(now: datetime) -> int:
    drafter, reviewer = working_group("li"), working_group("wang")
    words = DraftedWords("某省数据局", "2024年第三季度", ["整改。"])
    number = draft_bulletin(BulletinKind.OPENNESS, freeze_openness(load_formula(), now), words, drafter, now).pk
    review_bulletin(number, True, "", reviewer, now)
    issue_bulletin(number, "某数通〔2024〕9号", ISSUED, drafter, now)
    return number


def test_an_appeal_on_the_last_day_before_a_holiday_is_in_time_and_is_due_after_it() -> None:
    """Five working days after 24 September end on the 30th at 24:00; three to answer end on 10 October."""
    list_entry()
    li, hefei = working_group("li"), Person.objects.create_person("hf", None, role="city", name="h", city_id="340100")
    wuhu = Person.objects.create_person("wh", None, role="city", name="w", city_id="340200")
    set_appeal_term(SetTerm(5, 3, date(2024, 1, 1), "示例〔2024〕1号"), li, at(1, 2, 9))
    number = issued(at(9, 24, 10))
    ours = MadeAppeal("340100", "", "listed", "目录里有条目")
    assert code_of(ours, number, wuhu, at(9, 25, 9)) == "appeal.not_theirs"
    assert code_of(ours, number, li, at(9, 25, 9)) == "appeal.not_theirs"
    assert code_of(MadeAppeal("340100", "无此局", "", "x"), number, hefei, at(9, 25, 9)) == "appeal.office_not_scored"
    assert code_of(MadeAppeal("340100", "", "none", "x"), number, hefei, at(9, 25, 9)) == "appeal.criterion_unknown"
    assert code_of(ours, number, hefei, at(10, 1, 0)) == "appeal.late"
    appeal = make_appeal(number, ours, hefei, at(9, 30, 23, 59))
    told = Message.objects.get(code="score_appeal_made", person=li)
    assert (told.values["by"], told.values["day"], told.link) == (
        "h", "2024-10-10", f"/bulletins/appeals/{appeal.pk}"
    )  # fmt: skip
    assert code_of(ours, number, hefei, at(9, 30, 23, 59)) == "appeal.made_already"

    before, after = appeal_standing(appeal, at(10, 10, 23, 59)), appeal_standing(appeal, at(10, 11, 0))
    assert before.due == at(10, 11, 0)
    assert (before.state, after.state) == (AppealState.WAITING, AppealState.OVERDUE)
    with pytest.raises(Refused, match="没有编号"):
        get_appeal(wuhu, appeal.pk)
    with pytest.raises(IntegrityError, match="answered by whoever made it"), transaction.atomic():
        AppealAnswer.objects.create(appeal=appeal, upheld=True, text="是", by=hefei, at=at(10, 8, 9))

    answer_appeal(appeal.pk, True, "核实：列入了", li, at(10, 9, 9))
    assert appeal_standing(get_appeal(hefei, appeal.pk), at(10, 9, 9)).state == AppealState.UPHELD
    later = datetime.now(UTC)
    newer = correct_bulletin(number, freeze_openness(load_formula(), later), f"异议 {appeal.pk}", li, later)
    review_bulletin(newer.pk, True, "", working_group("wang"), later)
    issue_bulletin(newer.pk, "某数通〔2024〕10号", later.astimezone(SHANGHAI).date(), li, later)
    said: Any = json.loads(invoke("bulletin", "appeals", "--by", "hf", "--json").stdout)
    assert [(one["state"], one["issue"], one["corrected_by"]) for one in said] == [
        ("corrected", "某数通〔2024〕9号", "某数通〔2024〕10号")
    ]
    assert code_of(MadeAppeal("340100", "", "", "x"), number, hefei, at(9, 26, 9)) == "appeal.issue_corrected"
    assert [(one.code, one.person) for one in Message.objects.exclude(code="score_appeal_made").order_by("pk")] == [
        ("score_appeal_upheld", hefei), ("score_appeal_corrected", hefei)
    ]  # fmt: skip


def test_a_department_of_the_province_appeals_by_who_speaks_for_it_and_another_answers() -> None:
    """Named by somebody else of the province; it sees its own row alone, and does not answer itself."""
    department = "安徽省交通运输厅"
    import_catalogue(
        as_csv([line(department=department, region="340000")]), "清单.csv", by="test", now=datetime.now(UTC)
    )
    li, spoken, other = (working_group(name) for name in ("li", "jiao", "zhao"))
    number = issued(at(9, 24, 10))
    ours = MadeAppeal("340000", department, "listed", "目录里有条目")
    assert code_of(ours, number, spoken, at(9, 25, 9)) == "appeal.not_theirs"
    words = ("bulletin", "delegate", department, "--person", "jiao", "--by")
    assert getattr(invoke(*words, "jiao").exception, "code", "") == "appeal.own_delegate"
    assert json.loads(invoke(*words, "li", "--json").stdout)["speaks"] is True
    now = datetime.now(UTC)
    assert appealable_rows(BulletinIssue.objects.get(bulletin_id=number), spoken, now) == [("340000", department)]
    assert code_of(ours, number, other, now) == "appeal.not_theirs"
    appeal = make_appeal(number, ours, spoken, now)
    assert {one.person for one in Message.objects.filter(code="score_appeal_made")} >= {li, other}
    assert not Message.objects.filter(code="score_appeal_made", person=spoken).exists()  # knows it already
    with pytest.raises(Refused) as refused:
        answer_appeal(appeal.pk, True, "是", spoken, now)
    assert refused.value.code == "appeal.own_department"
    answer_appeal(appeal.pk, False, "核对无误", other, now)
    assert Message.objects.get(code="score_appeal_rejected").person == spoken
    assert json.loads(invoke(*words, "li", "--end", "--json").stdout)["speaks"] is False
    assert appealable_rows(BulletinIssue.objects.get(bulletin_id=number), spoken, datetime.now(UTC)) == []


def test_by_commands_and_without_a_term_an_appeal_is_open_until_the_correction() -> None:
    list_entry()
    Person.objects.create_person("hf", None, role="city", name="h", city_id="340100")
    number = str(issued(at(9, 24, 10)))
    made = invoke("bulletin", "appeal", number, "--region", "340100", "--text", "算错了", "--by", "hf", "--json")
    said = json.loads(made.stdout)
    assert (said["state"], said["due"]) == ("waiting", None)
    words = ("bulletin", "answer", str(said["appeal"]), "--text", "核对无误", "--by")
    assert getattr(invoke(*words, "hf").exception, "code", "") == "appeal.for_the_province"
    assert json.loads(invoke(*words, "li", "--json").stdout)["state"] == "rejected"
    assert getattr(invoke(*words, "li").exception, "code", "") == "appeal.answered_already"
    term = ("bulletin", "appeal-term", "--appeal-days", "99", "--answer-days", "5", "--from", "2024-01-01")
    refused = invoke(*term, "--authority", "示例", "--by", "li")
    assert getattr(refused.exception, "code", "") == "appeal.term_out_of_bounds"
