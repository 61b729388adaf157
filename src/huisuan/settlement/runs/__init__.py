"""Settlement runs: inputs, bills, entitlements, and the trace from fen to raw line."""
