"""Money by persons of the treasury: budgets, orders, files for the bank and its returns, and the account that is paid.

It rests on `awards` (what is granted and committed) and on `workflow`; an act of an application sets money off by
`workflow/effects.py`, what follows at the bank is done here.
"""
