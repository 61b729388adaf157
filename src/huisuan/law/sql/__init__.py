"""Reading millions of claims: a rule compiled to exact SQL for DuckDB and Spark."""
