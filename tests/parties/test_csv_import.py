"""Importing parties and relations: good lines are kept, bad ones are named, twice changes nothing."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc
from typer.testing import CliRunner

from huisuan.base.csv_lines import FileReport, LineRefused
from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.cli import party_commands
from huisuan.parties.csv_import import import_parties, parse_uscc
from huisuan.parties.models import Party, Relation, Succession
from huisuan.parties.relation_import import import_relations, import_successions
from huisuan.parties.state_history import load_heirs
from huisuan.settlement.cli.register_commands import import_

pytestmark = pytest.mark.django_db
app = typer.Typer()
app.command("import")(import_)
app.registered_commands += party_commands.app.registered_commands
HEADER = "uscc,name,kind,region,registered_on"


def code(number: int) -> str:
    front = f"91340100MA2P{number:05d}"
    return front + str(uscc.calc_check_digit(front))


def parties(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def three() -> None:
    import_parties(parties(*(f"{code(n)},公司{n},enterprise,340100," for n in (1, 2, 3))))


def test_a_party_is_imported_with_what_the_file_says() -> None:
    content = parties(f"合肥市,企业,{code(1).lower()},甲公司,2020-01-02", header="region,kind,USCC,name,registered_on")
    assert import_parties(content).new == 1
    party = Party.objects.get()
    assert (party.uscc, party.kind, party.region_id, str(party.registered_on)) == (
        code(1),
        "enterprise",
        "340100",
        "2020-01-02",
    )


def test_importing_twice_changes_nothing_and_a_changed_line_updates() -> None:
    three()
    report = import_parties(
        parties(
            f"{code(1)},新名,university,340200,", f"{code(2)},公司2,enterprise,340100,", f"{code(4)},丁,city,340300,"
        )
    )
    assert (report.new, report.changed, report.same) == (1, 1, 1)
    assert str(Party.objects.get(uscc=code(1)).region_id) == "340200"


def test_a_column_that_the_file_lacks_leaves_what_is_known() -> None:
    import_parties(parties(f"{code(1)},甲,enterprise,340100,2020-01-02"))
    report = import_parties(parties(f"{code(1)},甲,enterprise,340100", header="uscc,name,kind,region"))
    assert report.same == 1
    assert str(Party.objects.get().registered_on) == "2020-01-02"


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        (f"{code(1)[:-1]}{'0' if code(1)[-1] != '0' else '1'},甲,enterprise,340100,", "uscc", "校验位"),
        ("123,甲,enterprise,340100,", "uscc", "不是统一社会信用代码"),
        (f"{code(1)},,enterprise,340100,", "name", "没有名称"),
        (f"{code(1)},甲,club,340100,", "kind", "enterprise"),
        (f"{code(1)},甲,enterprise,349999,", "region", "340100"),
        (f"{code(1)},甲,enterprise,340100,2020-02-30", "registered_on", "不是日期"),
        (f"{code(1)},甲,enterprise,340100,0020-02-03", "registered_on", "1900"),
        (f"{code(1)},甲,enterprise", "—", "3 个字段"),
        (f"{code(2)},乙,enterprise,340100,", "uscc", "第 2 行已出现"),
    ],
)
def test_a_bad_line_is_named_with_place_rule_and_remedy_and_the_good_ones_are_kept(
    line: str, column: str, says: str
) -> None:
    report = import_parties(parties(f"{code(2)},乙,enterprise,340100,", line, f"{code(3)},丙,enterprise,340100,"))
    (fault,) = report.faults
    assert (fault.line, fault.column, report.exit_code) == (3, column, 1)
    assert says in str(fault)
    assert str(fault).startswith(f"行 3，列 {column}: ")
    assert set(Party.objects.values_list("uscc", flat=True)) == {code(2), code(3)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_of_excel_are_read(encoding: str) -> None:
    text = f"{HEADER}\r\n{code(1)},合肥㼆科技,enterprise,340100,\r\n"
    assert import_parties(text.encode(encoding)).new == 1
    assert Party.objects.get().name == "合肥㼆科技"


def test_line_numbers_count_lines_of_the_file_even_within_quotes() -> None:
    report = import_parties(parties(f'{code(1)},"甲\n公司",enterprise,340100,', "", "bad,乙,enterprise,340100,"))
    assert [fault.line for fault in report.faults] == [5]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "缺少列"),
        (b"uscc,name,kind\n", "缺少列 region"),
        (b"uscc,uscc,name,kind,region\n", "不止一次"),
        (b"\xff\xfeu\0s\0", "不是文本表格"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        import_parties(content)


@given(st.integers(0, 99_999), st.integers(0, 17), st.sampled_from(sorted("0123456789ABCDEFGHJKLMNPQRTUWXY")))
def test_one_wrong_character_is_always_found(number: int, place: int, other: str) -> None:
    right = code(number)
    assert parse_uscc("uscc", f" {right.lower()} ") == right
    if right[place] != other:
        with pytest.raises(LineRefused):
            parse_uscc("uscc", right[:place] + other + right[place + 1 :])


RELATION = "owner,owned,share,control,valid_from,valid_to"


def relation(text: str, header: str = RELATION) -> bytes:
    return parties(f"{code(1)},{code(2)},{text}", header=header)


@pytest.mark.parametrize(
    ("share", "permille"), [("51%", 510), ("0.5%", 5), ("1/2", 500), ("33.3%", 333), ("1", 1000), ("0.25", 250)]
)
def test_shares_are_exact_per_mille(share: str, permille: int) -> None:
    three()
    assert import_relations(relation(f"{share},,2024-01-01,")).new == 1
    assert Relation.objects.get().share_permille == permille


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("1/3,,2024-01-01,", "share", "整千分数"),
        ("101%,,2024-01-01,", "share", "100%"),
        ("-1%,,2024-01-01,", "share", "100%"),
        ("half,,2024-01-01,", "share", "不是比例"),
        ("1/0,,2024-01-01,", "share", "不是比例"),
        (",false,2024-01-01,", "share", "无控制关系"),
        ("51%,maybe,2024-01-01,", "control", "true"),
        ("51%,,2024-01-01,2024-01-01", "valid_to", "不晚于"),
        ("51%,,soon,", "valid_from", "不是日期"),
    ],
)
def test_a_relation_that_is_wrong_is_named(text: str, column: str, says: str) -> None:
    three()
    (fault,) = import_relations(relation(text)).faults
    assert (fault.line, fault.column) == (2, column)
    assert says in str(fault)
    assert not Relation.objects.exists()


def test_relations_need_known_and_different_parties() -> None:
    three()
    report = import_relations(
        parties(f"{code(1)},{code(9)},51%,,2024-01-01,", f"{code(1)},{code(1)},51%,,2024-01-01,", header=RELATION)
    )
    assert [fault.column for fault in report.faults] == ["owned", "owned"]


def test_a_relation_is_updated_by_its_first_day_and_overlaps_are_refused() -> None:
    three()
    per_mille = "owner,owned,share_permille,control,valid_from,valid_to"
    import_relations(relation("510,,2024-01-01,", per_mille))
    assert import_relations(relation("510,,2024-01-01,", per_mille)).same == 1
    (fault,) = import_relations(relation("600,,2024-06-01,", per_mille)).faults
    assert "2024-01-01 至 今" in str(fault)
    assert import_relations(relation("510,true,2024-01-01,2024-06-01", per_mille)).changed == 1
    assert import_relations(relation("600,,2024-06-01,", per_mille)).new == 1


def test_the_command_line_imports_shows_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "parties.csv"
    path.write_bytes(parties(f"{code(1)},甲,enterprise,340100,", f"{code(2)},乙,institute,340200,", "x,y,z,1,"))
    told = CliRunner().invoke(app, ["import", str(path)])
    assert told.exit_code == 1
    assert "新增 2" in told.stdout
    assert "行 4，列 uscc" in told.stderr
    links = CliRunner().invoke(app, ["import", "--relations", "-", "--json"], input=relation("51%,true,2024-01-01,"))
    assert json.loads(links.stdout)["new"] == 1
    shown = json.loads(CliRunner().invoke(app, ["show", code(2).lower(), "--json"]).stdout)
    assert (shown["name"], shown["region_name"]) == ("乙", "芜湖市")
    assert shown["owned_by"] == [
        {
            "uscc": code(1),
            "name": "甲",
            "share_permille": 510,
            "control": True,
            "valid_from": "2024-01-01",
            "valid_to": None,
            "known_from": datetime.now(SHANGHAI).date().isoformat(),
        }
    ]
    assert [row["uscc"] for row in json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)] == [code(1), code(2)]
    assert isinstance(CliRunner().invoke(app, ["show", code(5)]).exception, Refused)
    assert isinstance(CliRunner().invoke(app, ["import", str(tmp_path / "none.csv")]).exception, Refused)


SUCCESSION = "old,new,kind,valid_from,carries"


def successions(*lines: str) -> bytes:
    return parties(*lines, header=SUCCESSION)


def test_who_takes_whose_place_is_entered_once_and_stays() -> None:
    three()
    lines = successions(f"{code(1)},{code(2)},split,2024-01-01,true", f"{code(1)},{code(3)},split,2024-01-01,false")
    assert import_successions(lines).new == 2
    assert import_successions(lines).same == 2
    for text, column, says in (
        (f"{code(1)},{code(2)},split,2024-02-01,true", "old", "不能改"),
        (f"{code(1)},{code(3)},split,2024-01-01,true", "old", "不能改"),
        (f"{code(2)},{code(1)},merged,2024-02-01,", "new", "绕成一圈"),
        (f"{code(2)},{code(2)},merged,2024-02-01,", "new", "与 old 相同"),
        (f"{code(2)},{code(4)},merged,2024-02-01,", "new", "不是已登记的主体"),
        (f"{code(2)},{code(3)},sold,2024-02-01,", "kind", "不是已知的承继方式"),
        (f"{code(2)},{code(3)},split,2024-02-01,", "carries", "没有写明"),
        (f"{code(2)},{code(3)},split,2024-02-01,half", "carries", "不是 true 或 false"),
        (f"{code(2)},{code(3)},merged,2024-02-01,false", "carries", "一概承继"),
        (f"{code(2)},{code(3)},merged,soon,", "valid_from", "不是日期"),
    ):
        (fault,) = import_successions(successions(text)).faults
        assert (fault.column, says in str(fault)) == (column, True), text
    assert Succession.objects.count() == 2


def test_the_place_of_a_party_is_taken_by_one_alone() -> None:
    three()
    import_successions(successions(f"{code(1)},{code(2)},merged,2024-01-01,"))
    (fault,) = import_successions(successions(f"{code(1)},{code(3)},merged,2024-01-01,")).faults
    assert "只能由一家承继" in str(fault)
    import_successions(successions(f"{code(2)},{code(3)},合并,2024-03-01,true"))
    today = datetime.now(SHANGHAI).date()
    assert load_heirs(date(2025, 1, 1), today) == {code(1): code(3), code(2): code(3)}
    assert load_heirs(date(2024, 2, 1), today) == {code(1): code(2)}
    assert load_heirs(date(2025, 1, 1), date(2024, 1, 1)) == {}, "nobody knew of it then"


def test_a_relation_is_corrected_taken_back_and_never_doubled() -> None:
    three()
    header = f"{RELATION},withdrawn"

    def enter(text: str, day: int = 1) -> FileReport:
        return import_relations(relation(text, header), now=datetime(2024, 6, day, tzinfo=SHANGHAI))

    assert enter("51%,,2024-01-01,,").new == 1
    assert enter("51%,,2024-01-01,,").same == 1
    assert enter("60%,,2024-01-01,,", 2).changed == 1
    for text, says in (
        ("51%,,2024-03-01,,", "重叠"), ("51%,,2024-03-01,,maybe", "不是 true 或 false"),
        ("51%,,2023-01-01,2023-06-01,true", "没有登记过这段关系"),
    ):  # fmt: skip
        (fault,) = enter(text, 3).faults
        assert says in str(fault), text
    (fault,) = enter("51%,,2024-01-01,,", 1).faults
    assert "不能补登在它之前" in str(fault)
    assert enter("60%,,2024-01-01,,true", 4).changed == 1
    assert enter("60%,,2024-01-01,,true", 4).same == 1
    assert enter("51%,,2024-03-01,,", 5).new == 1
    assert enter("60%,,2024-01-01,2024-02-01,", 6).new == 1, "what was taken back may come again"
    doubled = parties(*[f"{code(3)},{code(1)},51%,,2024-01-01,,"] * 2, header=header)
    assert "同一关系" in str(import_relations(doubled).faults[0])
    (unknown,) = import_relations(parties(f"{code(1)},{code(4)},51%,,2024-01-01,", header=RELATION)).faults
    (itself,) = import_relations(parties(f"{code(1)},{code(1)},51%,,2024-01-01,", header=RELATION)).faults
    assert (unknown.column, itself.column) == ("owned", "owned")


def test_a_party_is_shown_with_whom_it_holds_and_who_holds_it() -> None:
    three()
    assert "不持有、不控制其他主体" in CliRunner().invoke(app, ["show", code(1)]).stdout
    import_relations(relation("51%,,2024-01-01,"))
    shown = json.loads(CliRunner().invoke(app, ["show", code(1), "--json"]).stdout)
    assert (code(2) in str(shown["owns"]), shown["owned_by"]) == (True, [])
    assert "公司3" in CliRunner().invoke(app, ["list"]).stdout
    assert len(json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)) == 3
