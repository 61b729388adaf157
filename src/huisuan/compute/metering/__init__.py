"""The meter: who used which cards, from when to when, in a ledger that only grows.

Accounting files come in through `intake` (read and compared, in DuckDB alone) and `imports` (stored); agents' signed
batches through `agent_usage`. `ledger` holds hashes, chains and Merkle trees, `checks` looks for what is wrong,
`seals` closes months, `usage` answers questions, `exports` hands out, `audit` verifies without the platform. Their
order is a contract in pyproject.toml.
"""
