"""The gate over HTTP: the whole way, and nobody else even learns that there is a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.opendata.models import GateFile
from huisuan.parties.models import Person, Role
from support.gate import list_entry, resident_ids, scan_now, steward

pytestmark = pytest.mark.django_db
ROWS = "序号,身份证号\n" + "".join(f"{n},{number}\n" for n, number in enumerate(resident_ids(3)))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def client_of(person: Person) -> Client:
    made = Client()
    made.force_login(person)
    return made


def post(person: Person, path: str, body: dict[str, Any]) -> Any:
    return client_of(person).post(f"/api/v1/opendata/files{path}", body, content_type="application/json")


def uploaded_by(person: Person, entry: str) -> Any:
    file = SimpleUploadedFile("名单.csv", ROWS.encode())
    return client_of(person).post("/api/v1/opendata/files", {"entry": entry, "file": file})


def test_three_people_bring_a_file_out_over_http() -> None:
    entry = list_entry()
    chen, qian, sun = (steward(name) for name in ("chen", "qian", "sun"))
    made = uploaded_by(chen, entry).json()
    number = made["number"]
    file = scan_now(GateFile.objects.get(pk=number))
    found = client_of(qian).get(f"/api/v1/opendata/files/{number}/findings").json()
    assert (found["total"], found["findings"][0]["kind"]) == (3, "resident_id")
    assert not any(each in str(found) for each in resident_ids(3))
    given = {"finding": 1, "action": "mask", "column": True}
    assert post(chen, f"/{number}/judgements", given).status_code == 403
    assert post(qian, f"/{number}/judgements", given).json()["state"] == "clean"
    assert post(qian, f"/{number}/remakes", {}).json()["state"] == "remade"
    scan_now(file)
    assert post(qian, f"/{number}/release", {}).status_code == 403
    out = post(sun, f"/{number}/release", {}).json()
    assert (out["state"], {one["format"] for one in out["releases"]}) == ("released", {"csv", "parquet"})
    assert post(chen, f"/{number}/withdrawal", {"reason": "更正"}).json()["state"] == "withdrawn"
    listed = client_of(sun).get("/api/v1/opendata/files").json()
    assert [one["state"] for one in listed["files"]] == ["withdrawn"]


def test_whoever_is_no_steward_of_the_city_learns_nothing() -> None:
    number = uploaded_by(steward("chen"), list_entry()).json()["number"]
    other = client_of(steward("wuhu", "340200"))
    assert other.get("/api/v1/opendata/files").json() == {"total": 0, "files": []}
    assert other.get(f"/api/v1/opendata/files/{number}").status_code == 404
    for role in set(Role.values) - {"city", "province", "user", "centre"}:  # those two act for a party
        person = Person.objects.create_person(role, None, role=role, name=role)
        assert client_of(person).get(f"/api/v1/opendata/files/{number}").status_code in (401, 403)
