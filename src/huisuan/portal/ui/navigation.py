"""The menu, one for every role and ordered by subject, and the chain from a job to the money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

_USER, _CENTRE, _CITY = frozenset({"user"}), frozenset({"centre"}), frozenset({"city"})
_OVERSEES = frozenset({"province", "auditor"})
_OFFICES, _EXPERT = frozenset({"department", "treasury"}), frozenset({"expert"})
_PUBLIC = _USER | _CENTRE | _CITY | _OVERSEES | _OFFICES | _EXPERT | frozenset({"operator", ""})
_ALL_BUT_OPERATORS = _USER | _CENTRE | _CITY | _OVERSEES


@dataclass(frozen=True)
class Room:
    """One entry of the menu: where it leads, what it is called, and who has it."""

    route: str
    label: str | Promise
    roles: frozenset[str]


@dataclass(frozen=True)
class Subject:
    """Rooms about one subject; the first subject, where one arrives, has no name."""

    label: str | Promise
    rooms: tuple[Room, ...]


#: the same order for everybody; each sees the rooms that they may enter
MENU = (
    Subject("", (
        Room("home", _("总览"), _ALL_BUT_OPERATORS),
        Room("todo", _("待办"), _CENTRE | _CITY | _OVERSEES),
    )),
    Subject(_("作业"), (
        Room("jobs", _("作业"), _ALL_BUT_OPERATORS),
        Room("sessions", _("交互会话"), _USER),
        Room("now", _("现在有什么"), _ALL_BUT_OPERATORS),
    )),
    Subject(_("算力"), (
        Room("compute", _("全省算力"), _CITY | _OVERSEES),
        Room("centres", _("智算中心"), _CENTRE | _CITY | _OVERSEES),
    )),
    Subject(pgettext_lazy("list", "计量"), (
        Room("usage", _("用量"), _ALL_BUT_OPERATORS),
        Room("seals", pgettext_lazy("list", "封账"), _CENTRE | _CITY | _OVERSEES),
        Room("flags", _("疑点"), _CENTRE | _CITY | _OVERSEES),
        Room("audit-sample", _("抽样"), _OVERSEES),
    )),
    Subject(pgettext_lazy("list", "申报"), (
        Room("inbox", _("待我办理"), _CITY | frozenset({"province"}) | _OFFICES),
        Room("reviews", _("我的评审"), _EXPERT),
        Room("claims", _("我的申报"), _USER | _CITY),
        Room("drafts", pgettext_lazy("list", "草稿"), _USER | _CITY),
        Room("applications", _("申报件"), _USER | _CITY | _OVERSEES | _OFFICES),
        Room("programme-year", _("年度总览"), _OVERSEES | _OFFICES),
        Room("calls", pgettext_lazy("list", "申报通知"), _PUBLIC),
        Room("notices", pgettext_lazy("list", "公示"), _PUBLIC),
        Room("publicity-desk", _("公示台"), _CITY | _OVERSEES | frozenset({"department"})),
        Room("documents", _("公文"), _USER | _CITY | _OVERSEES | _OFFICES | _EXPERT),
    )),
    Subject(_("资金"), (
        Room("bills", _("账单"), _ALL_BUT_OPERATORS),
        Room("entitlements", pgettext_lazy("list", "应享"), _USER | _CITY | _OVERSEES),
        Room("runs", _("结算批次"), _OVERSEES),
        Room("city-desk", _("市级工作台"), _CITY | _OVERSEES | _OFFICES),
        Room("budget-lines", _("财政账"), _OVERSEES | frozenset({"treasury"})),
        Room("city-payments", _("市级拨付"), _CITY | _OVERSEES | frozenset({"treasury"})),
        Room("corrections", _("金额更正"), _OVERSEES | _OFFICES),
        Room("budget", _("预算推演"), _OVERSEES),
    )),
    Subject(_("主体"), (
        Room("firm", _("本单位"), _USER),
        Room("parties", pgettext_lazy("list", "登记库"), _CITY | _OVERSEES),
        Room("experts", _("专家库"), _OVERSEES),
        Room("people", _("人员"), frozenset({"operator"})),
        Room("posts", _("岗位"), _CITY | _OVERSEES | _OFFICES | frozenset({"operator"})),
    )),
    Subject(_("政策"), (
        Room("policies", _("政策"), _PUBLIC),
        Room("calculator", _("计算器"), _PUBLIC),
        Room("opendata", _("开放数据"), _PUBLIC),
        Room("bulletins", _("通报"), _PUBLIC),
        Room("bulletin-desk", _("通报起草"), frozenset({"province"})),
        Room("registers", _("名录"), _PUBLIC),
        Room("statistics", _("统计"), _PUBLIC),
    )),
)  # fmt: skip

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
class ChainStep:
    """One step of the chain as this page shows it; `href` is empty where the step cannot be gone to."""

    label: str | Promise
    href: str
    here: bool


def menu(role: str) -> list[Subject]:
    """The menu of a role ("": nobody signed in): the subjects in which it has a room, with those rooms."""
    found = [Subject(each.label, tuple(room for room in each.rooms if role in room.roles)) for each in MENU]
    return [each for each in found if each.rooms]


def current_room(route: str, here: str) -> str:
    """The one entry of the menu that a page belongs to: its own route where that is one, else the step it shows."""
    return route if any(room.route == route for subject in MENU for room in subject.rooms) else here


def chain(role: str, here: str, same: Mapping[str, str]) -> list[ChainStep]:
    """The chain for a page: `same` names, per step, the address of the same thing at that step.

    A step that `same` does not name leads to its list, where the role has one. A draft is its own party's until it is
    submitted; payments are not built yet and are no link; what is inside a centre, its seals too, is not for its users.
    """
    return [ChainStep(label, same.get(key) or _list(role, key), key == here) for key, label in _STEPS]


def _list(role: str, key: str) -> str:
    reached = any(room.route == key and role in room.roles for subject in MENU for room in subject.rooms)
    return reverse(key) if reached else ""
