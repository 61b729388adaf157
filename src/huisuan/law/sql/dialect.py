"""The engines whose SQL a rule can be written in. A module of its own: naming one needs no SQL library."""

from enum import StrEnum

from huisuan.law.model.values import Kind


class Dialect(StrEnum):
    """Whose SQL it is."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    POSTGRES = "postgres"


TEXT_TYPE = "VARCHAR"


#: the type that carries each kind of fact best
COLUMN_TYPES = {
    Kind.MONEY: "BIGINT", Kind.INT: "BIGINT", Kind.BOOL: "BOOLEAN", Kind.DATE: "DATE", Kind.SHARE: TEXT_TYPE,
    Kind.CHOICE: TEXT_TYPE, Kind.TEXT: TEXT_TYPE,
}  # fmt: skip
