"""A claim by API alone: from an empty draft with its files to what was handed in and checked; nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Region
from support.accounts import personal_caller
from support.calls import opened
from support.evidence import PDF
from support.programmes import LAW, applicant, official, person

pytestmark = pytest.mark.django_db
API = "/api/v1"
FACTS = {
    "agi_enterprise": "是",
    "national": "2",
    "international": "0",
    "published_on": "2024-03-01",
    "no_such_fact": "1",
}


def sent(by: Client, method: str, path: str, **body: object) -> tuple[int, Any]:
    answer = getattr(by, method)(f"{API}/{path}", body, "application/json")
    return answer.status_code, answer.json()


def attached(by: Client, path: str, content: bytes = PDF) -> tuple[int, Any]:
    answer = by.post(f"{API}/{path}", {"file": SimpleUploadedFile("proof.pdf", content)})
    return answer.status_code, answer.json()


def test_a_firm_claims_by_api_alone_and_the_office_checks_it_there() -> None:
    firm, other = personal_caller(applicant(1)), personal_caller(applicant(2))
    now = datetime.now(UTC)
    today = now.astimezone(SHANGHAI).date()
    call = opened(now, first_day=today, last_day=today + timedelta(days=9))
    objects = [{"kind": "standard", "code": f"GB/T {number}-2022"} for number in (40_001, 40_002)]
    status, made = sent(firm, "post", "drafts", policy=LAW.name, rule="14.1", facts={"national": "1"}, label="标准")
    assert (status, made["version"], made["facts"]) == (200, 1, {"national": "1"})
    at = f"drafts/{made['draft']}"
    status, kept = sent(firm, "put", at, version=1, facts=FACTS, objects=objects, label="标准")
    assert (status, kept["facts"], kept["objects"]) == (200, {n: FACTS[n] for n in list(FACTS)[:4]}, objects)
    assert sent(firm, "put", at, version=1, facts={})[1]["code"] == "draft.changed_meanwhile"
    asked = firm.get(f"{API}/calls/{call.number}/missing", {"draft": made["draft"]}).json()["missing"]
    assert {one["code"] for one in asked} == {"evidence_missing"}
    assert attached(firm, f"{at}/evidence/no_such_fact")[0] == 404
    assert attached(firm, f"{at}/evidence/national", b"MZ not a document")[0] == 422
    for fact in ("agi_enterprise", "national", "national"):
        status, kept = attached(firm, f"{at}/evidence/{fact}")
    assert [file["fact"] for file in kept["evidence"]] == ["agi_enterprise", "national"]
    more = attached(firm, f"{at}/evidence/international")[1]["evidence"]
    spare = next(file for file in more if file["fact"] == "international")
    assert len(sent(firm, "post", f"{at}/withdrawals/{spare['id']}")[1]["evidence"]) == 2
    assert sent(firm, "post", f"{at}/withdrawals/{spare['id']}")[1]["code"] == "draft.file_unknown"
    assert [sent(other, *asked)[0] for asked in (("get", at), ("post", f"{at}/discard"))] == [404, 404]
    status, claim = sent(firm, "post", f"calls/{call.number}/submissions", draft=made["draft"])
    assert (status, claim["state"]) == (200, "submitted")
    checker, number = personal_caller(official("checker", "check")), claim["number"]
    assert sent(checker, "post", f"applications/{number}/acts/check")[1]["code"] == "check.not_stored"
    assert sent(firm, "post", f"applications/{number}/checks")[0] == 403
    assert sent(checker, "post", "checks", numbers=[number, "A1999-000001"]) == (200, {"asked": 2})
    found = checker.get(f"{API}/applications/{number}/checks").json()["checks"]
    assert {one["kind"] for one in found} == {
        one["kind"] for one in sent(checker, "post", f"applications/{number}/checks")[1]["checks"]
    }
    status, claim = sent(checker, "post", f"applications/{number}/acts/check", reason="核对过")
    assert (status, claim["state"]) == (200, "checked")


def test_a_draft_is_put_away_and_a_city_that_is_on_no_register_begins_none() -> None:
    firm = personal_caller(applicant(1))
    made = sent(firm, "post", "drafts", policy=LAW.name, rule="14.1")[1]
    assert sent(firm, "post", "drafts", policy=LAW.name, rule="99.9")[0] == 422
    assert [one["draft"] for one in firm.get(f"{API}/drafts").json()["drafts"]] == [made["draft"]]
    assert sent(firm, "post", f"drafts/{made['draft']}/discard")[1]["discarded"]
    assert firm.get(f"{API}/drafts").json()["drafts"] == []
    city = person("city of no register", "city", city=Region.objects.get(code="340100"))
    status, refused = sent(personal_caller(city), "post", "drafts", policy=LAW.name, rule="8.2")
    assert (status, refused["code"]) == (409, "draft.no_party")
