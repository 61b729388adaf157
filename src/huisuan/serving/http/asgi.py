"""The web application that granian runs: Django's WSGI application behind the front."""

from __future__ import annotations

import gc

from huisuan.base.allocator import return_large_blocks
from huisuan.serving.http.wsgi import application as behind


def _front() -> object:
    from huisuan.serving.http.front import Front  # only now: its limits are those of rooms that need Django set up

    return Front(behind)


def _settle() -> None:
    """Read once what every request needs, and keep it out of garbage collection: looking through it takes 0.2 s."""
    from django.urls import get_resolver

    from huisuan.law.model import LawError
    from huisuan.law.policy import list_policies, load_policy

    assert get_resolver().url_patterns
    for name in list_policies():
        try:
            load_policy(name)
        except LawError:  # its own page says what is wrong with it
            continue
    gc.collect()
    gc.freeze()


return_large_blocks()  # files pass through in pieces of megabytes
application = _front()
_settle()
