"""What the API refuses it refuses with words and a code, whatever the status."""

from __future__ import annotations

import pytest
from django.test import Client

from huisuan.base.errors import Conflict, Gone, HuisuanError, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.api_errors import ApiRefusal, status_by_kind
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


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(NotFound, 404), (NotAllowed, 403), (Conflict, 409), (Gone, 410)],
    ids=str,
)
def test_each_kind_of_refusal_has_its_status_and_keeps_its_words_and_code(
    refusal: type[HuisuanError], status: int
) -> None:
    with pytest.raises(ApiRefusal) as answered, status_by_kind():
        raise refusal("没有办", code="room.rule")
    assert (answered.value.status_code, str(answered.value), answered.value.code) == (status, "没有办", "room.rule")


def test_any_other_refusal_passes_unchanged() -> None:
    wrong = InvalidRequest("读不出", code="room.malformed")
    with pytest.raises(InvalidRequest) as passed, status_by_kind():
        raise wrong
    assert passed.value is wrong
