"""Who reads the books of the treasury, and what the person who looks may do in them."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from huisuan.base.errors import NotAllowed
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.payments.money_posts import require_money_post

BOOK_READERS = ("province", "treasury", "auditor")
#: who may hold a post that commits or pays
BOOK_KEEPERS = ("province", "treasury")


def may_move_money(request: HttpRequest, duty: Duty) -> bool:
    """Whether the person holds a post today that commits, or pays."""
    assert isinstance(request.user, Person)
    if request.user.role not in BOOK_KEEPERS:
        return False
    try:
        return bool(require_money_post(request.user, duty, timezone.now()))
    except NotAllowed:
        return False
