"""What the frame around every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from huisuan.messages.queries import COUNTED_UNREAD, unread_count
from huisuan.parties.models import Person, Role
from huisuan.portal.ui import navigation, state_labels
from huisuan.portal.ui.address import strangers


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every template: who is here, and the rooms they have."""
    user = getattr(request, "user", None)
    person = user if isinstance(user, Person) else None
    role = person.role if person else ""
    return {
        "person": person,
        "role": role,
        "role_name": state_labels.ROLE.get(role, ""),
        "place": (person.party or person.city) if person else None,
        "unread_messages": SimpleLazyObject(lambda: _unread(person)),
        "operators": SimpleLazyObject(_operators),
        "menu": navigation.menu(role),
        "strangers": SimpleLazyObject(lambda: strangers(request)),
        "route": request.resolver_match.url_name if request.resolver_match else "",
    }


def _unread(person: Person | None) -> str:
    """How many messages wait unread, as the header shows it; nothing where none do."""
    count = unread_count(person) if person else 0
    return f"{COUNTED_UNREAD}+" if count > COUNTED_UNREAD else str(count or "")


def _operators() -> str:
    """Whom a page may name for help: those who really are there."""
    people = Person.objects.filter(role=Role.OPERATOR, is_active=True, machine=False).order_by("id")
    return gettext("、").join(people.values_list("name", flat=True)[:3])
