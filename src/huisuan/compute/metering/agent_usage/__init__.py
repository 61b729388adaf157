"""Signed usage from agents: received, judged line by line, stored, receipted.

`receive` is for the agents' gateway; `usage_line` (no Django) is also the auditor's; `leases` says what was placed
where.
"""
