"""Pages of usage records and their sums."""
