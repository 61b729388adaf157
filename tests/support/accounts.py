"""Accounts and tokens for tests: one program's account for each role and place."""

from __future__ import annotations

from datetime import UTC, datetime

from django.test import Client

from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Party, Person, Region, Token


def account(role: str, *, party: str | None = None, city: str | None = None) -> Person:
    """The program's account of a role and a place; `party` by USCC, `city` by region code."""
    place = {
        "party": Party.objects.get(uscc=party) if party else None,
        "city": Region.objects.filter(code=city).first(),
    }
    name = "-".join(filter(None, (role, party, city)))
    firm = {"member_role": "owner"} if role == "user" else {}
    defaults = {"role": role, "name": name, "machine": True, "password": "!", **place, **firm}
    return Person.objects.get_or_create(username=name, defaults=defaults)[0]


def make_token(
    role: str, label: str = "test", *, party: str | None = None, city: str | None = None, scope: str = "manage"
) -> tuple[Token, str]:
    """A token for such an account, and its secret."""
    return issue_token(account(role, party=party, city=city), label, Actor("test"), datetime.now(UTC), scope=scope)


def caller(role: str, *, party: Party | None = None, city_id: str | None = None) -> Client:
    """A program with a token of its own."""
    secret = make_token(role, party=party.uscc if party else None, city=city_id)[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def personal_caller(who: Person, scope: str = "submit") -> Client:
    """A program with a token of somebody's own."""
    secret = issue_token(who, "test", Actor("test"), datetime.now(UTC), scope=scope)[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})
