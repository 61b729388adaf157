"""Which offices somebody may look at: province and audit every one, others those in which they hold a post today."""

from __future__ import annotations

from datetime import date

from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Office
from huisuan.programmes.offices import posts_in_force


def own_offices(person: Person, today: date) -> set[int]:
    """The offices in which a person holds a post today."""
    return set(posts_in_force(person, today).values_list("office_id", flat=True))


def sees_office(person: Person, office: Office, today: date) -> bool:
    """Whether the page of an office answers somebody."""
    return Viewer.for_person(person).sees_everything or office.pk in own_offices(person, today)
