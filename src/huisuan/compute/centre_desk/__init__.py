"""What a centre's desk shows before somebody acts and afterwards.

`tariff_preview`: who would pay what under new prices; `seal_checklist`: what stands before a month is sealed;
`figures`: income, utilisation, idle cards and users over a year. Everything is read from the kept days of use, so it
costs the same whatever the ledger. Rests on budgets (the days), the meter and centres; pages, the API and commands
may import it.
"""
