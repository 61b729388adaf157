"""Which cells of linked tables are hidden so that no firm can be read out of them, and the attack that proves it.

Pure: no database, no clock. `linked_cells` says what the cells are and how they add up, `sensitive_cells` which may not
be read, `pattern` which others are hidden with them, `attack` what a reader finds out in spite of it.
"""
