"""The web application that granian runs: Django's WSGI application behind the front."""

from __future__ import annotations

from huisuan.base.allocator import return_large_blocks
from huisuan.serving.http.wsgi import application as behind


def _front() -> object:
    from huisuan.serving.http.front import Front  # only now: its limits are those of rooms that need Django set up

    return Front(behind)


return_large_blocks()  # files pass through in pieces of megabytes
application = _front()
