"""The reading of millions of claims: a rule compiled to exact SQL for DuckDB, Spark and PostgreSQL.

Naming a dialect or the types of columns needs no SQL library, and that is what this face has. `sql.compute_file` and
`sql.stack_file` (whole files, `answer_query`) and `sql.spark` are imported by their own names; they need the extra
`bulk` (DuckDB and sqlglot) and nothing else of the platform.
"""

from huisuan.law.sql.dialect import COLUMN_TYPES, Dialect

__all__ = ["COLUMN_TYPES", "Dialect"]
