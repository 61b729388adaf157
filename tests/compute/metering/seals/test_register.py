"""The register of all centres and months: what it says, that it only grows, who gets it, who signs it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from typer.testing import CliRunner, Result

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.register import check_register, load_register
from huisuan.compute.metering.cli.meter_commands import app
from huisuan.compute.metering.seals.register import due_month, publish_register, register_file
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import AgentKey, RegisterEntry, RegisterSignature
from huisuan.protocol.batch_chain import START
from huisuan.protocol.signatures import make_key, public_half
from support.metering import HOUR, T0, Agent, agent, leased, said
from support.usage_records import centre, imported, line, sacct

pytestmark = pytest.mark.django_db
MARCH, APRIL, MAY = Month(2024, 3), Month(2024, 4), Month(2024, 5)
JUNE = datetime(2024, 6, 10, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def site() -> Agent:
    """A centre with use in March, one with an imported job in May, one without anything."""
    made = agent()
    leased(made.centre)
    made.report(said(), now=JUNE)
    centre("c2")
    may = {"Submit": "2024-05-02T09:00:00", "Start": "2024-05-02T09:00:00", "End": "2024-05-02T10:00:00"}
    imported(sacct(line(7, **may)), at="c2")
    centre("c3")
    return made


def meter(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], obj=lambda: None)


def newest() -> dict[str, Any]:
    """What the last entry says of each centre."""
    said = json.loads(RegisterEntry.objects.latest("month").statement)
    return {each["code"]: each for each in said["centres"]}


def test_every_centre_stands_in_it_with_its_keys_its_ledgers_end_and_each_of_its_months(site: Agent) -> None:
    made = seal_month("c1", MARCH, by="test", now=JUNE)
    publish_register(MAY, JUNE)
    one, two, three = (newest()[code] for code in ("c1", "c2", "c3"))
    assert one["agents"] == [
        {"name": site.name, "key": site.key.public_key, "valid_from": int(T0.timestamp()), "valid_to": None}
    ]
    batch = site.centre.batches.get()
    assert (one["batches"], one["chain"]) == (1, batch.chain)
    assert [(each["month"], each["state"]) for each in one["months"]] == [
        ("2024-03", "sealed"), ("2024-04", "empty"), ("2024-05", "empty"),
    ]  # fmt: skip
    assert one["months"][0]["root"] == made.root
    assert [(each["month"], each["state"]) for each in two["months"]] == [("2024-05", "open")]
    assert (three["batches"], three["chain"], three["agents"]) == (0, START, [])
    assert [(each["month"], each["state"]) for each in three["months"]] == [("2024-05", "empty")]


def test_it_says_nothing_of_how_much_was_used_or_by_whom(site: Agent) -> None:
    publish_register(MAY, JUNE)
    text = json.dumps(register_file())
    assert not any(word in text for word in ("card_seconds", "records", "sequence", "party", "J1", "张三"))


def test_entries_follow_month_upon_month_and_none_is_made_twice_or_too_early(site: Agent) -> None:
    publish_register(MARCH, JUNE)
    assert [str(each) for each in publish_register(MAY, JUNE)] == ["2024-04", "2024-05"]
    with pytest.raises(Refused, match="已经登记"):
        publish_register(APRIL, JUNE)
    with pytest.raises(Refused, match="还没有过完"):
        publish_register(Month(2024, 6), JUNE)
    one, two, three = RegisterEntry.objects.all()
    assert [one.previous, two.previous, three.previous] == ["", one.sha256, two.sha256]


def test_the_database_keeps_the_register_as_it_was_published(site: Agent) -> None:
    (entry,) = publish_register(MARCH, JUNE)
    changes: list[Any] = [
        lambda: RegisterEntry.objects.update(statement="x"),
        lambda: RegisterEntry.objects.all().delete(),
        lambda: RegisterEntry.objects.create(
            month=MAY.first_day, statement="x", sha256="0" * 64, previous=entry.sha256, signature="", made_at=JUNE
        ),
        lambda: RegisterEntry.objects.create(
            month=APRIL.first_day, statement="x", sha256="0" * 64, previous="1" * 64, signature="", made_at=JUNE
        ),
    ]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_revoked_key_stands_in_it_with_its_end(site: Agent) -> None:
    AgentKey.objects.filter(pk=site.key.pk).update(revoked_at=JUNE, revoked_by="test")
    publish_register(MAY, JUNE)
    assert newest()["c1"]["agents"][0]["valid_to"] == int(JUNE.timestamp())


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2024, 6, 1, 4, tzinfo=UTC), "2024-04"),
        (datetime(2024, 6, 5, 15, tzinfo=UTC), "2024-04"),
        (datetime(2024, 6, 6, 4, tzinfo=UTC), "2024-05"),
    ],
)
def test_the_worker_publishes_a_month_once_it_has_been_over_for_five_days(site: Agent, now: datetime, due: str) -> None:
    wanted = due_month(now)
    assert str(wanted) == due
    assert wanted is not None
    publish_register(wanted, now)
    assert due_month(now + timedelta(minutes=1)) is None


def test_anybody_may_have_it(site: Agent) -> None:
    assert Client().get("/api/v1/meter/register").status_code == 404
    publish_register(MAY, JUNE)
    answer = Client().get("/api/v1/meter/register")
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(register_file()))


def test_it_is_given_out_countersigned_anywhere_and_taken_back_with_the_signature(site: Agent, tmp_path: Path) -> None:
    path, key = tmp_path / "register.json", tmp_path / "auditor-key"
    assert meter("register", "--month", "2024-05", "--out", path).exit_code == 0
    private = make_key(key)
    result = CliRunner().invoke(
        app, ["register", "--countersign", str(path), "--key", str(key), "--by", "审计厅"], obj=None
    )
    assert (result.exit_code, public_half(private) in result.stdout) == (0, True)
    held = load_register(path)
    assert check_register(held, platform_key.public()) == []
    assert held.signers == {public_half(private)}
    assert meter("register", "--take", path).exit_code == 0
    assert meter("register", "--take", path).exit_code == 0
    assert RegisterSignature.objects.get().by == "审计厅"
    assert "审计厅" in meter("register").stdout
    assert json.loads(meter("register", "--json").stdout) == json.loads(path.read_text())


def test_a_register_that_does_not_hold_is_neither_countersigned_nor_taken(site: Agent, tmp_path: Path) -> None:
    publish_register(MAY, JUNE)
    path, file = tmp_path / "register.json", register_file()
    file["entries"][0]["signature"] = "00" * 64
    path.write_text(json.dumps(file))
    words = ("register", "--countersign", path, "--key", tmp_path / "k", "--by", "x")
    assert "不能会签" in str(meter(*words).exception)
    file = register_file()
    file["entries"][0]["countersignatures"] = [{"by": "x", "key": site.key.public_key, "signature": "00" * 64}]
    path.write_text(json.dumps(file))
    assert "不符" in str(meter("register", "--take", path).exception)
    file["entries"][0]["statement"] = file["entries"][0]["statement"].replace("2024-05", "2024-04")
    path.write_text(json.dumps(file))
    assert "不是本平台公布的" in str(meter("register", "--take", path).exception)
    assert not RegisterSignature.objects.exists()
    path.write_text("{}")
    assert isinstance(meter(*words).exception, Refused)


def test_what_is_sealed_after_an_entry_stands_in_the_next_and_the_two_fit(site: Agent, tmp_path: Path) -> None:
    publish_register(APRIL, JUNE)
    seal_month("c1", MARCH, by="test", now=JUNE)
    site.report(said(started=T0 + HOUR), now=JUNE)
    publish_register(MAY, JUNE)
    path = tmp_path / "register.json"
    path.write_text(json.dumps(register_file()))
    held = load_register(path)
    assert check_register(held, platform_key.public()) == []
    assert [entry.centres[0].months[0].state for _, entry in held.entries] == ["open", "sealed"]
