"""The person in whose name a command or a request acts."""

from __future__ import annotations

from huisuan.base.errors import NotFound
from huisuan.parties.models import Person


def find_person(username: str) -> Person:
    """The person of that name who may sign in.

    Raises:
        NotFound: none.
    """
    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {username}：没有这个人，或已停用", code="person.unknown")
    return found
