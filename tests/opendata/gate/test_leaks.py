"""What must not leave by the side: through a header, a cut number, a fingerprint, a group, a closed entry."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.gate import releasing
from huisuan.opendata.gate.queries import list_findings, released_bytes
from huisuan.opendata.gate.releasing import release_file
from huisuan.opendata.gate.stores import load_content, quarantine
from huisuan.opendata.gate.uploading import LARGEST_UPLOAD, upload_file
from huisuan.opendata.models import GateFile, GateProduct, GateRelease
from huisuan.parties.models import Person
from huisuan.serving.http.limits import limit_for
from support.catalogue import as_csv, code, line
from support.gate import NOW, judge_all, list_entry, remade, resident_ids, steward, uploaded

pytestmark = pytest.mark.django_db
PARKING = "名称,车位数\n南站停车场,120\n北站停车场,80\n".encode()
NAMES = ["王海燕", "李长江", "张建国", "陈晓明", "赵春梅", "周志强", "吴桂芳", "孙立新", "胡文静", "朱永平", "高秀兰"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    list_entry()


def product_rows(file: GateFile) -> list[list[str]]:
    product = GateProduct.objects.get(remake=file.remakes.latest("id"), format="csv")
    return list(csv.reader(io.StringIO(load_content(quarantine(), product.sha256).decode())))


def as_lines(*rows: list[str]) -> bytes:
    return "".join(",".join(row) + "\n" for row in rows).encode()


def test_a_table_without_a_header_keeps_its_first_row_as_data_and_no_name_of_it_leaves() -> None:
    ids = resident_ids(len(NAMES))
    file = uploaded(as_lines(*([name, number, "合肥"] for name, number in zip(NAMES, ids, strict=True))))
    assert {one["heading"] for one in list_findings(file)} == {"列1", "列2"}
    file = remade(judge_all(file))
    rows = product_rows(file)
    assert (file.state, rows[0], len(rows)) == ("ready", ["列1", "列2", "列3"], len(NAMES) + 1)
    told = json.dumps(file.remakes.get().recipe, ensure_ascii=False) + json.dumps(rows, ensure_ascii=False)
    assert not [name for name in (*NAMES, *ids) if name in told]


def test_names_alone_without_a_header_are_data_from_the_first() -> None:
    file = uploaded(as_lines(*([name, sex] for name, sex in zip(NAMES, ["男", "女"] * 5 + ["男"], strict=True))))
    rows = product_rows(remade(judge_all(file)))
    assert rows[0] == ["列1", "列2"]
    assert not [name for name in NAMES if name in json.dumps(rows, ensure_ascii=False)]


@pytest.mark.parametrize(
    "header",
    [["姓名", "管理员", "年份"], ["名称", "2024", "2025"], ["项目", "单位", "金额"], ["地区", "联系人", "备注"]],
)
def test_a_header_of_words_or_years_stays_one(header: list[str]) -> None:
    rows = [[name, other, str(n)] for n, (name, other) in enumerate(zip(NAMES, reversed(NAMES), strict=True))]
    if header[0] != "姓名":
        rows = [[f"第{n}处", "个" if n % 2 else "件", str(n)] for n in range(6)]
    assert product_rows(remade(judge_all(uploaded(as_lines(header, *rows)))))[0] == header


def test_names_under_a_header_with_a_gap_are_not_taken_for_its_second_row() -> None:
    rows = [[one, other, ""] for one, other in zip(NAMES, reversed(NAMES), strict=True)]
    made = product_rows(remade(judge_all(uploaded(as_lines(["丈夫", "", "备注"], *rows)))))
    assert len(made) == len(NAMES) + 1
    assert not [name for name in NAMES if name in json.dumps(made, ensure_ascii=False)]


@pytest.mark.parametrize("action", ["mask", "generalise", "drop"])
def test_of_a_number_cut_over_two_cells_no_piece_leaves(action: str) -> None:
    ids = resident_ids(4)
    file = uploaded(
        as_lines(["编号", "前段", "后段", "备注"], *([f"第{n}", one[:10], one[10:], "无"] for n, one in enumerate(ids)))
    )
    cut = [one for one in list_findings(file) if one["kind"] == "resident_id"]
    assert {(one["row"], one["column"]) for one in cut} == {(row, column) for row in range(2, 6) for column in (2, 3)}
    file = remade(judge_all(file, action))
    told = json.dumps(product_rows(file))
    assert file.state == "ready"
    assert not [one for one in ids if one[:10] in told or one[10:] in told]


def test_equal_values_of_two_files_have_different_fingerprints() -> None:
    content = as_lines(["序号", "身份证号"], ["1", resident_ids(1)[0]])
    seen = [{one["fingerprint"] for one in list_findings(uploaded(content, scope="医保"))} for _ in range(2)]
    assert seen[0]
    assert not seen[0] & seen[1]


def test_a_group_is_no_entry_and_of_no_other_city() -> None:
    import_catalogue(as_csv([line(2, region="340200")]), "清单.csv", by="test", now=NOW)
    uploaded(PARKING, scope="医保")
    with pytest.raises(InvalidRequest):
        upload_file(code(), "x.csv", PARKING, steward("uploader"), NOW, code(2).lower())
    with pytest.raises(NotAllowed):
        upload_file(code(2), "x.csv", PARKING, steward("wuhu", "340200"), NOW, "医保")
    province = Person.objects.create_person("province", None, role="province", name="省")
    assert upload_file(code(2), "x.csv", PARKING, province, NOW, "医保").scope == "医保"


def test_a_program_or_somebody_inactive_takes_no_duty() -> None:
    file = remade(judge_all(uploaded(PARKING)))
    city = steward("releaser").city
    program = Person.objects.create_person("program", None, role="city", name="程序", city=city, machine=True)
    gone = steward("gone")
    gone.is_active = False
    gone.save()
    for who in (program, gone):
        with pytest.raises(NotAllowed):
            release_file(file.pk, who, NOW)
        with pytest.raises(NotAllowed):
            upload_file(code(), "x.csv", PARKING, who, NOW)


def test_a_release_waits_where_the_running_rules_have_scanned_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    file = remade(uploaded(PARKING))
    monkeypatch.setattr(releasing, "current_rules", lambda: "2099-01")
    with pytest.raises(Conflict):
        release_file(file.pk, steward("releaser"), NOW)
    assert not GateRelease.objects.exists()


def close_entry() -> None:
    closed = line(access="不予开放", ground="条例", terms="涉及个人", licence="")
    import_catalogue(as_csv([closed]), "清单.csv", by="test", now=NOW)


def test_an_entry_closed_since_the_upload_is_not_released() -> None:
    file = remade(uploaded(PARKING))
    close_entry()
    with pytest.raises(Conflict):
        release_file(file.pk, steward("releaser"), NOW)


def test_what_is_out_is_served_no_more_once_its_entry_is_closed() -> None:
    file = remade(uploaded(PARKING))
    (one, _) = release_file(file.pk, steward("releaser"), NOW)
    assert released_bytes(one.product_id)
    close_entry()
    with pytest.raises(NotFound):
        released_bytes(one.product_id)


def test_the_name_of_a_file_that_cannot_be_read_is_in_no_finding() -> None:
    file = uploaded(b"\xd0\xcf\x11\xe0" + bytes(600), "王海燕的病历.xls")
    told: list[dict[str, Any]] = list_findings(file)
    assert "unread" in {one["kind"] for one in told}
    assert "王海燕" not in json.dumps(told, ensure_ascii=False)


def test_a_request_may_bring_as_much_as_a_file_may_have() -> None:
    assert limit_for("/api/v1/opendata/files").most_bytes > LARGEST_UPLOAD
    assert limit_for("/api/v1/opendata/files/1/judgements").most_bytes < LARGEST_UPLOAD
