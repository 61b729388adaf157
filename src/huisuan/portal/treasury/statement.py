"""The statement: where the money of a policy stands, by sentence, office, year, city or party; and the proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from huisuan.law.policy import list_policies
from huisuan.parties.models import Party, Region
from huisuan.parties.route_access import allow
from huisuan.portal.treasury.readers import BOOK_READERS
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Column, Kind, Text
from huisuan.portal.ui.export import FORMATS, ListedRows, exported
from huisuan.portal.ui.state_labels import local_name
from huisuan.treasury.models import AppropriationLine
from huisuan.treasury.statements import STATEMENTS, GroupedBy, StatementRow, load_money_statement

_BY: dict[str, Text] = {
    "sentence": _("条款"), "office": _("主管单位"), "year": _("年度"), "city": _("市"), "party": _("主体"),
}  # fmt: skip
_OF_LINES = ("sentence", "office", "year")  # a budget is of no party
_MONEY: tuple[tuple[str, Text], ...] = (
    ("appropriated", _("下达的预算")), ("available", _("可用余额")), ("committed", _("已承诺")),
    ("ordered", _("已开支付令")),
    ("paid", _("已拨付")), ("recovered", _("已追回")), ("owed", _("应收")), ("lapsed", _("已收回预算")),
)  # fmt: skip


@allow(*BOOK_READERS)
def money_statement_page(request: HttpRequest) -> HttpResponseBase:
    """The statement as asked for (`by`, `policy`, `year`); `export` gives exactly these rows."""
    policies = list_policies()
    years = sorted(set(AppropriationLine.objects.values_list("year", flat=True)), reverse=True)
    asked = {name: request.GET.get(name, "") for name in ("by", "policy", "year", "export")}
    by = asked["by"] if asked["by"] in STATEMENTS else "sentence"
    policy = asked["policy"] if asked["policy"] in policies else (policies[0] if policies else "")
    year = int(asked["year"]) if asked["year"] in map(str, years) else None
    known = {
        "by": by,
        "policy": policy,
        "year": str(year),
        "export": asked["export"] if asked["export"] in FORMATS else "",
    }
    not_used = [name for name, text in asked.items() if text and text != known[name]]
    rows = load_money_statement(cast(GroupedBy, by), policy, year)
    columns = _columns(by, rows)
    if asked["export"] in FORMATS and not not_used:
        return exported(f"statement-{by}", asked["export"], columns, ListedRows(rows).as_query())
    query = request.GET.copy()
    query.pop("export", None)
    context = {
        "here": "statement", "by": by, "policy": policy, "year": str(year or ""), "bys": list(_BY.items()),
        "policies": policies, "years": [str(each) for each in years], "columns": columns,
        "rows": [[(column, column.shown(column.of(row))) for column in columns] for row in rows],
        "sums": [(column, column.shown(sum(column.of(row) for row in rows))) for column in columns[1:]],
        "exports": [(name.upper(), f"?{query.urlencode()}{'&' if query else ''}export={name}") for name in FORMATS],
        "not_used": refused(request, *not_used),
    }  # fmt: skip
    return render(request, "portal/treasury/statement.html", context)


def _columns(by: str, rows: Sequence[StatementRow]) -> list[Column]:
    names = _names(by, [row.key for row in rows])
    first = Column("key", _BY[by], lambda row: names.get(row.key, row.key), Kind.TEXT)
    money = [
        Column(name, label, name, Kind.FEN)
        for name, label in _MONEY
        if by in _OF_LINES or name not in ("appropriated", "available", "lapsed")
    ]
    return [first, *money]


def _names(by: str, keys: Sequence[str]) -> dict[str, str]:
    if by == "city":
        return {each.code: local_name(each) for each in Region.objects.filter(code__in=keys)}
    if by == "party":
        found = {each.uscc: f"{local_name(each)} {each.uscc}" for each in Party.objects.filter(uscc__in=keys)}
        return found | {each.code: local_name(each) for each in Region.objects.filter(code__in=keys)}
    return {}
