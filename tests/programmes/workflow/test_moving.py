"""An application finishes under the procedure that it began under; moving it to a newer one is an act, on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.law.policy import Policy
from huisuan.law.procedure import Duty, State
from huisuan.messages.models import Message
from huisuan.parties.models import Person
from huisuan.programmes.application_commands import app
from huisuan.programmes.models import Application, DutyHeld, EditionMove
from huisuan.programmes.workflow import act, begin_applications, find_breaks, store_edition
from huisuan.programmes.workflow.moving import move_to_present
from support.accounts import personal_caller
from support.programmes import ENDED, INDUSTRY, LAW, NOON, TREASURY, applicant, checked, official, person, walked
from support.year_counts import kept_and_counted

pytestmark = pytest.mark.django_db
KEY = "14.1"
SPEC = LAW.programme(KEY)


def earlier(**changed: Any) -> Policy:
    """The policy as it was when the application began: a step of 14.1 was another one. By action, what differed."""
    steps = tuple(replace(one, **changed.get(one.action, {})) for one in SPEC.steps)
    before = replace(SPEC, steps=steps)
    return replace(LAW, programmes=tuple(before if one.key == KEY else one for one in LAW.programmes))


def begun(**changed: Any) -> Application:
    """An application that began under an earlier edition of the procedure."""
    person("giver")
    firm = applicant()
    assert firm.party is not None
    changed = changed or {"check": {"within": None}}
    return begin_applications(earlier(**changed), KEY, 2024, [firm.party], firm, NOON)[0]


def refused(made: Application, by: Person, reason: str = "程序已修订", now: Any = NOON) -> str:
    with pytest.raises(Refused) as said:
        move_to_present(made.number, reason, by, now)
    assert made.number in str(said.value) or said.value.code == "application.needs_a_person"
    return said.value.code


def test_a_move_is_on_record_told_and_what_follows_goes_by_the_newer_procedure() -> None:
    made, decider = begun(), official("decider", "decide")
    walked(made, "check")
    old = made.edition
    moved = move_to_present(made.number, "程序已修订，余下步骤按新程序", decider, NOON)
    made.refresh_from_db()
    assert (moved.from_edition, moved.to_edition.digest, moved.after_step) == (old, SPEC.digest, 2)
    assert (made.edition_id, made.state, made.steps_taken) == (moved.to_edition_id, "checked", 2)
    kept, counted = kept_and_counted()
    assert kept == counted
    assert list(Message.objects.filter(person=applicant()).values_list("code", flat=True)) == ["application_moved"]
    publisher = official("publisher", "publish")
    DutyHeld.objects.create(application=made, person=publisher, duty="publish")
    with pytest.raises(DatabaseError, match="under the procedure"), transaction.atomic():
        _execute(  # an edge that both editions have, under the old one
            "INSERT INTO programmes_applicationstep (application_id, number, previous, edition_id, action, from_state,"
            " to_state, duty, person_id, post_id, at, reason, payload, key, previous_hash, hash) SELECT application_id,"
            " 3, 2, edition_id, 'publicise', to_state, 'in_publicity', 'publish', %s, %s, at, '', '{}', '', hash, hash"
            " FROM programmes_applicationstep WHERE application_id = %s AND number = 2",
            publisher.pk, publisher.posts.get().pk, made.pk,
        )  # fmt: skip
    act(made.number, "publicise", publisher, NOON)
    assert refused(made, decider) == "move.in_public"
    act(made.number, "decide", decider, ENDED, amount_fen=5_000_000)  # the mover decides: it is the same duty
    made.refresh_from_db()
    assert (made.state, find_breaks(made.steps.all())) == ("decided", [])
    for sql in ("UPDATE programmes_editionmove SET reason = 'x'", "DELETE FROM programmes_editionmove"):
        with pytest.raises(DatabaseError), transaction.atomic():
            _execute(sql)


def test_only_who_decides_and_has_no_other_duty_in_it_moves_an_application_and_says_why() -> None:
    made, decider = begun(), official("decider", "decide")
    walked(made, "check")
    checker = official("checker", "decide")  # who checked it, with the other post besides
    assert refused(made, checker) == "application.second_duty"
    assert refused(made, official("elsewhere", "commit", TREASURY)) == "application.no_post_in_force"
    assert refused(made, person("program", machine=True)) == "application.needs_a_person"
    assert refused(made, applicant()) == "application.no_post_in_force"
    assert refused(made, decider, " ") == "move.reason_missing"
    move_to_present(made.number, "程序已修订", decider, NOON)
    assert refused(made, decider) == "move.present_already"
    official("decider", "publish")
    with pytest.raises(Refused, match="已承担"):  # having moved it is a duty in it
        act(made.number, "publicise", decider, NOON)


def test_an_application_whose_state_the_newer_procedure_has_not_keeps_its_own() -> None:
    made = begun(check={"target": State.RECOMMENDED}, publicise={"sources": (State.RECOMMENDED,)})
    walked(made, "submit")
    checked(made, official("checker", "check"), NOON)
    decider = official("decider", "decide")
    assert refused(made, decider) == "move.state_unknown_there"
    assert _by_hand(made, decider) == "a_move_goes_on_from_where_it_is"


def test_a_duty_that_is_another_one_there_keeps_it_under_its_own() -> None:
    made = begun(**{"return": {"duty": Duty.RECOMMEND}})  # there, who checks returns: one person could do both
    walked(made, "submit")
    act(made.number, "return", official("first", "recommend"), NOON, reason="缺页", payload={"fields": ["national"]})
    mover = official("mover", "decide")
    assert refused(made, mover) == "move.duty_differs"
    assert _by_hand(made, mover) == "a_move_goes_on_from_where_it_is"


def test_an_office_that_decided_is_not_moved_to_where_it_commits() -> None:
    made = begun(decide={"office": TREASURY}, publicise={"office": INDUSTRY})
    walked(made, "publicise")
    treasurer = official("treasurer", "decide", TREASURY)
    act(made.number, "decide", treasurer, ENDED, amount_fen=5_000_000)
    assert refused(made, treasurer, now=ENDED) == "move.money_not_apart"


def test_page_api_and_command_move_it_alike_and_show_the_move() -> None:
    decider, numbers = official("decider", "decide"), []
    browser, program = Client(), personal_caller(decider)
    browser.force_login(decider, backend="django.contrib.auth.backends.ModelBackend")
    for _ in range(3):
        made = begun()
        walked(made, "submit")
        numbers.append(made.number)
    form = f'action="/applications/{numbers[0]}/move"'
    assert form in browser.get(f"/applications/{numbers[0]}").content.decode()
    empty = browser.post(f"/applications/{numbers[0]}/move", {"move_reason": " "})
    assert (empty.status_code, "须写理由" in empty.content.decode()) == (422, True)
    shown = browser.post(f"/applications/{numbers[0]}/move", {"move_reason": "按页面"}, follow=True).content.decode()
    assert ("按页面" in shown, SPEC.digest[:12] in shown, form in shown) == (True, True, False)
    answer = program.post(f"/api/v1/applications/{numbers[1]}/move", {"reason": "按接口"}, "application/json")
    assert (answer.status_code, [one["to"] for one in answer.json()["moves"]]) == (200, [SPEC.digest])
    again = program.post(f"/api/v1/applications/{numbers[1]}/move", {"reason": "按接口"}, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "move.present_already")
    told = CliRunner().invoke(app, ["move", numbers[2], "--by", "decider", "--reason", "按命令"])
    assert (told.exit_code, "第 1 步之后改按新程序" in told.stdout) == (0, True)
    assert set(EditionMove.objects.values_list("reason", flat=True)) == {"按页面", "按接口", "按命令"}


def _by_hand(made: Application, by: Person) -> str:
    """The constraint that refuses the same move in SQL."""
    made.refresh_from_db()
    post, present = by.posts.get(), store_edition(LAW, KEY)
    DutyHeld.objects.create(application=made, person=by, duty=post.duty)
    with pytest.raises(DatabaseError) as said, transaction.atomic():
        _execute(
            "INSERT INTO programmes_editionmove (application_id, from_edition_id, to_edition_id, after_step, duty,"
            " person_id, post_id, at, reason) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'x')",
            made.pk, made.edition_id, present.pk, made.steps_taken, post.duty, by.pk, post.pk, NOON,
        )  # fmt: skip
    return str(said.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def _execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
