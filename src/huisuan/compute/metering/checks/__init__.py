"""What in the meter is wrong: flags with their answers, more cards in use than there are, gaps, clocks.

`flags` raises and answers, `completeness` and `overuse` look, `clock` bounds an agent's clock; `run_bounds` (no
Django) is also the auditor's.
"""
