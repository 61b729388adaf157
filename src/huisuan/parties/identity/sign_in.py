"""Sign-in by page or API: the password, then the second factor, each with rate limits."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import authenticate

from huisuan.parties.identity import second_factor, throttle
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.identity.client_address import ClientPlace, device_digest, new_device_cookie
from huisuan.parties.models import CredentialKind, KnownPlace, Person, PersonAction

_MAX_SECRET_LENGTH = 1000  # letters of a password that are looked at at all


def authenticate_by_password(username: str, password: str, place: ClientPlace, now: datetime) -> Person | None:
    """The active person with that name and password; None, without a reason, otherwise.

    Raises:
        TooManyAttempts: the limit is reached.
    """
    attempt = throttle.begin_attempt(CredentialKind.PASSWORD, username[:_MAX_SECRET_LENGTH], place, now)
    if "\0" in username + password or len(username) > _MAX_SECRET_LENGTH or len(password) > _MAX_SECRET_LENGTH:
        return None
    person = authenticate(None, username=username, password=password)
    if not isinstance(person, Person) or person.machine:
        return None
    throttle.forgive_attempt(attempt)
    return person


def verify_second_factor(person: Person, code: str, place: ClientPlace, now: datetime) -> bool:
    """Whether that is the person's code of now, or a recovery code; it is used up by this.

    Raises:
        TooManyAttempts: the limit is reached.
        Refused: the platform's key was changed.
    """
    attempt = throttle.begin_attempt(CredentialKind.CODE, person.username, place, now)
    if not second_factor.verify_code(
        person, code[:_MAX_SECRET_LENGTH], Actor(person.username, person.pk, place.address), now
    ):
        return False
    throttle.forgive_attempt(attempt)
    return True


def record_sign_in(person: Person, place: ClientPlace, actor: Actor, now: datetime, how: str) -> str:
    """Record a sign-in from a place; returns the new value of the device cookie.

    The cookie is another one each time: one that a stranger put into the browser becomes worth nothing.
    """
    fresh = new_device_cookie()
    if place.device:
        KnownPlace.objects.filter(place=place.device).update(place=device_digest(fresh))
    for name in (device_digest(fresh), place.address):
        KnownPlace.objects.update_or_create(person=person, place=name, defaults={"last_at": now})
    record_event(person, PersonAction.SIGNED_IN, actor, now, how)
    return fresh
