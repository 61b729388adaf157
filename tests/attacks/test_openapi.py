"""Whatever the description of the API allows, and what it does not: no answer is a fault of ours, for any role."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc

from huisuan.api.assembly import api
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Party, Person, Region
from huisuan.parties.route_access import ALL_ROLES

pytestmark = pytest.mark.django_db
EXAMPLES = 6  # of each operation: the whole walk stays below a minute
#: the operations are walked in as many tests: each makes its callers once
PARTS = 8


@cache
def operations() -> list[Any]:
    """Every operation of the API as Schemathesis reads its description: a second that who collects tests need not wait.

    What it calls an archive is sent as bytes; compute/jobs/workdirs/test_archive_safety.py attacks real ones.
    """
    import schemathesis

    schemathesis.serializer("application/gzip")(lambda context, value: bytes_of(value))
    described = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return [each.ok() for each in schemathesis.openapi.from_dict(described).get_all_operations()]


def bytes_of(value: Any) -> bytes:
    """A body as it is sent."""
    if isinstance(value, bytes):
        return value
    return (
        str(value).encode(errors="surrogatepass") if isinstance(value, str) else json.dumps(value, default=str).encode()
    )


@pytest.fixture
def bearers() -> list[dict[str, str]]:
    """How each role shows itself, and nobody."""
    shown: list[dict[str, str]] = [{}]
    for number, role in enumerate(ALL_ROLES):
        base = f"91340100MA3T{number:05d}"
        code = base + uscc.calc_check_digit(base)
        party = Party.objects.create(uscc=code, name=role, kind="enterprise", region_id="340100")
        person = Person.objects.create_person(
            role,
            None,
            role=role,
            party=party if role in ("user", "centre") else None,
            city=Region.objects.get(code="340100") if role == "city" else None,
        )
        shown.append({"HTTP_AUTHORIZATION": f"Bearer {token_of(person)}"})
    return shown


def token_of(person: Person) -> str:
    """The secret of a token that may do all that the person may."""
    return issue_token(person, "test", Actor("test"), datetime.now(UTC), scope="manage")[1]


def called(case: Any, bearer: dict[str, str]) -> int:
    """The status that the case is answered with; whatever it changed is taken back."""
    from schemathesis.core import NotSet

    client, address = Client(raise_request_exception=False), f"/api/v1{case.formatted_path.removeprefix('/api/v1')}"
    if case.query:
        address += f"?{urlencode(case.query, doseq=True, errors='surrogatepass')}"
    given: dict[str, Any] = {}
    if not isinstance(case.body, NotSet):
        if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
            form = {key: str(value) for key, value in case.body.items() if value is not None}
            given = {"data": {**form, "file": SimpleUploadedFile("a.txt", b"JobID|Start\n1|2\n")}}
        else:
            plain = case.media_type == "application/gzip"
            body = bytes_of(case.body) if plain or isinstance(case.body, bytes) else json.dumps(case.body, default=str)
            given = {"data": body, "content_type": case.media_type or "application/json"}
    try:
        with transaction.atomic():
            if case.method == "POST":
                status = client.post(address, **given, **bearer).status_code
            else:
                status = client.generic(case.method, address, **bearer).status_code
            transaction.set_rollback(True)
    except UnicodeEncodeError:  # half a surrogate pair cannot even be sent
        return 0
    return status


@pytest.mark.parametrize("part", range(PARTS))
def test_no_operation_answers_with_a_fault_of_ours(part: int, bearers: list[dict[str, str]]) -> None:
    for operation in operations()[part::PARTS]:
        _walk(operation, bearers)


def _walk(operation: Any, bearers: list[dict[str, str]]) -> None:
    from schemathesis import GenerationMode

    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])

    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate], derandomize=True,
    )  # fmt: skip
    @given(
        case=modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode)), bearer=st.sampled_from(bearers)
    )
    def walk(case: Any, bearer: dict[str, str]) -> None:
        assert called(case, bearer) < 500, f"{case.method} {case.formatted_path} {case.query} {case.body}"

    walk()


def test_every_operation_is_walked() -> None:
    assert len(operations()) > 20
