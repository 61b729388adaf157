"""`huisuan notice`, and the same over HTTP for anybody and for posts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from typer.testing import CliRunner

from huisuan.cli.main import assemble
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person
from support.evidence import PDF
from support.notices import checked, published
from support.programmes import official, person

pytestmark = pytest.mark.django_db
SAID = {"name": "王五", "contact": "13800000000", "facts": "不是其牵头制定"}


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    return assemble()


def run(app: typer.Typer, *words: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, ["notice", *words, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def client_of(who: Person) -> Client:
    """A program with a token of a person."""
    token = issue_token(who, "acts", Actor(who.username), datetime.now(UTC), scope="manage")[1]
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_a_notice_by_commands_from_its_list_to_the_answer_of_an_objection(app: typer.Typer, tmp_path: Path) -> None:
    first, second = (one.number for one in checked(1, 2))
    official("publisher", "publish")
    official("other", "publish")
    person("shenji", "auditor")
    made = run(
        app, "publish", first, second, "--by", "publisher", "--title", "标准奖励拟支持名单",
        "--amount", f"{first}=500000", "--reason", f"{first}=牵头制定国家标准",
    )  # fmt: skip
    assert [(line["application"], line["amount_fen"], line["state"]) for line in made["lines"]] == [
        (first, 500_000, "in_public"), (second, None, "in_public"),
    ]  # fmt: skip
    assert made["lines"][0]["reason"] == "牵头制定国家标准"
    assert [row["number"] for row in run(app, "list", "--running")] == [made["number"]]
    proof = tmp_path / "证明.pdf"
    proof.write_bytes(PDF)
    words = [word for name, value in SAID.items() for word in (f"--{name}", value)]
    asked = run(app, "object", made["number"], "1", *words, "--file", str(proof))
    assert (asked["answer"], asked["position"]) == (None, 1)
    shown = run(app, "show", made["number"])["lines"][0]
    assert (shown["state"], shown["objections"], shown["unanswered"]) == ("suspended", 1, 1)
    assert "王五" not in json.dumps(shown, ensure_ascii=False)
    (waiting,) = run(app, "objections", "--by", "other", "--waiting")
    assert (waiting["name"], waiting["files"][0]["filename"]) == ("王五", "证明.pdf")
    assert run(app, "objections", "--by", "shenji") == [waiting]
    assert run(app, "objections", "--by", "giver") == []
    done = run(app, "answer", str(waiting["objection"]), "--upheld", "--text", "另有牵头单位", "--by", "other")
    assert done["answer"]["upheld"]
    assert run(app, "show", made["number"])["lines"][0]["state"] == "left"


def test_anybody_reads_notices_and_objects_over_http() -> None:
    published(1, now=datetime.now(UTC))
    anybody = Client()
    (row,) = anybody.get("/api/v1/notices").json()["notices"]
    assert (row["state"], row["lines"]) == ("running", 1)
    address = f"/api/v1/notices/{row['number']}/lines/1/objections"
    file = SimpleUploadedFile("证明.pdf", PDF, "application/pdf")
    made = anybody.post(address, {**SAID, "files": file})
    assert made.status_code == 200, made.content
    assert anybody.get(f"/api/v1/objections/{made.json()['code'].lower()}").json()["answer"] is None
    macro = SimpleUploadedFile("宏.xlsm", b"PK\x03\x04")
    wrong = anybody.post(address, {**SAID, "facts": " ", "files": macro})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "objection.malformed")
    assert anybody.post(address.replace("lines/1", "lines/9"), SAID).status_code == 404
    assert anybody.get("/api/v1/notices/N2024-9999").status_code == 404
    assert anybody.get("/api/v1/objections").status_code == 401
    for _ in range(18):  # what was refused counts like what was kept
        assert anybody.post(address, SAID).status_code == 200
    assert anybody.post(address, SAID).json()["code"] == "objection.too_many"
    assert "王五" not in anybody.get(f"/api/v1/notices/{row['number']}").content.decode()


def test_a_long_list_is_read_in_pages_over_http() -> None:
    published(1, 2, 3, now=datetime.now(UTC))
    address = f"/api/v1/notices/{Client().get('/api/v1/notices').json()['notices'][0]['number']}"
    page = Client().get(address, {"offset": 1, "limit": 1}).json()
    assert (page["total"], [line["position"] for line in page["lines"]]) == (3, [2])
    assert [line["position"] for line in Client().get(address).json()["lines"]] == [1, 2, 3]
    assert Client().get(address, {"limit": 1001}).status_code == 422


def test_posts_publish_and_answer_over_http() -> None:
    (made,) = checked(1)
    body = {"lines": [{"application": made.number, "amount_fen": 1}]}
    publisher, other = official("publisher", "publish"), official("other", "publish")
    assert client_of(official("checker", "check")).post(
        "/api/v1/notices", body, "application/json"
    ).status_code == 403  # fmt: skip
    notice = client_of(publisher).post("/api/v1/notices", body, "application/json").json()
    Client().post(f"/api/v1/notices/{notice['number']}/lines/1/objections", SAID)
    (asked,) = client_of(other).get("/api/v1/objections?waiting=true").json()["objections"]
    address, said = f"/api/v1/objections/{asked['objection']}/answer", {"upheld": False, "text": "查无实据"}
    handled = client_of(publisher).post(address, said, "application/json")
    assert (handled.status_code, handled.json()["code"]) == (403, "objection.handled_before")
    answered = client_of(other).post(address, said, "application/json")
    assert answered.json()["answer"]["text"] == "查无实据"
    assert client_of(other).get("/api/v1/objections?waiting=true").json()["total"] == 0
