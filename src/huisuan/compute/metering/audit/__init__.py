"""Checking an export of the meter: public keys and the files, no platform, no database, no network. Pure, by contract.

`verify` checks, `trust` loads what a verifier holds from elsewhere; `folder` and `register` are also what the
platform writes by.
"""
