"""The simulator: public traces replayed through the very placement that runs the province, with a clock of its own.

No database, no web: a trace (`traces`), centres (`world`), a policy (`policies`), a replay (`replay`), what came of it
(`measures`).
"""
