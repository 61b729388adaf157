"""The register on pages: entered, changed and imported by the province, each change kept with who made it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse

from huisuan.parties.models import Party, PartyChange
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
