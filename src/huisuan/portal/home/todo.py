"""What waits, by when: one page for whoever oversees or operates, each line a link to where it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from huisuan.parties.models import Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.sentences.page import mark_chinese
from huisuan.portal.ui import number_format
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.forms import Choice, choices
from huisuan.portal.ui.state_labels import ROLE, local_name
from huisuan.settlement.todo.items import (
    NEVER_SETTLED,
    NEW_LAW,
    NEW_RECORDS,
    NEW_SEALS,
    WHO_ACTS,
    TodoItem,
    TodoKind,
)
from huisuan.settlement.todo.queries import TODO_ROLES, count_todo, list_todo

_ON_HOME = 5  # lines
TODO_KINDS: dict[TodoKind, str | Promise] = {
    TodoKind.PROPOSAL: _("参数提案待采用"),
    TodoKind.CORRECTION: _("更正待确认"),
    TodoKind.FLAG: _("疑点待答复"),
    TodoKind.SEAL: _("月份待封账"),
    TodoKind.SETTLEMENT: _("年度待结算"),
    TodoKind.UNCLAIMED: _("用量无人认领"),
    TodoKind.AGENT: _("站点代理没有回音"),
}
SETTLE_BECAUSE: dict[str, str | Promise] = {
    NEVER_SETTLED: _("还没有结算过"),
    NEW_SEALS: _("此后有月份封账"),
    NEW_RECORDS: _("此后有新的用量记录"),
    NEW_LAW: _("此后政策文件或参数有改动"),
}


@dataclass(frozen=True)
class TodoRow:
    """One line: what waits, about what, how much, since and until when, where it is done, by whom."""

    kind: str | Promise
    about: str
    what: str
    href: str
    since: datetime | None
    due: date | None
    overdue: bool
    yours: bool
    who: str


def todo_of(viewer: Viewer, now: datetime) -> dict[str, Any]:
    """The first things that wait for a viewer, as their home shows them, and how many there are."""
    items = list_todo(viewer, now)
    rows = todo_rows(items[:_ON_HOME], viewer, timezone.localdate(now))
    return {"todo_rows": rows, "todo_total": len(items), "todo_mine": count_todo(items, viewer.role)}


def todo_rows(items: Sequence[TodoItem], viewer: Viewer, today: date) -> list[TodoRow]:
    """The lines of a list of what waits."""
    return [
        TodoRow(
            TODO_KINDS[item.kind], _about(item), _what(item), _address(item), item.since, item.due,
            item.is_overdue(today), item.acts(viewer.role), _who(item),
        )
        for item in items
    ]  # fmt: skip


def _about(item: TodoItem) -> str:
    if item.kind is TodoKind.PROPOSAL:
        return f"#{item.about} {item.name}"
    if item.kind is TodoKind.SETTLEMENT:
        return f"{item.about} · {item.name}"
    return local_name(item)


def _what(item: TodoItem) -> str:
    """How much waits, in words."""
    count = number_format.format_integer(item.count)
    match item.kind:
        case TodoKind.PROPOSAL:
            said = _t("{policy}，{who} 提出").format(policy=item.detail[0], who=item.detail[1])
            text: str = mark_chinese(escape(said))
        case TodoKind.CORRECTION:
            text = ngettext("{n} 条更正", "{n} 条更正", item.count).format(n=count)
        case TodoKind.FLAG:
            text = ngettext("{n} 个疑点", "{n} 个疑点", item.count).format(n=count)
        case TodoKind.SEAL:
            text = _months(item, count)
        case TodoKind.SETTLEMENT:
            text = _t("；").join(str(SETTLE_BECAUSE[each]) for each in item.detail)
        case TodoKind.UNCLAIMED:
            used = number_format.card_hours(item.card_seconds or 0)
            text = ngettext("{used} 卡时，{n} 条记录", "{used} 卡时，{n} 条记录", item.count).format(used=used, n=count)
        case TodoKind.AGENT:
            text = item.detail[0]
    return text


def _months(item: TodoItem, count: str) -> str:
    first, last = item.detail
    if first == last:
        return first
    return ngettext("{first} 至 {last}，{n} 个月", "{first} 至 {last}，{n} 个月", item.count).format(
        first=first, last=last, n=count
    )


#: where each kind is done: the route, what of it stands in the path, what is asked in its address
_DONE_AT: dict[TodoKind, tuple[str, bool, dict[str, str], str]] = {
    TodoKind.PROPOSAL: ("proposal", True, {}, ""),
    TodoKind.CORRECTION: ("flags", False, {"state": "open", "kind": "correction"}, ""),
    TodoKind.FLAG: ("flags", False, {"state": "open"}, ""),
    TodoKind.SEAL: ("seals", False, {}, ""),
    TodoKind.SETTLEMENT: ("runs", False, {}, ""),
    TodoKind.UNCLAIMED: ("centre", True, {}, "#unclaimed"),
    TodoKind.AGENT: ("centre", True, {}, "#agent"),
}


def _address(item: TodoItem) -> str:
    route, in_path, asked, place = _DONE_AT[item.kind]
    if in_path:
        return reverse(route, args=[item.about]) + place
    if item.kind is not TodoKind.SETTLEMENT:
        asked = {**asked, "centre": item.about}
    return f"{reverse(route)}?{urlencode(asked)}" if asked else reverse(route)


def _who(item: TodoItem) -> str:
    if item.own:
        return _t("您提出的，须由另一人采用。")
    return _t("、").join(str(ROLE[role]) for role in ("province", "centre") if role in WHO_ACTS[item.kind])


def _filters(request: HttpRequest, items: Sequence[TodoItem]) -> dict[str, Any]:
    """The kinds and the cities of what waits, and which the address chooses; what it cannot choose is named."""
    kinds = [(kind.value, str(TODO_KINDS[kind])) for kind in TodoKind if any(item.kind is kind for item in items)]
    regions = Region.objects.filter(code__in={item.region for item in items if item.region})
    cities = [(region.code, local_name(region)) for region in regions]
    asked = {key: request.GET.get(key, "") for key in ("kind", "region")}
    known = {"kind": [value for value, _label in kinds], "region": [code for code, _label in cities]}
    wrong = [key for key, value in asked.items() if value and value not in known[key]]
    chosen = {key: "" if key in wrong else value for key, value in asked.items()}
    kind_choices: tuple[Choice, ...] = choices(kinds, chosen["kind"])
    return {
        "chosen": chosen, "kinds": kind_choices, "regions": choices(cities, chosen["region"]),
        "not_used": refused(request, *wrong),
    }  # fmt: skip


@allow(*TODO_ROLES)
def todo_page(request: HttpRequest) -> HttpResponseBase:
    """What waits where the viewer looks: what they do, and what others do."""
    viewer, now = viewer_of(request), timezone.now()
    items = list_todo(viewer, now)
    filters = _filters(request, items)
    chosen = filters["chosen"]
    shown = [
        item
        for item in items
        if item.kind.value in (chosen["kind"], item.kind.value if not chosen["kind"] else "")
        and (not chosen["region"] or item.region == chosen["region"])
    ]
    rows = todo_rows(shown, viewer, timezone.localdate(now))
    context = {
        **filters,
        "here": "todo",
        "total": len(items),
        "mine": count_todo(items, viewer.role),
        "groups": [(True, [row for row in rows if row.yours]), (False, [row for row in rows if not row.yours])],
    }
    return render(request, "portal/home/todo.html", context)
