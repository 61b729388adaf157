"""Checking an export of the meter: public keys and the files, no platform, no database, no network. Pure."""
