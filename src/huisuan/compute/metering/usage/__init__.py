"""Usage as it is asked for: current records, sums by month, totals by day, what nobody claims.

`slicing` (no Django) is the one rule by which a record is cut in time; the SQL of the others follows it.
"""
