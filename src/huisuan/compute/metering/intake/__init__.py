"""Accounting files parsed, judged, and compared with what is stored: in DuckDB alone, without Django, by contract.

`sacct` and `gpu_trace` parse, `reconcile` compares; `tables` is the page of all tables on the way. `imports` stores
the result, `audit` parses the same files years later.
"""
