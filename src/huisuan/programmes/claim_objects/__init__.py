"""What claims are for: contracts, invoices, standards and the like, each held by one living claim on a ground.

`codes` reads what was typed, `records` stores it with a submission and refuses what another claim holds.
"""
