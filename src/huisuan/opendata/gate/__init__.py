"""The gate: a file is read, judged, made anew from what was read, scanned again, and let out by a third person.

`gate_arrows.py` is its table of states and arrows; the database holds it and what must hold before anything leaves.
"""
