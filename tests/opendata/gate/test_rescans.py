"""Files that stand still at the gate, and what makes them go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from huisuan.base.db.background_work import WorkState
from huisuan.base.errors import Conflict, NotFound
from huisuan.opendata.gate import rescanning
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.rescanning import rescan_file
from huisuan.opendata.gate.steps import take_step
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import GateDutyHeld, ScanWork
from huisuan.parties.models import Person
from support.catalogue import code
from support.gate import NOW, list_entry, remade, scan_now, steward, uploaded

pytestmark = pytest.mark.django_db
PARKING = "名称,车位数\n南站停车场,120\n北站停车场,80\n".encode()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    list_entry()


def test_a_file_whose_scan_failed_is_scanned_when_somebody_of_its_city_asks() -> None:
    file = upload_file(code(), "车位.csv", PARKING, steward("uploader"), NOW)
    take_step(file, "begin", NOW)
    with pytest.raises(Conflict):  # it is under way
        rescan_file(file.pk, steward("judge"), NOW)
    ScanWork.objects.filter(file=file).update(state=WorkState.FAILED, reason="磁盘满了", ended_at=NOW)
    with pytest.raises(NotFound):
        rescan_file(file.pk, steward("wuhu", "340200"), NOW)
    rescan_file(file.pk, steward("judge"), NOW)
    assert scan_now(file).state == "clean"


def test_a_file_that_is_ready_by_older_rules_is_scanned_again_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    file = remade(uploaded(PARKING))
    with pytest.raises(Conflict):
        rescan_file(file.pk, steward("judge"), NOW)
    monkeypatch.setattr(rescanning, "current_rules", lambda: "2099-01")
    rescan_file(file.pk, steward("judge"), NOW)
    file.refresh_from_db()
    assert file.state == "remade"
    assert scan_now(file).state == "ready"


def test_a_file_with_nothing_left_to_judge_is_made_anew() -> None:
    file = uploaded(PARKING)
    remake_file(file.pk, steward("judge"), NOW)
    file.refresh_from_db()
    take_step(file, "rescan", NOW)
    take_step(file, "find", NOW)
    rescan_file(file.pk, steward("judge"), NOW)
    file.refresh_from_db()
    assert file.state == "clean"
    assert remade(file).state == "ready"


def test_the_database_gives_no_duty_to_a_program() -> None:
    file = uploaded(PARKING)
    city = steward("uploader").city
    program = Person.objects.create_person("program", None, role="city", name="程序", city=city, machine=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        GateDutyHeld.objects.create(file=file, person=program, duty="release")
