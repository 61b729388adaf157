"""The province of the page tests, made once per module and rolled back after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from support.browser import site

if TYPE_CHECKING:
    from support.portal import World

__all__ = ["site", "world"]  # the fixtures


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Everything in it stands for a whole module; each test's own changes are rolled back by `db` inside it."""
    # models can be imported only once Django is set up, which is after this file is read
    from support.portal import build

    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)
