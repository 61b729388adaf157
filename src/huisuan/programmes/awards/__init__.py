"""Awards and their money: granted by a decision, committed, ordered, paid, and taken back where too much was paid.

What the steps of an application do to money stands in `granting`, `committing`, `paying` and `closing`, which
`workflow/effects.py` names; they rest on the treasury and know nothing of the workflow. `offers` and `payments`, what
persons do besides, rest on both.
"""
