"""Passwords of people that tests make: hashed as the platform does, but in one round and not a million.

The rounds took a quarter of a second for each person, which was most of what many tests did. That the platform itself
hashes in as many rounds as Django advises is shown by `tests/parties/identity/test_people.py`.
"""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """Of the same form and the same name as what the platform stores."""

    iterations = 1
