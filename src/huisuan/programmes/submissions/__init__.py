"""What is handed in under a call: read from a draft, checked for what is missing, copied and hashed, never changed.

`window` is pure. `record` is the effect of the act "submit", so nothing here imports the workflow above it or the
calls' services; the workflow's table of effects and the calls import it.
"""
