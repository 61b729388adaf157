"""Classes, k, l and the lattice: equal to what counting the rows by hand gives, whatever the table."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.base.errors import InvalidRequest
from huisuan.cli.main import assemble
from huisuan.opendata.anonymity.hierarchies import build_hierarchy
from huisuan.opendata.anonymity.lattice import measure_lattice, rows_at_risk
from huisuan.opendata.anonymity.roles import suggest_role
from huisuan.opendata.anonymity.table_risk import measure_table

ROWS = st.lists(
    st.tuples(st.sampled_from(["31", "32", "47", ""]), st.sampled_from(["340102", "340103", "340201"]),
              st.sampled_from(["2001-01-02", "2001-03-04", "1999-12-31"]), st.sampled_from("甲乙丙")),
    min_size=1, max_size=30,
)  # fmt: skip


@given(rows=ROWS, k=st.integers(2, 5))
def test_every_combination_is_what_counting_by_hand_gives(rows: list[tuple[str, str, str, str]], k: int) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    hierarchies = [build_hierarchy(name, values) for name, values in zip("abc", columns[:3], strict=True)]
    lattice = measure_lattice(hierarchies, k, columns[3])
    assert len(lattice) == np.prod([len(hierarchy.levels) for hierarchy in hierarchies])
    for one in lattice:
        words = [
            [hierarchy.levels[level].labels[hierarchy.levels[level].codes[code]] for code in hierarchy.rows]
            for hierarchy, level in zip(hierarchies, one.levels, strict=True)
        ]
        classes = Counter(zip(*words, strict=True))
        told = defaultdict(set)
        for key, value in zip(zip(*words, strict=True), columns[3], strict=True):
            told[key].add(value)
        assert (one.k, one.classes) == (min(classes.values()), len(classes))
        assert one.l == min(map(len, told.values()))
        risky = [row for row, key in enumerate(zip(*words, strict=True)) if classes[key] < k]
        assert one.rows_at_risk == len(risky)
        assert rows_at_risk(hierarchies, one.levels, k) == risky
    assert [one.loss for one in lattice] == sorted(one.loss for one in lattice)


def test_levels_fit_what_a_column_holds() -> None:
    def levels(*values: str) -> list[tuple[str, ...]]:
        return [level.labels for level in build_hierarchy("x", values).levels]

    assert levels("340102", "340201", "310101")[1] == ("310100", "340100", "340200")
    assert levels("2001-01-02", "1999年12月31日")[1:4] == [
        ("1999-12", "2001-01"),
        ("1999", "2001"),
        ("1990 年代", "2000 年代"),
    ]
    assert levels("31", "34", "47")[1] == ("30 至 35 以下", "45 至 50 以下")
    assert levels("-1", "4." + "9" * 30)[1] == ("-5 至 0 以下", "0 至 5 以下"), "exact, however many digits"
    assert levels("医生", "教师") == [tuple(sorted(("医生", "教师"))), ("*",)]
    assert levels("甲", "甲") == [("甲",)]
    assert levels("", "5")[1][0] == ""


def test_every_generalisation_of_many_rows_is_measured_once_and_the_coarsest_hides_all() -> None:
    draw = np.random.default_rng(1)
    count = 100_000
    columns = {
        "年龄": [str(n) for n in draw.integers(0, 100, count)],
        "区划": [f"34{n // 10:02}{n % 10:02}" for n in draw.integers(10, 170, count)],
        "出生": [f"{1950 + n // 12}-{n % 12 + 1:02}-01" for n in draw.integers(0, 720, count)],
    }
    hierarchies = [build_hierarchy(name, values) for name, values in columns.items()]
    lattice = measure_lattice(hierarchies, 5)
    assert len({one.levels for one in lattice}) == len(lattice) == 5 * 4 * 5
    assert (lattice[-1].k, lattice[-1].classes) == (count, 1)


def test_roles_are_suggested_by_name_and_by_values() -> None:
    assert suggest_role("户主姓名", []) == "identifier"
    assert suggest_role("出生年月", []) == "quasi_identifier"
    assert suggest_role("补助金额", ["1"]) == "sensitive"
    assert suggest_role("备注", ["x"] * 30) == "plain"
    assert suggest_role("说明", [f"甲{n}号" for n in range(30)]) == "identifier"


TABLE = (
    "姓名,年龄,区县,补助金额\n"
    + "".join(f"王{n},{30 + n % 3},340102,{n % 2}\n" for n in range(12))
    + "李,77,340103,9\n"
)


def test_a_table_is_measured_with_the_cheapest_safe_way_and_the_lines_at_risk() -> None:
    found = measure_table(TABLE.encode(), "a.csv", k=3).to_dict()
    assert (found["rows"], found["quasi"], found["sensitive"]) == (13, ["年龄", "区县"], "补助金额")
    assert found["first_risky_lines"] == [14]
    assert found["cheapest"]["k"] >= 3
    assert found["roles"]["姓名"] == "identifier"


@pytest.mark.parametrize(
    ("content", "options", "what"),
    [
        (TABLE, {"k": 1}, "k=1"), (TABLE, {"quasi": ["没有"]}, "没有列“没有”"), ("只有文字", {}, "没有表"),
        ("a,b\n1,2\n", {}, "没有准标识列"), ("年龄,区县\n", {}, "没有表"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(content: str, options: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidRequest, match=what):
        measure_table(content.encode(), "a.csv", **options)  # type: ignore[arg-type]


def test_more_combinations_than_anybody_reads_are_refused() -> None:
    hierarchies = [build_hierarchy(str(n), ["1", "7", "33"]) for n in range(5)]
    with pytest.raises(InvalidRequest, match="3,125 种组合"):
        measure_lattice(hierarchies, 5)


def test_the_command_shows_the_lattice_without_the_platform(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TABLE, encoding="utf-8")
    run = CliRunner()
    told = run.invoke(assemble(), ["data", "risk", str(file), "--k", "3", "--json"])
    assert json.loads(told.stdout)["k"] == 3
    shown = run.invoke(assemble(), ["data", "risk", str(file), "--quasi", "年龄，区县"])
    assert "姓名: 标识：不能送出" in shown.output
    assert "不足 5 行的组里" in shown.output
