"""The register on pages: entered, changed and imported by the province, each change kept with who made it."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party, PartyChange, Relation, StateChange
from huisuan.parties.relation_history import relations_known
from huisuan.portal.ui import number_format
from huisuan.settlement.impact.register_requests import (
    HELD,
    MOST_FILES_WAITING,
    RegisterLines,
    accept_register_file,
    forget_register_files,
    request_register_file,
    run_register_file,
)
from huisuan.settlement.models import RegisterFileRequest
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
    assert ended(browser).context["entered"]
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
    page = handed_in(world, SimpleUploadedFile("主体.csv", lines.encode())).content.decode()
    for text in ("不是统一社会信用代码", "请对照营业执照核对"):
        assert text in page
    assert PartyChange.objects.get().source == "主体.csv"
    empty = world.browser("province").post(reverse("import-parties"), {"file": SimpleUploadedFile("x.csv", b"")})
    assert empty.status_code == 422
    for rubbish in (b"\x00\xff\x00", b"name\nx\n"):
        assert "没有完成" in handed_in(world, SimpleUploadedFile("x.csv", rubbish)).content.decode()


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


def handed_in(world: World, file: SimpleUploadedFile, kind: str = "parties", language: str = "zh-hans") -> Any:
    """The page of a file once the worker has done with it."""
    browser = world.browser("province", language)
    answer = browser.post(reverse("import-parties"), {"file": file, "kind": kind})
    assert answer.status_code == 302
    return ended(browser)


def ended(browser: Any) -> Any:
    """The page of what was handed in last, once the worker has done with it."""
    work = RegisterFileRequest.objects.latest("pk")
    run_register_file(work.pk, timezone.now())
    return browser.get(reverse("register-file", args=[work.pk]))


def accept(world: World, answer: Any) -> Any:
    """Accept what a page shows, and the page that comes of it."""
    browser = world.browser("province")
    browser.post(reverse("accept-register-file", args=[answer.context["work"].pk]))
    return ended(browser)


def test_a_file_that_changes_past_results_is_shown_first_and_imported_once_it_is_accepted(world: World) -> None:
    owed = world.entitlement(world.alpha)
    answer = handed_in(world, _moved(world))
    page = answer.content.decode()
    for text in ("还没有写入", "接受并登记", number_format.yuan(owed.amount_fen), reverse("run", args=[world.run.pk])):
        assert text in page
    ((row, _name, _before, _after),) = answer.context["changed"]
    assert (row.party, row.before_fen) == (world.alpha.uscc, owed.amount_fen)
    assert row.after_fen < owed.amount_fen
    assert not StateChange.objects.exists()
    done = accept(world, answer)
    assert done.context["report"].changed == 1
    assert "changed" not in done.context
    assert StateChange.objects.get().source == "迁出.csv"


def test_what_changed_since_it_was_seen_is_shown_again(world: World) -> None:
    first = handed_in(world, _moved(world))
    RegisterFileRequest.objects.update(digest="0" * 64)
    assert "请再看一次" in accept(world, first).content.decode()
    assert not StateChange.objects.exists()


def test_a_correction_made_since_it_was_seen_is_not_overwritten_silently(world: World) -> None:
    first = handed_in(world, _moved(world))
    rows = f"uscc,name,kind,region\n{world.beta.uscc},更正后的名称,enterprise,340100\n"
    import_parties(rows.encode(), "更正.csv", by="别人")  # changes no result
    again = accept(world, first)
    assert "请再看一次" in again.content.decode()
    assert not StateChange.objects.filter(party=world.alpha).exists()
    assert accept(world, again).context["entered"]


def test_what_was_seen_but_would_change_nothing_any_more_is_not_entered(world: World) -> None:
    first = handed_in(world, _moved(world))
    run_register_file(
        request_register_file(_lines(world), "别人", timezone.now(), first.context["work"].digest).pk, timezone.now()
    )
    assert "什么都没有写入" in accept(world, first).content.decode()
    assert StateChange.objects.count() == 1


def _lines(world: World) -> RegisterLines:
    return RegisterLines("parties", _moved(world).read(), "迁出.csv")


def test_what_waits_is_shown_and_cancelled_before_anything_is_written(world: World) -> None:
    browser = world.browser("province")
    browser.post(reverse("import-parties"), {"file": _moved(world)})
    work = RegisterFileRequest.objects.get()
    address = reverse("register-file", args=[work.pk])
    assert "排队中" in browser.get(address).content.decode()
    browser.post(reverse("cancel-register-file", args=[work.pk]))
    assert "已取消：什么都没有写入" in ended(browser).content.decode()
    assert not StateChange.objects.exists()


def test_what_was_previewed_is_its_uploaders_alone_and_for_a_day(world: World) -> None:
    handed_in(world, _moved(world))
    work = RegisterFileRequest.objects.get()
    with pytest.raises(InvalidRequest, match="已经不在了"):
        accept_register_file(work.pk, "somebody", timezone.now())
    later = timezone.now() + timedelta(days=2)
    with pytest.raises(InvalidRequest, match="已经不在了"):
        accept_register_file(work.pk, work.requested_by, later)
    forget_register_files(work.ended_at + HELD - timedelta(seconds=1))
    work.refresh_from_db()
    assert bytes(work.content)
    forget_register_files(work.ended_at + HELD)
    work.refresh_from_db()
    assert bytes(work.content) == b""
    forget_register_files(later + timedelta(days=30))
    assert not RegisterFileRequest.objects.exists()


def test_as_many_files_wait_as_may(world: World) -> None:
    file = RegisterLines("parties", b"uscc", "y.csv")
    for _ in range(MOST_FILES_WAITING):
        request_register_file(file, "province", timezone.now())
    with pytest.raises(Conflict):
        request_register_file(file, "province", timezone.now())


def test_a_change_on_the_page_of_a_party_that_changes_past_results_is_accepted_as_a_second_step(world: World) -> None:
    browser = world.browser("province")
    given = {
        "name": world.alpha.name, "kind": "enterprise", "region": "340100", "name_en": "",
        "registered_on": "2024-05-01",
    }  # fmt: skip
    browser.post(reverse("change-party", args=[world.alpha.uscc]), given)
    answer = ended(browser)
    assert "接受并登记" in answer.content.decode()
    assert not StateChange.objects.exists()
    assert accept(world, answer).context["entered"]
    assert str(Party.objects.get(pk=world.alpha.pk).registered_on) == "2024-05-01"


def test_a_relation_is_entered_ended_and_taken_back_on_the_page_of_a_party(world: World) -> None:
    browser, address = world.browser("province"), reverse("relation-form", args=[world.alpha.uscc])
    given = {"owner": world.alpha.uscc, "owned": world.beta.uscc, "share": "51.5%", "valid_from": "2030-01-01"}
    assert "不是日期" in browser.post(address, {**given, "valid_from": "soon"}).content.decode()
    assert browser.post(address, given).status_code == 302
    assert ended(browser).context["entered"]  # what begins in 2030 changes nothing of the past
    page = browser.get(reverse("party", args=[world.beta.uscc])).content.decode()
    (link,) = re.findall(r'href="([^"]+/relation\?[^"]+)"', page)
    form = browser.get(html.unescape(link))
    asked = form.context["asked"]
    assert (asked["owner"], asked["share"], asked["stands"]) == (world.alpha.uscc, "51.5%", "true")
    browser.post(address, {**given, "valid_to": "2031-01-01"})
    ended(browser)
    assert "2031-01-01" in browser.get(reverse("party", args=[world.alpha.uscc])).content.decode()
    browser.post(address, {**given, "withdrawn": "true"})
    ended(browser)
    pair = {"owner": world.alpha, "owned": world.beta}
    assert not relations_known(timezone.now().date() + timedelta(days=1)).filter(**pair).exists()
    assert Relation.objects.filter(**pair).count() == 3  # what was known before stays


def test_a_succession_is_entered_on_the_page_of_a_party(world: World) -> None:
    browser, address = world.browser("province"), reverse("succession-form", args=[world.alpha.uscc])
    given = {"old": world.alpha.uscc, "new": world.beta.uscc, "kind": "merged", "carries": "true"}
    assert "与 old 相同" in browser.post(address, {**given, "new": world.alpha.uscc}).content.decode()
    browser.post(address, {**given, "valid_from": "2030-02-01"})
    assert ended(browser).context["entered"]
    page = browser.get(reverse("party", args=[world.beta.uscc])).content.decode()
    assert "2030-02-01" in page.partition('id="successions"')[2]


def test_who_oversees_but_does_not_keep_the_register_enters_no_relation(world: World) -> None:
    for who in ("city", "auditor"):
        for name in ("relation-form", "succession-form"):
            assert world.browser(who).get(reverse(name, args=[world.alpha.uscc])).status_code == 403


def test_the_preview_reads_in_english(world: World) -> None:
    page = handed_in(world, _moved(world), language="en").content.decode()
    for text in ("Past results would become", "Nothing is written yet", "Accept and register"):
        assert text in page


def test_relations_and_successions_come_from_files_and_stand_on_the_pages_of_both_parties(world: World) -> None:
    first, second = world.alpha.uscc, world.beta.uscc
    relations = f"owner,owned,valid_from,share\n{first},{second},2030-01-01,51%\n{first},0,2030-01-01,51%\n"
    answer = handed_in(world, SimpleUploadedFile("r.csv", relations.encode()), "relations")
    assert len(answer.context["faults"]) == 1  # the second line is none, the first is kept
    assert Relation.objects.filter(owner=world.alpha, owned=world.beta).count() == 1
    successions = f"old,new,kind,valid_from\n{first},{second},merged,2030-02-01\n"
    handed_in(world, SimpleUploadedFile("s.csv", successions.encode()), "successions")
    for uscc in (first, second):
        page = world.browser("province").get(reverse("party", args=[uscc])).content.decode()
        assert "合并" in page.partition('id="successions"')[2]
        assert "2030-02-01" in page


def test_what_holds_from_a_day_on_stands_on_the_page_of_a_party(world: World) -> None:
    accept(world, handed_in(world, _moved(world)))
    page = world.browser("province", "en").get(reverse("party", args=[world.alpha.uscc])).content.decode()
    assert "Shanghai" in page.partition('id="dated"')[2]


def test_a_kind_of_file_that_nobody_knows_is_taken_for_parties(world: World) -> None:
    assert (
        'value="parties" selected'
        in world.browser("province").get(reverse("import-parties") + "?kind=nothing").content.decode()
    )
