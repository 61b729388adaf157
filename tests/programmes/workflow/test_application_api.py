"""Acts over HTTP are those of the person whose token asks, once for a key, and seen by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person
from support.programmes import applicant, application, official, person

pytestmark = pytest.mark.django_db


def client(who: Person, scope: str = "submit") -> Client:
    """A program with a person's token."""
    secret = issue_token(who, "test", Actor("test"), datetime.now(UTC), scope=scope)[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def step(by: Client, number: str, action: str, key: str = "", **body: object) -> tuple[int, dict[str, object]]:
    answer = by.post(
        f"/api/v1/applications/{number}/acts/{action}", body, "application/json", headers={"Idempotency-Key": key}
    )
    return answer.status_code, answer.json()


def test_a_step_is_taken_once_for_a_key_and_by_the_person_of_the_token() -> None:
    made, firm, checker = application(), client(applicant()), client(official("checker", "check"))
    for _ in range(2):
        status, found = step(firm, made.number, "submit", "k1")
        assert (status, found["state"], len(found["history"])) == (200, "submitted", 1)  # type: ignore[arg-type]
    status, found = step(checker, made.number, "return", reason="缺页", fields=["national"])
    assert (status, found["state"]) == (200, "returned")
    assert [taken["by"] for taken in found["history"]] == ["firm1", "checker"]  # type: ignore[attr-defined]
    assert step(checker, made.number, "check")[0] == 409
    assert step(checker, made.number, "fly")[1]["code"] == "application.action_unknown"


def test_nobody_acts_or_looks_beyond_what_is_theirs() -> None:
    made, other = application(1), application(2)
    firm = client(applicant(1))
    assert [row["number"] for row in firm.get("/api/v1/applications").json()["applications"]] == [made.number]
    assert firm.get(f"/api/v1/applications/{other.number}").status_code == 404
    assert step(firm, other.number, "submit")[0] == 404
    assert step(client(applicant(1), "read"), made.number, "submit")[0] == 403
    step(firm, made.number, "submit")
    status, found = step(client(person("nopost")), made.number, "check")
    assert (status, found["code"]) == (403, "application.no_post_in_force")


def test_what_waits_is_shown_to_the_post_and_many_are_done_at_once() -> None:
    numbers = [application(number).number for number in (1, 2)]
    for number, one in enumerate(numbers, start=1):
        step(client(applicant(number)), one, "submit")
    checker = client(official("checker", "check"))
    assert [row["number"] for row in checker.get("/api/v1/inbox").json()["waiting"]] == numbers
    asked = {"numbers": [*numbers, "A1999-000001"], "reason": ""}
    answer = checker.post("/api/v1/acts/check", asked, "application/json").json()
    assert answer["done"] == numbers
    assert [(one["number"], one["code"]) for one in answer["refused"]] == [("A1999-000001", "application.unknown")]
    assert checker.get("/api/v1/inbox").json()["waiting"] == []
    assert checker.get("/api/v1/applications", {"state": "checked"}).json()["total"] == 2
