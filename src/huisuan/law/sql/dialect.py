"""The engines whose SQL a rule can be written in. A module of its own: naming one needs no SQL library."""

from enum import StrEnum

from huisuan.law.model.values import ValueKind


class Dialect(StrEnum):
    """Whose SQL it is."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    POSTGRES = "postgres"


TEXT_TYPE = "VARCHAR"


#: the type that carries each kind of fact best
COLUMN_TYPES = {
    ValueKind.MONEY: "BIGINT", ValueKind.INT: "BIGINT", ValueKind.BOOL: "BOOLEAN", ValueKind.DATE: "DATE",
    ValueKind.SHARE: TEXT_TYPE,
    ValueKind.CHOICE: TEXT_TYPE, ValueKind.TEXT: TEXT_TYPE,
}  # fmt: skip
