"""`usage import`: what `intake` makes of a file is stored, in one transaction.

`import_file` is the way in; `pending_corrections` answers flags with which a correction waits, `raw_lines` gives a
stored line back.
"""
