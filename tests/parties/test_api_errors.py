"""What the API refuses it refuses with words and a code, whatever the status."""

from __future__ import annotations

import pytest
from django.test import Client

from support.accounts import caller
from support.usage_records import party

pytestmark = pytest.mark.django_db


def test_what_is_not_there_is_refused_with_a_code() -> None:
    answer = caller("user", party=party(1)).get("/api/v1/jobs/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "job.unknown")


def test_a_role_that_may_not_is_refused_with_a_code() -> None:
    answer = caller("user", party=party(1)).post("/api/v1/settlements")
    assert (answer.status_code, answer.json()["code"]) == (403, "access.role_not_allowed")


def test_a_wrong_password_is_refused_with_a_code() -> None:
    answer = Client().post("/api/v1/login", {"username": "x", "password": "y"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "person.password_wrong")
