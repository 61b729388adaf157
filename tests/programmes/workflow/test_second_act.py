"""A second act by the same person in one application: refused by page, over HTTP, by command and in SQL."""

from __future__ import annotations

import html
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.programmes.application_commands import app
from huisuan.programmes.models import DutyHeld
from huisuan.programmes.workflow import act
from support.programmes import NOON, applicant, application, official

pytestmark = pytest.mark.django_db


def test_who_checked_does_nothing_else_in_that_application_whichever_way_it_is_tried() -> None:
    made, both = application(), official("both", "check")
    official("both", "publish")
    act(made.number, "submit", applicant(), NOON)
    act(made.number, "check", both, NOON)
    page = Client()
    page.force_login(both, backend="django.contrib.auth.backends.ModelBackend")
    refused = page.post(f"/applications/{made.number}/acts/publicise", {"reason": "公示"})
    assert (refused.status_code, "已承担核验，不能再公示" in html.unescape(refused.content.decode())) == (403, True)
    secret = issue_token(both, "test", Actor("test"), datetime.now(UTC), scope="submit")[1]
    asked = Client(headers={"Authorization": f"Bearer {secret}"}).post(
        f"/api/v1/applications/{made.number}/acts/publicise", {}, "application/json"
    )
    assert (asked.status_code, asked.json()["code"]) == (403, "application.second_duty")
    failed = CliRunner().invoke(app, ["act", made.number, "publicise", "--by", "both"])
    assert (failed.exit_code, getattr(failed.exception, "code", "")) == (1, "application.second_duty")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO programmes_dutyheld (application_id, person_id, duty) VALUES (%s, %s, 'publish')",
            [made.pk, both.pk],
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        DutyHeld.objects.filter(application=made, person=both).update(duty="publish")
    made.refresh_from_db()
    assert (made.state, made.steps.count()) == ("checked", 2)
