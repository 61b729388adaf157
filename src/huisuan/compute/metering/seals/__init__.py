"""Sealed months, and the public register of all of them.

`seal_month` closes, `queries` reads and takes countersignatures, `register` publishes.
"""
