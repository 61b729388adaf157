"""Functions of the database that Django has no expression for."""

from __future__ import annotations

from django.db.models import Func, IntegerField


class Bytes(Func):
    """Length of a piece in bytes."""

    function = "octet_length"
    output_field = IntegerField()
