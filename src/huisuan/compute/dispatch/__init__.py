"""Placing waiting jobs for real: a snapshot of the database, one scheduling cycle, its results stored."""
