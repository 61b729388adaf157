"""What a row of megabytes leaves behind in its connection is given back when the request or the step is over.

The client library of PostgreSQL (libpq) enlarges the buffers of a connection to its largest message and keeps them:
12 MiB for a piece of 4 MiB written and read. Each thread of the server keeps a connection, so that a file that passed
through left some 140 MiB, however small the next requests were.
"""

from __future__ import annotations

from django.db import connection


def close_after_request() -> None:
    """The connection of this thread is closed as soon as Django asks whether it is to be kept; no transaction ends."""
    connection.close_at = 0.0
