"""Public job traces, read in one way for all: `usage import` meters what `simulate` replays. Pure (DuckDB only).

A trace is recognised by how it begins (`reader`), its lines become rows of text under our own names for things
(`csv_form`, `swf_form`, `philly_form`), times become seconds (`clock`), and every row is judged once (`judging`): a job
that ran, or one of the kinds that did not, or refused with column, value, rule and remedy.
"""
