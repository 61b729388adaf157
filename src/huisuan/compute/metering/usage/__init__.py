"""Usage as it is asked for: records, slices by month, summaries, daily totals."""
