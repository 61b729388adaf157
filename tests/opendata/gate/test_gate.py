"""A file through the gate: read, judged, made anew, scanned again, let out by a third person."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.base.hashing import bytes_sha256
from huisuan.compute.keys.platform_key import public
from huisuan.messages.models import Message
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.mask_keys import destroy_key, key_for
from huisuan.opendata.gate.queries import get_file, list_findings, list_product_findings, released_bytes, visible_files
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.statements import release_paper, verify_release
from huisuan.opendata.gate.stores import load_content, quarantine, released_shelf
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.gate_arrows import ARROWS
from huisuan.opendata.models import (
    GateArrow,
    GateDutyHeld,
    GateFile,
    GateFinding,
    GateJudgement,
    GateProduct,
    GateRelease,
    GateRules,
    GateScan,
    GateStep,
    MaskingKey,
)
from huisuan.parties.models import Party, Person
from huisuan.parties.viewer import Viewer
from support.catalogue import code, line
from support.gate import NOW, judge_all, list_entry, remade, resident_ids, scan_now, steward, uploaded
from support.portal import code as uscc
from support.scanned_files import workbook, zipped

pytestmark = pytest.mark.django_db
CLEAN = "名称,车位数\n南站停车场,120\n北站停车场,80\n".encode()


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    list_entry()


def couples() -> tuple[bytes, list[str]]:
    numbers = resident_ids(77)
    rows: list[list[object]] = [["序号", "住址", "丈夫身份证", "妻子身份证"]]
    rows += [[n + 1, "合肥市某区某路**号", numbers[n], numbers[40 + n] if n < 37 else "缺"] for n in range(40)]
    return workbook({"名单": rows}), numbers


def product_rows(file: GateFile) -> list[list[str]]:
    product = GateProduct.objects.get(remake=file.remakes.latest("id"), format="csv")
    return list(csv.reader(io.StringIO(load_content(quarantine(), product.sha256).decode())))


def test_the_database_holds_the_table_of_arrows_as_it_is_written() -> None:
    stored = set(GateArrow.objects.values_list("action", "from_state", "to_state", "duty"))
    assert stored == {tuple(map(str, each)) for each in ARROWS}
    assert len(stored) == len(ARROWS)
    assert len({(each.action, each.start, each.duty) for each in ARROWS}) == len(ARROWS)


def test_couples_with_whole_ids_are_masked_and_go_out_by_a_third_person(tmp_path: Path) -> None:
    content, numbers = couples()
    file = uploaded(content, "名单.xlsx")
    ids = [one for one in list_findings(file) if one["kind"] == "resident_id"]
    assert (file.state, len(ids)) == ("to_judge", 77)
    assert {(one["part"], one["column"]) for one in ids} == {("工作表 名单", 3), ("工作表 名单", 4)}
    with pytest.raises(Conflict):
        release_file(file.pk, steward("releaser"), NOW)
    with pytest.raises(NotAllowed):
        judge_findings(file.pk, GivenJudgement(1, "mask"), steward("uploader"), NOW)
    assert judge_all(file).state == "clean"
    with pytest.raises(NotAllowed):
        remake_file(file.pk, steward("uploader"), NOW)
    assert remade(file).state == "ready"
    assert not list_product_findings(file)
    rows = product_rows(file)
    tokens = [row[2] for row in rows[1:]] + [row[3] for row in rows[1:] if row[3] != rows[-1][3]]
    assert len(set(tokens)) == 77
    for person in ("uploader", "judge"):
        with pytest.raises(NotAllowed):
            release_file(file.pk, steward(person), NOW)
    released = release_file(file.pk, steward("releaser"), NOW)
    file.refresh_from_db()
    assert file.state == "released"
    for release in released:
        _, out = released_bytes(release.product_id)
        assert bytes_sha256(out) == release.sha256
        assert not any(number.encode() in out for number in numbers)
        there = tmp_path / "there"
        there.write_bytes(out)
        (tmp_path / "said").write_text(release_paper(release.statement, release.signature, public()))
        said = verify_release(there, tmp_path / "said", public())
        assert (said["input_sha256"], said["rules"]) == (file.sha256, GateRules.objects.get().version)


def test_a_statement_is_refused_of_another_file_another_key_or_when_a_letter_is_changed(tmp_path: Path) -> None:
    file = remade(uploaded(CLEAN))
    release = release_file(file.pk, steward("releaser"), NOW)[0]
    product, said = tmp_path / "p", tmp_path / "s"
    product.write_bytes(released_bytes(release.product_id)[1])
    whole = release_paper(release.statement, release.signature, public())
    said.write_text(whole)
    assert verify_release(product, said)["file"] == file.pk
    other = tmp_path / "o"
    other.write_bytes(product.read_bytes() + b"\n")
    changed = {"changed": whole.replace('"rows": 2', '"rows": 3'), "none": "[]", "broken": whole[:-9]}
    for name, text in changed.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InvalidRequest):
            verify_release(product, tmp_path / name)
    for file_, key in ((other, ""), (product, "00" * 32)):
        with pytest.raises(InvalidRequest):
            verify_release(file_, said, key)


def test_no_value_stands_in_any_row_or_log(caplog: pytest.LogCaptureFixture) -> None:
    content, numbers = couples()
    file = remade(judge_all(uploaded(content, f"{numbers[0]}.xlsx")))
    release_file(file.pk, steward("releaser"), NOW)
    written = caplog.text
    for model in (GateFile, GateFinding, GateScan, GateJudgement, GateStep, GateProduct, GateRelease, Message):
        written += json.dumps([{k: str(v) for k, v in row.items()} for row in model.objects.values()])
    assert not [number for number in numbers if number in written]
    assert "文件名" in {one["part"] for one in list_findings(file)}  # an ID in its name is a finding


def test_of_two_sheets_that_are_called_alike_once_masked_nothing_is_made() -> None:
    list_entry()
    rows = [["姓名", "电话"], ["王小明", "13912345678"]]
    file = judge_all(uploaded(workbook({"13800001234": rows, "13811111234": rows}), "名单.xlsx"))
    with pytest.raises(Conflict) as alike:
        remade(file, part="138****1234")
    assert alike.value.code == "gate.parts_alike"


def test_fifteen_thousand_rows_under_a_merged_header_are_judged_as_two_columns() -> None:
    rows: list[list[object]] = [
        ["补贴发放表", "", "", ""],
        ["序号", "领取人", "", "金额"],
        ["", "身份证号", "银行账号", ""],
    ]
    cards = [f"62220{n:011d}" for n in range(15_000)]
    rows += [[n, number, cards[n], 1200] for n, number in enumerate(resident_ids(15_000))]
    file = uploaded(workbook({"发放": rows}), "发放.xlsx")
    found = list_findings(file)
    by_column = {(one["column"], one["kind"]) for one in found}
    assert {(2, "resident_id"), (3, "bank_card")} <= by_column
    file = judge_all(file)
    assert GateJudgement.objects.count() <= len(by_column)
    file = remade(file)
    made = product_rows(file)
    assert (file.state, len(made)) == ("ready", 15_001)
    assert made[0][1:3] == ["领取人 / 身份证号", "领取人 / 银行账号"]
    told = {one["column"]: one for one in file.remakes.get().recipe["columns"]}
    assert told[2]["values"] == told[2]["tokens"] == len(set(resident_ids(15_000)))


def test_a_pivot_cache_is_found_in_its_part_and_the_product_has_none() -> None:
    number = resident_ids(1)[0]
    cache = f'<pivotCacheDefinition><sharedItems><s v="{number}"/></sharedItems></pivotCacheDefinition>'
    book = workbook(
        {"合计": [["区", "人数"], ["蜀山", 3], ["包河", 4]]}, {"xl/pivotCache/pivotCacheDefinition1.xml": cache}
    )
    file = uploaded(book, "合计.xlsx")
    assert any("pivotCache" in one["part"] for one in list_findings(file))
    file = remade(judge_all(file, "drop"))
    assert file.state == "ready"
    assert product_rows(file) == [["区", "人数"], ["蜀山", "3"], ["包河", "4"]]


def test_a_mark_of_secrecy_seals_at_once_tells_two_offices_and_leaves_place_and_mark_alone() -> None:
    province = Person.objects.create_person("province", None, role="province", name="省")
    number = resident_ids(1)[0]
    file = uploaded(f"机密★10年\n身份证 {number}\n".encode(), "内部.txt")
    assert file.state == "sealed"
    assert {one["kind"] for one in list_findings(file)} == {"secrecy"}
    told = Message.objects.filter(code="gate_file_sealed")
    assert {"province", "uploader"} <= set(told.values_list("person__username", flat=True))
    assert province.pk in set(told.values_list("person_id", flat=True))
    for act in (
        lambda: judge_findings(file.pk, GivenJudgement(1, "drop"), steward("judge"), NOW),
        lambda: remake_file(file.pk, steward("judge"), NOW),
        lambda: release_file(file.pk, steward("releaser"), NOW),
        lambda: withdraw_file(file.pk, "x", steward("judge"), NOW),
    ):
        with pytest.raises(Conflict):
            act()


def test_a_limit_that_was_reached_refuses_the_file_by_name() -> None:
    file = uploaded(zipped({"大.txt": b" " * 40_000_000}), "大.zip")
    assert file.state == "refused"
    assert "限度" in file.steps.latest("number").reason


def test_the_same_person_has_the_same_token_however_it_is_written_within_a_group_and_another_outside() -> None:
    number = resident_ids(1)[0]
    wide = number.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    rows = f"序号,身份证号\n1,{number}\n2,{wide}\n3,{number[:6]} {number[6:14]} {number[14:]}\n".encode()
    seen = []
    for scope in ("医保", "医保", "社保"):
        file = remade(judge_all(uploaded(rows, scope=scope)))
        seen.append([row[1] for row in product_rows(file)[1:]])
    assert len(set(seen[0])) == 1
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_a_destroyed_key_makes_tokens_final(django_capture_on_commit_callbacks: Any) -> None:
    rows = f"序号,身份证号\n1,{resident_ids(1)[0]}\n2,{resident_ids(2)[1]}\n".encode()
    first = remade(judge_all(uploaded(rows, scope="医保")))
    province = Person.objects.create_person("province", None, role="province", name="省")
    with pytest.raises(NotAllowed):
        destroy_key("医保", steward("judge"), NOW)
    with django_capture_on_commit_callbacks(execute=True):
        destroy_key("医保", province, NOW)
    with pytest.raises(Unavailable):
        key_for(MaskingKey.objects.get(scope="医保"), "mask")
    with pytest.raises(NotFound):
        destroy_key("医保", province, NOW)
    again = remade(judge_all(uploaded(rows, scope="医保")))
    assert product_rows(first)[1] != product_rows(again)[1]
    with pytest.raises(DatabaseError), transaction.atomic():
        MaskingKey.objects.filter(number=1).update(destroyed_at=None, destroyed_by=None)


def test_a_false_alarm_needs_a_reason_and_stays_in_the_product() -> None:
    rows = "序号,订单号,备注\n1,x,电话13812345678\n2,y,无\n".encode()
    file = uploaded(rows)
    (found,) = [one for one in list_findings(file) if one["kind"] == "mobile"]
    with pytest.raises(InvalidRequest):
        judge_findings(file.pk, GivenJudgement(found["number"], "false_alarm"), steward("judge"), NOW)
    file = remade(judge_all(file, "false_alarm", reason="政务服务热线"))
    assert (file.state, product_rows(file)[1][2]) == ("ready", "电话13812345678")


@pytest.mark.parametrize(
    ("action", "cell"), [("mask", None), ("generalise", "电话138****5678转2"), ("drop", "电话转2")]
)
def test_a_number_within_a_cell_is_replaced_and_the_words_around_it_stay(action: str, cell: str | None) -> None:
    rows = "序号,订单号,备注\n1,x,电话13812345678转2\n2,y,无\n3,z,\n4,z,无\n".encode()
    file = uploaded(rows)
    (found,) = [one for one in list_findings(file) if one["kind"] == "mobile"]
    judge_findings(file.pk, GivenJudgement(found["number"], action), steward("judge"), NOW)
    file = remade(file)
    made = product_rows(file)[1][2]
    assert made == cell or (cell is None and made.startswith("电话") and made.endswith("转2") and len(made) == 30)
    assert file.state == "ready"


def test_a_newer_release_takes_the_place_of_an_older_one_and_a_withdrawn_one_is_not_out() -> None:
    first, second = remade(uploaded(CLEAN)), remade(uploaded(CLEAN.replace(b"80", b"90")))
    one = release_file(first.pk, steward("releaser"), NOW)[0]
    two = release_file(second.pk, steward("releaser"), NOW, supersedes=first.pk)[0]
    first.refresh_from_db()
    assert first.state == "superseded"
    with pytest.raises(NotFound):
        released_bytes(one.product_id)
    with pytest.raises(InvalidRequest):
        withdraw_file(second.pk, " ", steward("uploader"), NOW)
    withdraw_file(second.pk, "提供部门要求", steward("uploader"), NOW)
    with pytest.raises(NotFound):
        released_bytes(two.product_id)


def test_of_a_file_nobody_knows_but_its_city_and_the_province() -> None:
    file = uploaded(CLEAN)
    party = Party.objects.create(uscc=uscc(1), name="阿尔法", kind="enterprise", region_id="340200")
    people = [steward("wuhu", "340200"), Person.objects.create_person("u", None, role="user", name="甲", party=party)]
    people += [Person.objects.create_person(role, None, role=role, name=role) for role in ("auditor", "department")]
    for person in people:
        viewer = Viewer.for_person(person)
        assert not visible_files(viewer).exists()
        with pytest.raises(NotFound):
            get_file(viewer, file.pk)
        for act in (
            lambda who: judge_findings(file.pk, GivenJudgement(1, "drop"), who, NOW),
            lambda who: remake_file(file.pk, who, NOW),
            lambda who: release_file(file.pk, who, NOW),
        ):
            with pytest.raises(NotFound):
                act(person)
        with pytest.raises(NotAllowed):
            upload_file(code(), "x.csv", CLEAN, person, NOW)


def test_rules_that_changed_since_the_scan_hold_a_release_back() -> None:
    file = remade(uploaded(CLEAN))
    GateRules.objects.create(version="later", at=NOW)
    with pytest.raises(Conflict):
        release_file(file.pk, steward("releaser"), NOW)
    assert not GateRelease.objects.exists()


def test_the_database_refuses_a_release_that_is_not_its_scan_and_steps_beside_the_arrows() -> None:
    file = remade(uploaded(CLEAN))
    product = file.remakes.get().products.get(format="csv")
    scan, other = product.scans.get(), GateScan.objects.filter(file=file, product=None).get()
    who = steward("releaser")
    GateDutyHeld.objects.create(file=file, person=who, duty="release")
    plain: dict[str, Any] = {
        "file": file,
        "product": product,
        "by": who,
        "at": NOW,
        "statement": "{}",
        "signature": "00",
    }
    judged = steward("judge")
    forged: list[tuple[type[Any], dict[str, Any]]] = [
        (GateRelease, {**plain, "scan": scan, "sha256": "f" * 64}),
        (GateRelease, {**plain, "scan": other, "sha256": product.sha256}),
        (GateRelease, {**plain, "scan": scan, "sha256": product.sha256, "by": judged}),
        (GateDutyHeld, {"file": file, "person": judged, "duty": "release"}),
    ]
    step = {"file": file, "number": file.steps_taken + 1, "previous": file.steps_taken, "from_state": "ready",
            "at": NOW + timedelta(days=1)}  # fmt: skip
    forged += [
        (GateStep, {**step, "action": "release", "to_state": "released", "duty": "release", "person": who}),
        (GateStep, {**step, "action": "withdraw", "to_state": "withdrawn", "duty": "release", "person": who}),
        (GateStep, {**step, "action": "pass", "to_state": "ready", "duty": "machine"}),
        (GateStep, {**step, "action": "settle", "to_state": "clean", "duty": "judge", "person": who}),
        (GateStep, {**step, "action": "settle", "to_state": "clean", "duty": "judge", "person": judged,
                    "number": step["number"] + 1}),
    ]  # fmt: skip
    for model, values in forged:
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.create(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        GateFile.objects.update(state="released")
    with pytest.raises(DatabaseError), transaction.atomic():
        GateFinding.objects.all().delete() if GateFinding.objects.exists() else GateScan.objects.all().delete()
    assert not released_shelf().folder.exists()


def test_a_closed_entry_an_empty_file_and_a_strange_group_are_refused() -> None:
    from huisuan.opendata.catalogue.catalogue_import import import_catalogue
    from support.catalogue import as_csv

    closed = line(2, access="不予开放", ground="条例", terms="涉密", licence="")
    import_catalogue(as_csv([closed]), "清单.csv", by="test", now=NOW)
    with pytest.raises(InvalidRequest):
        upload_file(code(2), "x.csv", CLEAN, steward("uploader"), NOW)
    for content, scope in ((b"", ""), (CLEAN, "a b")):
        with pytest.raises(InvalidRequest):
            upload_file(code(), "x.csv", content, steward("uploader"), NOW, scope)
    assert not GateFile.objects.exists()


def test_a_scan_asked_twice_changes_nothing() -> None:
    file = uploaded(CLEAN)
    before = file.steps_taken
    assert scan_now(file).steps_taken == before
