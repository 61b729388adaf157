"""Who has one duty in an application gets no second one: not by page, list, API, command, nor in SQL."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import NotAllowed
from huisuan.programmes.application_commands import app
from support.accounts import personal_caller
from support.programmes import application, official, walked

pytestmark = pytest.mark.django_db


def test_whoever_checked_does_not_publish_the_same_application_by_any_way() -> None:
    made = application()
    walked(made, "check")
    both = official("checker", "publish")  # who checked, with the other post besides
    way, typed, number = f"/applications/{made.number}/acts/publicise", {"reason": "拟支持"}, made.number
    browser, program = Client(), personal_caller(both)
    browser.force_login(both, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.post(way, typed)
    assert (page.status_code, "已承担" in page.content.decode()) == (403, True)
    listed = browser.post("/inbox/acts", typed | {"numbers": number, "action": "publicise"}, follow=True)
    assert "已承担" in listed.content.decode()
    one = program.post(f"/api/v1{way}", typed, "application/json")
    many = program.post("/api/v1/acts/publicise", typed | {"numbers": [number]}, "application/json").json()
    assert (one.status_code, one.json()["code"]) == (403, "application.second_duty")
    assert [each["code"] for each in many["refused"]] == ["application.second_duty"]
    told = CliRunner().invoke(app, ["act", number, "publicise", "--by", "checker"]).exception
    assert isinstance(told, NotAllowed)
    assert told.code == "application.second_duty"
    for sql in (
        "INSERT INTO programmes_dutyheld (application_id, person_id, duty) VALUES (%s, %s, 'publish')",
        "UPDATE programmes_dutyheld SET duty = 'publish' WHERE application_id = %s AND person_id = %s",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, [made.pk, both.pk])
    made.refresh_from_db()
    assert (made.state, made.steps_taken) == ("checked", 2)
