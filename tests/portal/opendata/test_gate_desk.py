"""The desk of the gate: three people bring a file out by its pages, and nobody else learns what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.opendata.models import GateFile
from huisuan.parties.models import Person, Role
from support.catalogue import code
from support.gate import list_entry, remade, resident_ids, scan_now, steward, uploaded

pytestmark = pytest.mark.django_db
IDS = resident_ids(30)
NAMES = [f"陈{'建国强伟芳'[n % 5]}{'民华英'[n % 3]}" for n in range(len(IDS))]
ROWS = "姓名,身份证号,住址说明\n" + "".join(f"{NAMES[n]},{number},某街道第{n}户\n" for n, number in enumerate(IDS))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def client_of(person: Person) -> Client:
    made = Client()
    made.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return made


def test_three_people_bring_a_file_out_by_its_pages() -> None:
    list_entry()
    chen, qian, sun = (client_of(steward(name)) for name in ("chen", "qian", "sun"))
    empty = chen.post("/opendata/desk", {"entry": code(), "file": SimpleUploadedFile("空.csv", b"")})
    assert empty.status_code == 422
    sent = chen.post("/opendata/desk", {"entry": code(), "file": SimpleUploadedFile("名单.csv", ROWS.encode())})
    page = sent["Location"]
    file = scan_now(GateFile.objects.get())
    shown = qian.get(page).content.decode()
    assert not any(number in shown for number in IDS)
    for text in ("某街道第0户", "340***", "身份证号"):
        assert text in shown
    assert not any(name in shown for name in NAMES)
    judged = {"do": "judge", "finding": 1, "action": "mask", "scope": "column"}
    assert chen.post(page, judged).status_code == 422  # who handed it in
    assert qian.post(page, {**judged, "action": "false_alarm"}).status_code == 422  # without a reason
    for kind in ("everywhere", "column"):
        for number in range(1, 35):
            left = qian.get(page).content.decode()
            if 'id="remake"' in left:
                break
            qian.post(page, {**judged, "finding": number, "scope": kind})
    assert qian.post(page, {"do": "remake"}).status_code == 302
    scan_now(file)
    assert "等我放行" in sun.get("/opendata/desk", {"mine": "yes"}).content.decode()
    assert 'id="release"' not in qian.get(page).content.decode()
    assert qian.post(page, {"do": "release"}).status_code == 422
    assert sun.post(page, {"do": "release"}).status_code == 302
    assert chen.post(page, {"do": "withdraw", "reason": " "}).status_code == 422
    assert chen.post(page, {"do": "withdraw", "reason": "更正"}).status_code == 302
    file.refresh_from_db()
    assert file.state == "withdrawn"


def test_of_a_file_before_its_release_nobody_but_the_stewards_of_its_city_learns_anything() -> None:
    list_entry()
    file = remade_of(uploaded(ROWS.encode()))
    secrets = (*IDS, "住址说明", "某街道", file.sha256, str(file.size), "340***")
    products = [product.sha256 for product in file.remakes.latest("id").products.all()]
    addresses = [
        "/opendata/", f"/opendata/{code()}", "/opendata/desk", f"/opendata/desk/{file.pk}", "/opendata/changes.atom",
        *(f"/opendata/files/{number}.{form}" for number in (file.pk, 1) for form in ("csv", "parquet")),
        f"/opendata/query?entry={code()}&sql=SELECT+*+FROM+data", "/opendata/query?sql=SELECT+*+FROM+r1",
        "/api/v1/opendata/released", "/api/v1/opendata/released/1", "/api/v1/opendata/released/1/content",
        "/api/v1/opendata/files", f"/api/v1/opendata/files/{file.pk}", f"/api/v1/opendata/files/{file.pk}/findings",
    ]  # fmt: skip
    people = [
        None, steward("wuhu", "340200"),
        *(Person.objects.create_person(role, None, role=role, name=role)
          for role in sorted(set(Role.values) - {"city", "province", "user", "centre"})),
    ]  # fmt: skip
    for person in people:
        for address in addresses:
            answer = (client_of(person) if person else Client()).get(address)
            said = answer.content.decode()
            assert answer.status_code < 500
            assert [each for each in (*secrets, *products) if each in said] == [], (person, address)
    assert "住址说明" in client_of(steward("judge")).get(f"/opendata/desk/{file.pk}").content.decode()


def remade_of(file: GateFile) -> GateFile:
    from support.gate import judge_all

    return remade(judge_all(file))


def test_a_sealed_file_shows_its_mark_and_place_alone() -> None:
    list_entry()
    file = uploaded("机密★10年\n名单,电话\n张三,13912345678\n".encode(), "名单.csv")
    shown = client_of(steward("judge")).get(f"/opendata/desk/{file.pk}").content.decode()
    assert "机密★" in shown
    for text in ("13912345678", "139****", "张三", file.sha256, 'id="columns"', 'id="remake"'):
        assert text not in shown
