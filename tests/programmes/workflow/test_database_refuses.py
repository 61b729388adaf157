"""What is no step of the procedure is refused by the database, whoever writes."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.programmes.models import ApplicationStep
from huisuan.programmes.workflow import find_breaks
from support.programmes import NOON, applicant, application, official, walked

pytestmark = pytest.mark.django_db

_COLUMNS = (
    "application_id", "number", "previous", "edition_id", "action", "from_state", "to_state", "duty", "person_id",
    "post_id", "at", "reason", "amount_fen", "payload", "key", "previous_hash", "hash",
)  # fmt: skip


def copied(**other: object) -> None:
    """Write a third step in SQL, right but for some columns."""
    made = application()
    steps = walked(made, "check")
    publisher = official("publisher", "publish")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO programmes_dutyheld (application_id, person_id, duty) VALUES (%s, %s, 'publish')",
            [made.pk, publisher.pk],
        )
        row = {
            "application_id": made.pk, "number": 3, "previous": 2, "edition_id": made.edition_id,
            "action": "publicise", "from_state": "checked", "to_state": "in_publicity", "duty": "publish",
            "person_id": publisher.pk, "post_id": publisher.posts.get().pk, "at": NOON, "reason": "",
            "amount_fen": None, "payload": "{}", "key": "", "previous_hash": steps[-1].hash, "hash": "0" * 64,
        } | other  # fmt: skip
        if row["person_id"] == "checker":
            row["person_id"], row["post_id"] = steps[-1].person_id, steps[-1].post_id
        marks = ", ".join(["%s"] * len(_COLUMNS))
        cursor.execute(
            f"INSERT INTO programmes_applicationstep ({', '.join(_COLUMNS)}) VALUES ({marks})",
            [row[column] for column in _COLUMNS],
        )
    connection.check_constraints()


def test_a_right_step_written_by_hand_moves_the_application_but_its_hash_tells() -> None:
    copied()
    step = ApplicationStep.objects.get(number=3)
    assert step.application.state == "in_publicity"
    assert find_breaks(step.application.steps.all()) == [3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"to_state": "decided"},  # no edge
        {"action": "decide"},
        {"duty": "decide"},
        {"from_state": "in_publicity", "action": "decide", "to_state": "decided", "duty": "decide"},  # not from there
        {"number": 4, "previous": 3},  # a gap
        {"number": 4, "previous": 2},
        {"number": 1, "previous": None},
        {"previous_hash": "1" * 64},
        {"person_id": "checker"},  # a second duty
        {"post_id": None},
        {"hash": "x"},
    ],
)
def test_a_step_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        copied(**wrong)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_applicationstep SET reason = 'x'",
        "DELETE FROM programmes_applicationstep",
        "UPDATE programmes_application SET state = 'decided'",
        "UPDATE programmes_application SET amount_fen = 1",
        "UPDATE programmes_application SET steps_taken = 9",
        "UPDATE programmes_application SET party_id = party_id + 1",
        "DELETE FROM programmes_application",
        "UPDATE programmes_dutyheld SET duty = 'decide'",
        "DELETE FROM programmes_dutyheld",
        "UPDATE programmes_procedureedge SET to_state = 'paying'",
        "UPDATE programmes_procedureedition SET content = '{}'",
        "UPDATE programmes_post SET duty = 'decide'",
        "UPDATE programmes_post SET from_day = '2020-01-01'",
        "DELETE FROM programmes_post",
    ],
)
def test_what_is_on_record_stays(sql: str) -> None:
    walked(application(), "check")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_an_application_does_not_begin_further_on() -> None:
    made = application()
    made.pk, made.number, made.state = None, "A2024-000009", "decided"
    with pytest.raises(DatabaseError), transaction.atomic():
        made.save(force_insert=True)


def test_nobody_gives_a_post_to_oneself_in_sql() -> None:
    post = official("checker", "check").posts.get()
    post.pk, post.given_by = None, post.person
    with pytest.raises(DatabaseError), transaction.atomic():
        post.save(force_insert=True)
    assert applicant().posts.count() == 0
