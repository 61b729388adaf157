"""DuckDB as the meter uses it."""
