"""Settlement runs: registers and usage read once, bills, entitlements, and the trace from fen to raw line.

`settle` makes a run, `requests` asks the worker for one, `queries` and `trace` read. `settled_sentence` is the one
place that is about sentence 2.2 alone.
"""
