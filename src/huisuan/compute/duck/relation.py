"""A table in DuckDB as data: its columns stand once, for the SQL that makes it and the test that compares. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

ARROW = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
ARROW |= {f"{name}[]": pa.list_(kind) for name, kind in ARROW.items()}


@dataclass(frozen=True)
class DuckRelation:
    """A table or view: its name, its columns with their DuckDB types, who makes it and who reads or changes it."""

    name: str
    columns: Mapping[str, str]
    producer: str = ""
    consumers: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """Its columns as CREATE TABLE writes them."""
        return ", ".join(f'"{name}" {kind}' for name, kind in self.columns.items())

    def create(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make it, empty."""
        con.execute(f"CREATE TABLE {self.name} ({self.definition})")

    def load(self, con: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[Any]]) -> None:
        """Make it of rows that Python worked out, such as what each distinct AllocTRES means; replaces an older one."""
        held = list(rows)
        schema = pa.schema([(name, ARROW[kind]) for name, kind in self.columns.items()])
        columns = [[row[place] for row in held] for place in range(len(schema.names))]
        arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
        con.register("_rows", pa.table(arrays, schema=schema))
        con.execute(f"CREATE OR REPLACE TABLE {self.name} AS SELECT * FROM _rows")  # noqa: S608 (a name of ours)
        con.unregister("_rows")
