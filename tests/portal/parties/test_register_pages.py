"""The register on pages: entered, changed and imported by the province, each change kept with who made it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse

from huisuan.base.errors import InvalidRequest
from huisuan.parties.models import Party, PartyChange, Relation, StateChange
from huisuan.portal.parties.held_files import held_file, hold_file
from huisuan.portal.ui import number_format
from support.portal import World, code

pytestmark = pytest.mark.django_db
NEW = {"uscc": code(77), "name": "新公司", "kind": "enterprise", "region": "340100", "name_en": "", "registered_on": ""}


def test_a_party_is_entered_and_changed_and_both_are_kept(world: World) -> None:
    browser = world.browser("province")
    answer = browser.post(reverse("new-party"), NEW)
    assert answer.url == reverse("party", args=[NEW["uscc"]])  # type: ignore[attr-defined]
    browser.post(
        reverse("change-party", args=[NEW["uscc"]]), {**NEW, "region": "340200", "registered_on": "2024-01-02"}
    )
    party = Party.objects.get(uscc=NEW["uscc"])
    assert (party.region_id, party.demo) == ("340200", False)
    changed, entered = PartyChange.objects.filter(party=party)
    assert (changed.by, changed.before, changed.after) == (
        "province",
        {"region": "340100", "registered_on": ""},
        {"region": "340200", "registered_on": "2024-01-02"},
    )
    assert (entered.before, entered.after["name"]) == ({}, "新公司")
    page = browser.get(reverse("party", args=[NEW["uscc"]])).content.decode()
    for text in ("历次更改", "340200", "网页"):
        assert text in page
    with pytest.raises(DatabaseError), transaction.atomic():
        PartyChange.objects.update(by="别人")


def test_a_wrong_value_is_named_and_nothing_is_stored(world: World) -> None:
    browser, many = world.browser("province"), Party.objects.count()
    for wrong, said in (
        ({"uscc": code(77)[:-1] + "X"}, "校验位"),
        ({"name": ""}, "没有名称"),
        ({"name": "长" * 201}, "超过 200 个字"),
        ({"region": "999999"}, "不是已知的行政区划代码"),
        ({"registered_on": "昨天"}, "不是日期"),
        ({"uscc": world.alpha.uscc}, "已经登记"),
    ):
        answer = browser.post(reverse("new-party"), {**NEW, **wrong})
        assert (answer.status_code, said in answer.content.decode()) == (422, True), wrong
    assert Party.objects.count() == many
    assert not PartyChange.objects.exists()


def test_of_a_file_the_good_lines_are_kept_and_the_bad_ones_named(world: World) -> None:
    lines = f"uscc,name,kind,region\n{code(78)},甲,enterprise,340100\nx,乙,enterprise,340100\n"
    file = SimpleUploadedFile("主体.csv", lines.encode())
    answer = world.browser("province").post(reverse("import-parties"), {"file": file})
    page = answer.content.decode()
    assert answer.status_code == 422
    for text in ("不是统一社会信用代码", "请对照营业执照核对"):
        assert text in page
    assert PartyChange.objects.get().source == "主体.csv"
    for rubbish in (b"", b"\x00\xff\x00", b"name\nx\n"):
        bad = world.browser("province").post(reverse("import-parties"), {"file": SimpleUploadedFile("x.csv", rubbish)})
        assert bad.status_code == 422


def test_a_city_reads_its_own_parties_and_changes_none(world: World) -> None:
    browser = world.browser("city")
    page = browser.get(reverse("parties")).content.decode()
    assert world.alpha.uscc in page
    assert world.beta.uscc not in page
    assert browser.get(reverse("party", args=[world.beta.uscc])).status_code == 404
    assert browser.get(reverse("new-party")).status_code == 403
    assert world.browser("auditor").post(reverse("change-party", args=[world.alpha.uscc]), NEW).status_code == 403
    assert world.beta.uscc in world.browser("auditor").get(reverse("parties")).content.decode()


def _moved(world: World, region: str = "310000") -> SimpleUploadedFile:
    """A file by which the firm had left the province before most of the year that is settled."""
    head, row = (
        "uscc,name,kind,region,valid_from",
        f"{world.alpha.uscc},{world.alpha.name},enterprise,{region},2024-02-01",
    )
    return SimpleUploadedFile("迁出.csv", f"{head}\n{row}\n".encode())


def test_a_file_that_changes_past_results_is_shown_first_and_imported_once_it_is_accepted(world: World) -> None:
    browser, address = world.browser("province"), reverse("import-parties")
    owed = world.entitlement(world.alpha)
    answer = browser.post(address, {"file": _moved(world)})
    page = answer.content.decode()
    assert answer.status_code == 200
    for text in ("还没有写入", "接受并导入", number_format.yuan(owed.amount_fen), reverse("run", args=[world.run.pk])):
        assert text in page
    ((row, _name, _before, _after),) = answer.context["changed"]
    assert (row.party, row.before_fen) == (world.alpha.uscc, owed.amount_fen)
    assert row.after_fen < owed.amount_fen
    assert not StateChange.objects.exists()
    slip, seen = answer.context["slip"], answer.context["seen"]
    for wrong in ({"slip": slip + "x", "seen": seen}, {"slip": "", "seen": seen}):
        assert browser.post(address, wrong).status_code == 422
    assert "请再看一次" in browser.post(address, {"slip": slip, "seen": "0" * 64}).content.decode()
    assert not StateChange.objects.exists()
    done = browser.post(address, {"slip": slip, "seen": seen})
    assert done.context["report"].changed == 1
    assert "changed" not in done.context
    assert StateChange.objects.get().source == "迁出.csv"


def test_what_was_previewed_is_its_uploaders_alone(world: World) -> None:
    slip = hold_file(b"uscc", "x.csv", "somebody")
    answer = world.browser("province").post(reverse("import-parties"), {"slip": slip, "seen": ""})
    assert "已经不在了" in answer.content.decode()


def test_a_held_file_is_cleared_away_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    slip = hold_file(b"one", "x.csv", "province")
    assert held_file(slip, "province") == (b"one", "x.csv")
    (path,) = (tmp_path / "register-imports").glob("??/*")
    os.utime(path, (0, 0))
    hold_file(b"two", "y.csv", "province")
    with pytest.raises(InvalidRequest):
        held_file(slip, "province")


def test_a_change_on_the_page_of_a_party_that_changes_past_results_is_accepted_as_a_second_step(world: World) -> None:
    browser, address = world.browser("province"), reverse("change-party", args=[world.alpha.uscc])
    given = {
        "name": world.alpha.name,
        "kind": "enterprise",
        "region": "340100",
        "name_en": "",
        "registered_on": "2024-05-01",
    }
    answer = browser.post(address, given)
    assert "接受并登记" in answer.content.decode()
    assert not StateChange.objects.exists()
    assert 'value="2024-05-01"' in answer.content.decode()
    other = browser.post(address, {**given, "registered_on": "2024-04-01", "seen": answer.context["seen"]})
    assert other.context["changed"]  # another change than the one that was seen
    done = browser.post(address, {**given, "seen": answer.context["seen"]})
    assert done.url == reverse("party", args=[world.alpha.uscc])  # type: ignore[attr-defined]
    assert str(Party.objects.get(pk=world.alpha.pk).registered_on) == "2024-05-01"


def test_the_preview_reads_in_english(world: World) -> None:
    page = world.browser("province", "en").post(reverse("import-parties"), {"file": _moved(world)}).content.decode()
    for text in ("Past results would become", "Nothing is written yet", "Accept and import"):
        assert text in page


def test_relations_and_successions_come_from_files_and_stand_on_the_pages_of_both_parties(world: World) -> None:
    browser, address = world.browser("province"), reverse("import-parties")
    first, second = world.alpha.uscc, world.beta.uscc
    relations = f"owner,owned,valid_from,share\n{first},{second},2030-01-01,51%\n{first},0,2030-01-01,51%\n"
    answer = browser.post(address, {"file": SimpleUploadedFile("r.csv", relations.encode()), "kind": "relations"})
    assert answer.status_code == 422  # the second line is none, the first is kept
    assert Relation.objects.filter(owner=world.alpha, owned=world.beta).count() == 1
    successions = f"old,new,kind,valid_from\n{first},{second},merged,2030-02-01\n"
    content = SimpleUploadedFile("s.csv", successions.encode())
    assert browser.post(address, {"file": content, "kind": "successions"}).status_code == 200
    for uscc in (first, second):
        page = browser.get(reverse("party", args=[uscc])).content.decode()
        assert "合并" in page.partition('id="successions"')[2]
        assert "2030-02-01" in page


def test_what_holds_from_a_day_on_stands_on_the_page_of_a_party(world: World) -> None:
    browser = world.browser("province", "en")
    answer = browser.post(reverse("import-parties"), {"file": _moved(world), "kind": "parties"})
    accepted = {name: answer.context[name] for name in ("slip", "seen", "kind")}
    browser.post(reverse("import-parties"), accepted)
    page = browser.get(reverse("party", args=[world.alpha.uscc])).content.decode()
    assert "Shanghai" in page.partition('id="dated"')[2]


def test_a_kind_of_file_that_nobody_knows_is_taken_for_parties(world: World) -> None:
    assert (
        'value="parties" selected'
        in world.browser("province").get(reverse("import-parties") + "?kind=nothing").content.decode()
    )
