"""The list of open data (sentence 3.1) and one entry of it. Public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound
from huisuan.opendata.catalogue.listed import FoundEntries, find_entries
from huisuan.opendata.catalogue.queries import get_entry, search_entries, standing_entries
from huisuan.opendata.models import CatalogueVersion
from huisuan.opendata.vocabulary import Access, Attribute, ColumnRole, DataKind, Updates
from huisuan.parties.models import Region
from huisuan.parties.route_access import public_page
from huisuan.portal.opendata.dataset_face import dataset_of
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.number_format import format_integer
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


_FACET_NAMES: Mapping[str, Text] = {
    "theme": _("主题"), "access": _("开放属性"), "kind": _("形式"), "frequency": _("更新频率"), "region": _("市"),
}  # fmt: skip
_FACET_LABELS = {"access": ACCESS_LABELS, "kind": FORM_LABELS, "frequency": FREQUENCY_LABELS}

#: who sees requests for data that is not listed: their own, their city's, or all
REQUEST_READERS = ("user", "city", "province", "auditor")


class CatalogueTable(Table):
    """Searched by the list's own index, which finds one Chinese character as well; every facet with its counts."""

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The entries that have a word somewhere."""
        return search_entries(word, rows)

    @cached_property
    def found(self) -> FoundEntries:
        """What the words and the facets leave, counted."""
        return self._by_words.narrow(self.chosen_facets)

    @cached_property
    def totals(self) -> dict[str, int]:
        """How many rows the filter leaves: the counts of the facets know it already."""
        return {"rows": self.found.total}

    @cached_property
    def page_rows(self) -> Sequence[CatalogueVersion]:
        """The rows of the page."""
        if not self.count:
            return []
        page = self.page
        return self.found.page(page.start_index() - 1, page.end_index(), list(map(_of_entry, self.ordering)))

    @cached_property
    def chosen_facets(self) -> dict[str, str]:
        """By facet the value that the rows are narrowed by."""
        present = {choice.key: {key for key, _label in self._labels[choice.key]} for choice in self.choices}
        asked = {choice.key: self.asked(choice.key) for choice in self.choices}
        return {key: value for key, value in asked.items() if value in present[key]}

    @cached_property
    def options(self) -> dict[str, Sequence[tuple[str, Any]]]:
        """All values there are on the list, each with how many rows it would leave."""
        return {
            facet: [(key, _labelled(label, self._counts[facet].get(key, 0))) for key, label in labels]
            for facet, labels in self._labels.items()
        }

    @cached_property
    def _labels(self) -> dict[str, Sequence[tuple[str, Text]]]:
        present = {facet: {value for value, _ in find_entries().count_by(facet)} for facet in _FACET_NAMES}
        regions = Region.objects.filter(code__in=present["region"])
        found: dict[str, Sequence[tuple[str, Text]]] = {
            facet: [(key, label) for key, label in labels.items() if key in present[facet]]
            for facet, labels in _FACET_LABELS.items()
        }
        found["region"] = [(region.code, local_name(region)) for region in regions]
        found["theme"] = [(theme, theme) for theme in sorted(present["theme"])]
        return found

    @cached_property
    def _by_words(self) -> FoundEntries:
        return find_entries(" ".join(self.words))

    @cached_property
    def _counts(self) -> dict[str, dict[str, int]]:
        found = self._by_words.facets(self.chosen_facets)
        return {facet: {each["value"]: each["count"] for each in values} for facet, values in found.items()}


def _of_entry(path: str) -> str:
    """A path of the standing version to order by, seen from its entry."""
    down, name = "-" * path.startswith("-"), path.removeprefix("-")
    inside = name.removeprefix("standing_for__")
    return down + (inside if inside != name else "latest_id" if name == "id" else f"latest__{name}")


def _labelled(label: Text, count: int) -> str:
    return gettext("{value}（{n}）").format(value=label, n=format_integer(count))


def _narrows(facet: str) -> Choice:
    return Choice(facet, _FACET_NAMES[facet], lambda rows: (), lambda rows, key: rows.filter(**{facet: key}))


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
    Column("code", _("目录代码"), "entry.code", Kind.LONG_CODE, sort="standing_for__code"),
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
        choices=[_narrows(facet) for facet in _FACET_NAMES],
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
