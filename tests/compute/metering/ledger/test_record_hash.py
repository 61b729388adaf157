"""The bytes of a record: the same in Python and in SQL, and different for every two records."""

from __future__ import annotations

import hashlib

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.compute.metering.ledger.record_hash import (
    RECORD_FIELDS,
    TYPES,
    HashedRecord,
    encode_fields,
    leaf_sql,
    leaves_digest,
    record_leaf,
)
from support.examples import examples

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
whole = st.integers(0, 2**31 - 1)


def of(kind: str) -> st.SearchStrategy[object]:
    """Values of a field, odd ones too."""
    plain = texts if "str" in kind else whole
    return st.none() | plain if "None" in kind else plain


records = st.builds(HashedRecord, **{name: of(str(kind)) for name, kind in HashedRecord.__annotations__.items()})


ENGINE = duckdb.connect()


def in_sql(rows: list[HashedRecord]) -> list[str]:
    """What DuckDB makes of them."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in TYPES.items())
    ENGINE.execute(f"CREATE OR REPLACE TABLE r ({columns})")
    ENGINE.executemany(f"INSERT INTO r VALUES ({', '.join('?' * len(RECORD_FIELDS))})", [list(row) for row in rows])
    return [found for (found,) in ENGINE.execute(f"SELECT {leaf_sql()} FROM r").fetchall()]


@given(st.lists(records, min_size=1, max_size=5))
@settings(max_examples=examples(60))
def test_python_and_sql_write_the_same_bytes(rows: list[HashedRecord]) -> None:
    assert in_sql(rows) == [record_leaf(row).hex() for row in rows]


@given(records)
def test_the_bytes_are_the_fields_in_their_order(row: HashedRecord) -> None:
    assert record_leaf(row) == hashlib.sha256(encode_fields("huisuan-record-1", row)).digest()


@given(records, records)
def test_two_records_never_have_the_same_bytes(one: HashedRecord, other: HashedRecord) -> None:
    assert (encode_fields("r", one) == encode_fields("r", other)) == (one == other)


@given(records, st.sampled_from(RECORD_FIELDS), st.data())
def test_no_field_can_be_changed_without_changing_the_hash(row: HashedRecord, name: str, data: st.DataObject) -> None:
    value = data.draw(of(str(HashedRecord.__annotations__[name])).filter(lambda new: new != getattr(row, name)))
    assert record_leaf(row._replace(**{name: value})) != record_leaf(row)


def test_a_text_cannot_run_into_the_next_field() -> None:
    assert encode_fields("r", ("a;1:b", "")) != encode_fields("r", ("a", "1:b"))
    assert encode_fields("r", (None, "")) != encode_fields("r", ("", None))


def test_a_batchs_digest_is_that_of_its_leaves_end_to_end() -> None:
    assert leaves_digest([b"\0" * 32, b"\1" * 32]) == hashlib.sha256(b"\0" * 32 + b"\1" * 32).hexdigest()
