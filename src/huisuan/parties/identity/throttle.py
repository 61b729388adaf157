"""Rate limits of guesses at a password, a code or a token.

A try is written down before it is judged and taken back when it was right, so that many at once count like many in
turn. Limits hold for a name at a place and for an address; a name as a whole is never locked. When strangers guess at
a name from many places, places where it never came in get one try at a time; those it is known from notice nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from huisuan.parties.identity.client_address import ClientPlace
from huisuan.parties.models import CredentialKind, KnownPlace, SignInTry

_ATTEMPTS_KEPT = timedelta(days=1)
_SWEEP_EVERY = 100  # tries
_PLACE_KNOWN_FOR = timedelta(days=180)


@dataclass(frozen=True)
class AttemptLimit:
    """So many tries in so long a time."""

    tries: int
    window: timedelta


QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
LIMIT_PER_PLACE = {CredentialKind.PASSWORD: AttemptLimit(10, QUARTER), CredentialKind.CODE: AttemptLimit(5, QUARTER)}
#: of one address, whatever the names; a name that is known there is not held up by its neighbours
LIMIT_PER_ADDRESS = {
    CredentialKind.PASSWORD: AttemptLimit(100, QUARTER),
    CredentialKind.CODE: AttemptLimit(50, QUARTER),
    CredentialKind.TOKEN: AttemptLimit(60, QUARTER),
}
#: of one name, from all places that it is not known from
LIMIT_FROM_UNKNOWN_PLACES = {
    CredentialKind.PASSWORD: AttemptLimit(30, HOUR),
    CredentialKind.CODE: AttemptLimit(20, DAY),
}
#: what an unknown place is left with then. Whoever guesses codes has the password: they wait.
LIMIT_UNDER_ATTACK = {CredentialKind.PASSWORD: AttemptLimit(1, QUARTER), CredentialKind.CODE: AttemptLimit(0, QUARTER)}


class TooManyAttempts(Exception):
    """Too many tries; `wait` seconds until the next one is judged."""

    def __init__(self, wait: int) -> None:
        self.wait = wait
        super().__init__(f"尝试次数过多：请 {-(-wait // 60)} 分钟后再试")


def begin_attempt(door: CredentialKind, username: str, place: ClientPlace, now: datetime) -> SignInTry:
    """Record an attempt before the secret is checked.

    Raises:
        TooManyAttempts: the limit is reached.
    """
    known = find_known_place(username, place, now) if username else None
    attempt = SignInTry.objects.create(
        door=door, name=username_digest(username), place=known or place.address, address=place.address,
        known=known is not None, at=now,
    )  # fmt: skip
    if attempt.pk % _SWEEP_EVERY == 0:
        SignInTry.objects.filter(at__lt=now - _ATTEMPTS_KEPT).delete()
    try:
        _check_limits(attempt, now)
    except TooManyAttempts:
        attempt.delete()
        raise
    return attempt


def forgive_attempt(attempt: SignInTry) -> None:
    """Remove a successful attempt: it does not count."""
    SignInTry.objects.filter(pk=attempt.pk).delete()


def find_known_place(username: str, place: ClientPlace, now: datetime) -> str | None:
    """The place from which this person has signed in before: the device, else the address; None if neither."""
    known = set(
        KnownPlace.objects.filter(
            person__username=username, place__in=place.names, last_at__gt=now - _PLACE_KNOWN_FOR
        ).values_list("place", flat=True)
    )
    return next((name for name in place.names if name in known), None)


def username_digest(username: str) -> str:
    """A keyed digest of a username: people type passwords into that field."""
    normalised = unicodedata.normalize("NFKC", username).casefold().strip()
    return (
        salted_hmac("huisuan.parties.identity.throttle", normalised, algorithm="sha256").hexdigest()
        if normalised
        else ""
    )


def _check_limits(attempt: SignInTry, now: datetime) -> None:
    door = CredentialKind(attempt.door)
    tries = SignInTry.objects.filter(door=door)
    if not attempt.known:
        _check_limit(tries.filter(address=attempt.address, known=False), LIMIT_PER_ADDRESS[door], now)
    if not attempt.name:
        return
    named = tries.filter(name=attempt.name)
    here = named.filter(place=attempt.place)
    _check_limit(here, LIMIT_PER_PLACE[door], now)
    strangers, siege = named.filter(known=False), LIMIT_FROM_UNKNOWN_PLACES[door]
    if not attempt.known and strangers.filter(at__gt=now - siege.window).count() > siege.tries:
        _check_limit(here, LIMIT_UNDER_ATTACK[door], now)


def _check_limit(tries: QuerySet[SignInTry], limit: AttemptLimit, now: datetime) -> None:
    recent = tries.filter(at__gt=now - limit.window)
    if recent.count() > limit.tries:
        oldest = recent.order_by("at").values_list("at", flat=True).first() or now
        raise TooManyAttempts(max(1, int((oldest + limit.window - now).total_seconds())))
