"""Errors that a user can do something about."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be carried out; the message says where, what and what to do. Exit code 1."""
