"""Registers of things that an article declares: read from files, corrected and ended on record, open to the public.

`entry_line` reads a row (pure), `services` keeps the record, `queries` and `api` show it.
"""
