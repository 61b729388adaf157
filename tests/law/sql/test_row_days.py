"""Rows that each name their day: what a file gets is what each row gets alone, by the law of its own day."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.law.cli.law_commands import app
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import with_adopted
from huisuan.law.policy.settings import AdoptedSetting
from huisuan.law.sql.row_days import compute_file_by_day
from support.examples import examples

LAW = load_policy("anhui-agi-2023")
RULE = LAW.rule("2.2")
KNOWN = date(2026, 6, 1)
_days = st.dates(date(2023, 9, 1), date(2026, 2, 28))  # some before the policy, some after it
_decisions = st.lists(st.tuples(_days, st.none() | st.integers(0, 200)), max_size=3)
_rows = st.lists(
    st.tuples(st.none() | _days, st.none() | st.booleans(), st.integers(0, 10**12), st.none() | st.integers(0, 10**6)),
    min_size=1, max_size=12,
)  # fmt: skip


def law(decisions: list[tuple[date, int | None]]) -> Policy:
    """The policy with rates decided one after the other, each from a day on; None repeals."""
    made = []
    for at, (first, thousandths) in enumerate(decisions):
        value, repealed = ("", True) if thousandths is None else (Fraction(thousandths, 1000), False)
        known = date(2024, 1, 1) + timedelta(at)
        made.append(
            AdoptedSetting("2.2.rate", value, "市", "", first, known, f"{at}.toml", Path("/nowhere"), None, repealed)
        )
    return with_adopted(LAW, made)


@pytest.mark.slow
@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_decisions, _rows)
def test_every_row_gets_what_it_gets_alone_on_its_day(
    tmp_path: Path,
    decisions: list[tuple[date, int | None]],
    rows: list[tuple[date | None, bool | None, int, int | None]],
) -> None:
    policy, source, target = law(decisions), tmp_path / "rows.parquet", tmp_path / "answers.parquet"
    names = ("paid_on", "in_anhui", "spend", "self_use")
    table = pa.table(
        {
            **{name: [row[at] for row in rows] for at, name in enumerate(names)},
            "kind": ["enterprise"] * len(rows), "day": list(range(len(rows))),
        },
        pa.schema(
            [("paid_on", pa.date32()), ("in_anhui", pa.bool_()), ("spend", pa.int64()), ("self_use", pa.int64()),
             ("kind", pa.string()), ("day", pa.int64())]
        ),
    )  # fmt: skip
    pq.write_table(table, source)
    done = compute_file_by_day(policy, RULE, source, target, day_column="paid_on", as_known=KNOWN)
    found = duckdb.sql(f"SELECT day, status, CAST(amount_fen AS BIGINT), reasons FROM '{target}'").fetchall()
    assert (done.rows, [row[0] for row in found]) == (len(rows), list(range(len(rows)))), "in the order of the source"
    for (day, inside, spend, own), (_, status, amount, reasons) in zip(rows, found, strict=True):
        if day is None:
            assert (status, amount, reasons) == ("missing_facts", None, "missing:paid_on")
            continue
        facts = {"in_anhui": inside, "kind": "enterprise", "spend": spend, "self_use": own}
        alone = explain(policy, RULE, parse_facts(RULE, facts), on=day, as_known=KNOWN)
        codes = ";".join(reason.code for reason in alone.reasons)
        assert (status, amount, reasons) == (alone.status.value, alone.amount_fen, codes)


COLUMNS = "in_anhui,kind,spend,self_use,paid_on\n"


def computed(place: Path, *rows: str) -> list[dict[str, str]]:
    source, target = place / "in.csv", place / "out.csv"
    source.write_text(COLUMNS + "".join(f"true,enterprise,10000,0,{row}\n" for row in rows), encoding="utf-8")
    words = ["compute", "anhui-agi-2023", "2.2", "--input", str(source), "--output", str(target)]
    ran = CliRunner().invoke(app, [*words, "--day-column", "paid_on"], catch_exceptions=False)
    assert ran.exit_code == 1, "one day cannot be read"
    assert "--on" not in ran.output, "no day is taken for all of them"
    with target.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_of_payments_is_read_by_the_day_of_each_and_one_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    found = computed(tmp_path, "2024-02-29", "2023-02-29", "", "2023-10-11", "2026-01-01")
    assert [(row["status"], row["amount_fen"], row["reasons"]) for row in found] == [
        ("eligible", "2000", ""),
        ("missing_facts", "", "invalid:paid_on"),
        ("missing_facts", "", "missing:paid_on"),
        ("not_in_force", "0", "not_in_force"),
        ("not_in_force", "0", "not_in_force"),
    ]
    assert [row["paid_on"] for row in found][:2] == ["2024-02-29", "2023-02-29"], "what stood there is carried over"


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"spend": 1}, "law.column_missing"),
        ({"spend": 1, "paid_on": 20240229}, "law.column_type"),
        ({"spend@2024-01-01": 1, "self_use@2024-01-01": 0, "paid_on": "2024-02-29"}, "law.parts_with_row_days"),
    ],
)
def test_a_file_whose_rows_name_no_day_or_two_is_refused_and_nothing_is_written(
    tmp_path: Path, columns: dict[str, object], code: str
) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.Table.from_pylist([columns]), source)
    with pytest.raises(LawError) as refusal:
        compute_file_by_day(LAW, RULE, source, target, day_column="paid_on", as_known=KNOWN)
    assert (refusal.value.code, target.exists()) == (code, False)


@pytest.mark.parametrize(
    ("command", "other", "code"),
    [
        ("compute anhui-agi-2023 2.2", "--on 2024-12-31", "law.day_named_twice"),
        ("compute anhui-agi-2023 2.2", "--began 2024-01-01", "law.day_named_twice"),
        ("compute anhui-agi-2023 2.2", "--engine spark", "law.day_column_engine"),
        ("claims wuhu-compute-2025 w.4", "", "law.day_column_of_claims"),
    ],
)
def test_where_rows_cannot_name_their_day_it_is_said_why(tmp_path: Path, command: str, other: str, code: str) -> None:
    files = ["--input", str(tmp_path / "a.csv"), "--output", str(tmp_path / "b.csv"), "--day-column", "paid_on"]
    ran = CliRunner().invoke(app, [*command.split(), *files, *other.split()])
    assert isinstance(ran.exception, LawError)
    assert ran.exception.code == code
