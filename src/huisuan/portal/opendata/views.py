"""The list of open data (sentence 3.1) and one entry of it. Public."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound
from huisuan.opendata.catalogue.queries import get_entry, search_entries, standing_entries
from huisuan.opendata.models import CatalogueVersion
from huisuan.opendata.vocabulary import Access, Attribute, ColumnRole, DataKind, Updates
from huisuan.parties.models import Region
from huisuan.parties.route_access import public_page
from huisuan.portal.opendata.dataset_face import dataset_of
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables

ACCESS_LABELS: Mapping[str, Text] = {
    Access.OPEN: _("无条件开放"), Access.CONDITIONAL: _("有条件开放"), Access.CLOSED: _("不予开放"),
}  # fmt: skip
FORM_LABELS: Mapping[str, Text] = {
    DataKind.TABLE: _("数据表"), DataKind.DOCUMENTS: _("文书"), DataKind.ARCHIVES: _("档案"),
    DataKind.GAZETTEER: _("地方志"), DataKind.INTERFACE: _("接口"),
}  # fmt: skip
FREQUENCY_LABELS: Mapping[str, Text] = {
    Updates.REALTIME: _("实时"), Updates.DAILY: _("每日"), Updates.WEEKLY: _("每周"),
    Updates.MONTHLY: _("每月"), Updates.QUARTERLY: _("每季度"), Updates.HALF_YEARLY: _("每半年"),
    Updates.YEARLY: _("每年"), Updates.ONCE: _("一次性"),
}  # fmt: skip
ROLE_LABELS: Mapping[str, Text] = {
    ColumnRole.IDENTIFIER: _("标识"), ColumnRole.QUASI_IDENTIFIER: _("准标识"), ColumnRole.SENSITIVE: _("敏感"),
    ColumnRole.PLAIN: _("一般"),
}  # fmt: skip
ATTRIBUTE_LABELS: Mapping[str, Text] = {
    Attribute.DISCLOSED: _("主动公开"), Attribute.ON_REQUEST: _("依申请公开"), Attribute.WITHHELD: _("不予公开"),
}  # fmt: skip


#: who sees requests for data that is not listed: their own, their city's, or all
REQUEST_READERS = ("user", "city", "province", "auditor")


class CatalogueTable(Table):
    """Searched by the list's own index, which finds one Chinese character as well."""

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The entries that have a word somewhere."""
        return search_entries(word, rows)


def _present(labels: Mapping[str, Text], field: str) -> Callable[[QuerySet[Any]], Sequence[tuple[str, Text]]]:
    def options(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        found = set(rows.order_by().values_list(field, flat=True).distinct())
        return [(key, label) for key, label in labels.items() if key in found]

    return options


def _regions(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Region.objects.filter(code__in=rows.order_by().values("region_id").distinct())
    return [(region.code, local_name(region)) for region in found]


def _address(row: CatalogueVersion) -> str:
    return reverse("opendata-entry", args=[row.entry.code])


_LIST = [
    Column("title", _("名称"), "title", sort="title", link=_address),
    Column("department", _("提供单位"), "department", sort="department"),
    Column("region", _("市"), lambda row: local_name(row.region), sort="region_id"),
    Column("theme", _("主题"), "theme", sort="theme", minor=True),
    Column("kind", _("形式"), lambda row: str(FORM_LABELS[row.kind]), sort="kind"),
    Column("access", _("开放属性"), lambda row: str(ACCESS_LABELS[row.access]), sort="access"),
    Column("frequency", _("更新频率"), lambda row: str(FREQUENCY_LABELS[row.frequency]), sort="frequency", minor=True),
    Column("listed", _("列入"), "listed_on", Kind.DAY, sort="listed_on", minor=True),
    Column("code", _("目录代码"), "entry.code", Kind.LONG_CODE, sort="entry__code"),
]  # fmt: skip


def catalogue_table(request: HttpRequest) -> Table:
    """Everything on the list as it stands."""
    return CatalogueTable(
        request,
        standing_entries(),
        _LIST,
        file="open-data-list",
        order="code",
        search=("title",),
        choices=[
            Choice(
                "access", _("开放属性"), _present(ACCESS_LABELS, "access"), lambda rows, key: rows.filter(access=key)
            ),
            Choice("kind", _("形式"), _present(FORM_LABELS, "kind"), lambda rows, key: rows.filter(kind=key)),
            Choice(
                "frequency",
                _("更新频率"),
                _present(FREQUENCY_LABELS, "frequency"),
                lambda rows, key: rows.filter(frequency=key),
            ),
            Choice("region", _("市"), _regions, lambda rows, code: rows.filter(region=code)),
        ],
        empty=Empty(_("清单里还没有数据资源。")),
    )


@public_page
def catalogue_page(request: HttpRequest) -> HttpResponseBase:
    """The list of open data."""
    context = {
        "here": "opendata",
        "sees_requests": getattr(request.user, "role", "") in REQUEST_READERS,
        "is_steward": getattr(request.user, "role", "") in ("city", "province"),
    }
    return render_tables(request, "portal/opendata/catalogue.html", context, [catalogue_table(request)])


@public_page
def entry_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """One entry: what it is, on which terms and by whose review, its columns, what belongs to it, its versions."""
    try:
        entry = get_entry(code)
    except NotFound as wrong:
        raise Http404 from wrong
    standing = standing_entries().filter(entry__code__in=entry.links).order_by("entry__code")
    context: dict[str, Any] = {
        "here": "opendata", "entry": entry, "access": ACCESS_LABELS[entry.access], "kind": FORM_LABELS[entry.kind],
        "frequency": FREQUENCY_LABELS[entry.frequency], "attribute": ATTRIBUTE_LABELS.get(entry.attribute, ""),
        "columns": [(column, ROLE_LABELS.get(column["role"], column["role"])) for column in entry.columns],
        "links": standing, "data": dataset_of(request, entry),
        "versions": [(each, ACCESS_LABELS[each.access]) for each in _versions(entry)],
    }  # fmt: skip
    return render(request, "portal/opendata/entry.html", context)


def _versions(entry: CatalogueVersion) -> QuerySet[CatalogueVersion]:
    return entry.entry.versions.order_by("-number")
