"""The engines whose SQL a rule can be written in. A module of its own: naming one needs no SQL library."""

from enum import StrEnum


class Dialect(StrEnum):
    """Whose SQL it is."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    POSTGRES = "postgres"
