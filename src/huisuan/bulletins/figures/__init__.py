"""Bulletins of figures (money paid, compute used, scenarios): who brought what to which cell, read from other rooms'
queries, what of it is hidden, and the snapshot from which a bulletin is made.
"""
