"""Files that stand still at the gate, and what makes them go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from huisuan.base.db.background_work import WorkState
from huisuan.base.errors import Conflict, NotAllowed, NotFound
from huisuan.messages.models import Message
from huisuan.opendata.access.released import released_now
from huisuan.opendata.gate import releasing, rescanning, scan_work
from huisuan.opendata.gate.releasing import release_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.rescanning import reopen_file, rescan_file, scan_what_is_out
from huisuan.opendata.gate.steps import take_step
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import GateDutyHeld, GateRules, ScanWork
from huisuan.opendata.names import stage, text_findings
from huisuan.opendata.names.lac_model import model_digest
from huisuan.parties.models import Person
from support.catalogue import code
from support.gate import NOW, judge_all, list_entry, released, remade, scan_now, steward, uploaded

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


def test_rules_that_come_later_suspend_what_is_out_and_rules_that_find_nothing_let_it_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest rules knew no names; those of today do; a hit shuts every way until rules find nothing."""
    with rules_without_names(monkeypatch, "2026-10"):
        one, *_ = released("关于停车场的答复\n申请人王小明反映的问题已办结。\n".encode(), name="答复.txt")
        assert scan_what_is_out(NOW) == 0
    way = f"/opendata/files/{one.pk}.{one.product.format}"
    assert Client().get(way).status_code == 200
    assert scan_what_is_out(NOW) == 1
    assert scan_what_is_out(NOW) == 0  # it is under way
    file = scan_now(one.file)
    assert file.state == "suspended"
    assert Message.objects.filter(code="gate_file_suspended", person__username="uploader").exists()
    for gone in (way, f"/api/v1/opendata/released/{one.pk}", f"/api/v1/opendata/released/{one.pk}/content"):
        assert Client().get(gone).status_code == 410, gone
    assert Client().get("/api/v1/opendata/released").json()["total"] == 0
    assert "已中止提供" in Client().get("/opendata/changes.atom").content.decode()
    with pytest.raises(DatabaseError), transaction.atomic():
        take_step(file, "resume", NOW)
    with rules_without_names(monkeypatch, "2099-01"):
        assert scan_what_is_out(NOW) == 1
        assert scan_now(file).state == "released"
    assert Client().get(way).status_code == 200


def test_a_suspended_file_is_judged_again_and_only_what_is_made_then_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with rules_without_names(monkeypatch, "2026-10"):
        one, *_ = old = released("关于停车场的答复\n申请人王小明反映的问题已办结。\n".encode(), name="答复.txt")
    assert scan_what_is_out(NOW) == 1
    file = scan_now(one.file)
    with pytest.raises(NotAllowed, match="由你放行"):
        reopen_file(file.pk, steward("releaser"), NOW)
    reopen_file(file.pk, steward("judge"), NOW, "按新规则再判断")
    with pytest.raises(Conflict, match="才能重新判断"):
        reopen_file(file.pk, steward("judge"), NOW)
    way = f"/opendata/files/{one.pk}.{one.product.format}"
    answer = Client().get(way)
    assert (answer.status_code, "已中止提供" in answer.content.decode()) == (410, True)  # not how far it is
    file = scan_now(file)
    assert file.state == "to_judge"
    file = remade(judge_all(file))
    with pytest.raises(NotAllowed):
        release_file(file.pk, steward("judge"), NOW)
    new = release_file(file.pk, steward("releaser"), NOW)
    assert [step.action for step in file.steps.filter(number__gt=6).exclude(action="judge")][-8:] == [
        "suspend", "reopen", "find", "settle", "remake", "rescan", "pass", "release",
    ]  # fmt: skip
    assert {each.pk for each in released_now()} == {each.pk for each in new}
    assert {Client().get(f"/opendata/files/{each.pk}.{each.product.format}").status_code for each in old} == {410}
    text = next(each for each in new if each.product.format == "txt")
    assert "王小明" not in b"".join(Client().get(f"/opendata/files/{text.pk}.txt")).decode()
    assert scan_what_is_out(NOW) == 0  # what is gone for good is not scanned again and again


@contextmanager
def rules_without_names(monkeypatch: pytest.MonkeyPatch, version: str, model: str = "") -> Iterator[None]:
    """Rules that find no name, whatever model they say they have; if none, the one that is installed."""
    with rules_of_model(monkeypatch, version, model or model_digest()), monkeypatch.context() as there:
        there.setattr(stage, "load_tagger", lambda: None)
        there.setattr(stage, "cued_names", lambda _text: [])
        yield


def test_what_a_model_found_is_not_out_again_by_itself_without_it_nor_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Suspended by rules with a model; weaker ones, however new, find nothing, and let nothing out."""
    with rules_without_names(monkeypatch, "1", "none"):
        one, *_ = released("关于停车场的答复\n申请人王小明反映的问题已办结。\n".encode(), name="答复.txt")
    with rules_of_model(monkeypatch, "2+m", "m"):
        assert scan_what_is_out(NOW) == 1
        assert scan_now(one.file).state == "suspended"
    for version, model in (("3", "none"), ("4+n", "n")):
        with rules_without_names(monkeypatch, version, model):
            assert scan_what_is_out(NOW) == 1
            file = scan_now(one.file)
            assert file.state == "suspended", version
            with pytest.raises(DatabaseError), transaction.atomic():
                take_step(file, "resume", NOW)
    with rules_without_names(monkeypatch, "5+m", "m"):
        assert scan_what_is_out(NOW) == 1
        assert scan_now(one.file).state == "released"


def test_rules_without_a_model_take_the_place_of_none_with_one_and_release_nothing_that_it_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "关于停车场的答复\n申请人王小明反映的问题已办结。\n".encode()
    with rules_without_names(monkeypatch, "2", "none"):
        file = remade(judge_all(uploaded(text, "答复.txt")))
        assert file.state == "ready"
    with rules_of_model(monkeypatch, "2+m", "m"):
        rescan_file(file.pk, steward("judge"), NOW)
        assert scan_now(file).state == "to_judge"
    with rules_without_names(monkeypatch, "3", "none"):
        rescan_file(file.pk, steward("judge"), NOW)  # nothing is open in what came in
        file.refresh_from_db()
        assert remade(file).state == "ready"
        with pytest.raises(Conflict, match="须再检查"):
            release_file(file.pk, steward("releaser"), NOW)
    with rules_of_model(monkeypatch, "4+m", "m"):
        other = remade(judge_all(uploaded(PARKING)))
    GateRules.objects.create(version="4", at=NOW)
    with rules_of_model(monkeypatch, "4+m", "m"):
        assert release_file(other.pk, steward("releaser"), NOW)
    assert GateRules.objects.latest("id").model == "none"


@contextmanager
def rules_of_model(monkeypatch: pytest.MonkeyPatch, version: str, model: str) -> Iterator[None]:
    """Rules that find names by the words around them, and say that a model looked for them."""
    with monkeypatch.context() as there:
        for module in (scan_work, releasing, rescanning):
            there.setattr(module, "current_rules", lambda: version)
        there.setattr(scan_work, "model_digest", lambda: model)
        for module in (scan_work, rescanning, text_findings):
            there.setattr(module, "model_name", lambda: model.replace("none", ""))
        yield
