"""The rooms of each audience (at most seven), and the chain from a job to the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Room:
    """One entry of the rail: where it leads and what it is called."""

    route: str
    label: str | Promise


HOME = Room("home", _("总览"))
JOBS = Room("jobs", _("作业"))
USAGE = Room("usage", _("用量"))
BILLS = Room("bills", _("账单"))
ENTITLEMENTS = Room("entitlements", _("应享"))
CENTRES = Room("centres", _("智算中心"))
RUNS = Room("runs", _("结算批次"))
POLICIES = Room("policies", _("政策"))

ROOMS: dict[str, tuple[Room, ...]] = {
    "user": (HOME, JOBS, USAGE, BILLS, ENTITLEMENTS, POLICIES),
    "centre": (HOME, CENTRES, JOBS, USAGE, BILLS, POLICIES),
    "city": (HOME, ENTITLEMENTS, BILLS, USAGE, CENTRES, POLICIES),
    "province": (HOME, ENTITLEMENTS, RUNS, BILLS, USAGE, CENTRES, POLICIES),
    "auditor": (HOME, ENTITLEMENTS, RUNS, BILLS, USAGE, CENTRES, POLICIES),
    "": (POLICIES,),
}

#: which roles reach which step's list; sealing, claims and payments are not built yet and are no links
WHO_LISTS: dict[str, frozenset[str]] = {
    "jobs": frozenset({"user", "centre", "city", "province", "auditor"}),
    "usage": frozenset({"user", "centre", "city", "province", "auditor"}),
    "bills": frozenset({"user", "centre", "city", "province", "auditor"}),
    "entitlements": frozenset({"user", "city", "province", "auditor"}),
}

STEPS: tuple[tuple[str, str | Promise], ...] = (
    ("jobs", _("作业")),
    ("usage", _("用量")),
    ("seals", _("封账")),
    ("bills", _("账单")),
    ("entitlements", _("应享")),
    ("claims", _("申报")),
    ("payments", _("拨付")),
)


@dataclass(frozen=True)
class Step:
    """One step of the chain as this page shows it; `href` is empty where the step cannot be gone to."""

    label: str | Promise
    href: str
    here: bool


def rooms(role: str) -> tuple[Room, ...]:
    """The rooms of a role; of nobody, the public ones."""
    return ROOMS.get(role, ROOMS[""])


def chain(role: str, here: str, same: Mapping[str, str]) -> list[Step]:
    """The chain for a page: `same` names, per step, the address of the same thing at that step.

    A step that `same` does not name leads to its list, where the role has one.
    """
    return [Step(label, same.get(key) or _list(role, key), key == here) for key, label in STEPS]


def _list(role: str, key: str) -> str:
    return reverse(key) if role in WHO_LISTS.get(key, frozenset()) else ""
