"""Who comes in, by the page or by the API: the password, then the second factor, each throttled."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate

from huisuan.parties.identity import second_factor, throttle
from huisuan.parties.identity.audit_trail import Actor, record
from huisuan.parties.identity.client_address import Place, device_name, new_device
from huisuan.parties.models import Door, KnownPlace, Person, Step

LONGEST = 1000  # letters of a password that are looked at at all


def by_password(username: str, password: str, place: Place, now: datetime) -> Person | None:
    """The person of that name and password, if they may come in; None without a word why not.

    Raises:
        TooMany: it may not be judged now.
    """
    attempt = throttle.begin(Door.PASSWORD, username[:LONGEST], place, now)
    if "\0" in username + password or len(username) > LONGEST or len(password) > LONGEST:
        return None
    person = authenticate(None, username=username, password=password)
    if not isinstance(person, Person) or person.machine:
        return None
    throttle.forgive(attempt)
    return person


def by_code(person: Person, code: str, place: Place, now: datetime) -> bool:
    """Whether that is the person's code of now, or a recovery code; it is used up by this.

    Raises:
        TooMany: it may not be judged now.
        Refused: the platform's key was changed.
    """
    attempt = throttle.begin(Door.CODE, person.username, place, now)
    if not second_factor.check(person, code[:LONGEST], Actor(person.username, person.pk, place.address), now):
        return False
    throttle.forgive(attempt)
    return True


def came_in(person: Person, place: Place, actor: Actor, now: datetime, how: str) -> str:
    """Note that a person came in from a place; returns the new value of the device's cookie.

    The cookie is another one each time: one that a stranger put into the browser becomes worth nothing.
    """
    fresh = new_device()
    if place.device:
        KnownPlace.objects.filter(place=place.device).update(place=device_name(fresh))
    for name in (device_name(fresh), place.address):
        KnownPlace.objects.update_or_create(person=person, place=name, defaults={"last_at": now})
    record(person, Step.SIGNED_IN, actor, now, how)
    return fresh
