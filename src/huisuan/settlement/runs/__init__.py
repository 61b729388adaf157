"""Settlement runs: registers and usage read once, bills, entitlements, and the trace from fen to raw line.

`rules` finds what to settle, `settle` makes the runs (`billing`, `entitle`, `stacking`, `store` are its steps),
`requests` asks the worker for them, `queries` and `trace` read. Facts come from `compute.fact_sources`; nothing here
knows a sentence or a fact by name.
"""
