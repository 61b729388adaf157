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
TODO = Room("todo", _("待办"))
REGISTER = Room("parties", _("登记库"))
SAMPLE = Room("audit-sample", _("抽样"))
_JOBS = Room("jobs", _("作业"))
_USAGE = Room("usage", _("用量"))
BILLS = Room("bills", _("账单"))
ENTITLEMENTS = Room("entitlements", _("应享"))
CENTRES = Room("centres", _("智算中心"))
COMPUTE = Room("compute", _("算力"))
DRAFTS = Room("drafts", _("申报"))
_FLAGS = Room("flags", _("疑点"))
RUNS = Room("runs", _("结算批次"))
_POLICIES = Room("policies", _("政策"))
PEOPLE = Room("people", _("人员"))
FIRM = Room("firm", _("本单位"))
CALCULATOR = Room("calculator", _("计算器"))
STATISTICS = Room("statistics", _("统计"))

ROOMS: dict[str, tuple[Room, ...]] = {
    # a user's records of use are a step of the chain, and the firm's page adds them up
    "user": (HOME, _JOBS, FIRM, BILLS, ENTITLEMENTS, DRAFTS, _POLICIES),
    "centre": (HOME, CENTRES, _JOBS, _USAGE, BILLS, _FLAGS, _POLICIES),
    # bills and use are steps of the chain above every page
    "city": (HOME, TODO, ENTITLEMENTS, BILLS, REGISTER, COMPUTE, _POLICIES),
    "province": (HOME, TODO, ENTITLEMENTS, RUNS, REGISTER, COMPUTE, _POLICIES),
    "auditor": (HOME, TODO, ENTITLEMENTS, RUNS, SAMPLE, COMPUTE, _POLICIES),
    "operator": (PEOPLE, _POLICIES),
    "": (_POLICIES, CALCULATOR, STATISTICS),
}

#: which roles reach which step's list (a draft is its own party's until it is submitted); payments are not built yet
#: and are no link; what is inside a centre, its seals too, is not for its users to read
WHO_LISTS: dict[str, frozenset[str]] = {
    "jobs": frozenset({"user", "centre", "city", "province", "auditor"}),
    "usage": frozenset({"user", "centre", "city", "province", "auditor"}),
    "seals": frozenset({"centre", "city", "province", "auditor"}),
    "bills": frozenset({"user", "centre", "city", "province", "auditor"}),
    "entitlements": frozenset({"user", "city", "province", "auditor"}),
    "drafts": frozenset({"user", "city"}),
}

_STEPS: tuple[tuple[str, str | Promise], ...] = (
    ("jobs", _("作业")),
    ("usage", _("用量")),
    ("seals", _("封账")),
    ("bills", _("账单")),
    ("entitlements", _("应享")),
    ("drafts", _("申报")),
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
    return [Step(label, same.get(key) or _list(role, key), key == here) for key, label in _STEPS]


def _list(role: str, key: str) -> str:
    return reverse(key) if role in WHO_LISTS.get(key, frozenset()) else ""
