"""The registers of things, one register, and one entry with all that was ever said of it. Public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import public_page, viewer_if_any
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.registers.field_words import choice_word, field_text, field_title, register_title
from huisuan.portal.registers.holder_ties import HolderTies, load_holder_ties
from huisuan.portal.registers.readers import load_to_look_at, sees_private
from huisuan.portal.registers.tied import load_drawn, load_due, load_member_share, load_same, load_tied
from huisuan.portal.ui.charts import Bar, Chart, columns
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.number_format import format_day
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.keepers import may_correct, may_enter
from huisuan.programmes.registers.queries import (
    every_standing_version,
    get_version,
    list_registers,
    list_versions,
    public_fields,
    standing_versions,
)
from huisuan.programmes.registers.services import get_register

_KINDS = {FieldKind.DAY: Kind.DAY, FieldKind.COUNT: Kind.INTEGER, FieldKind.YUAN: Kind.FEN}
_COLUMNS_AT_ONCE = 4  # of a register's own fields; the others stand on the entry's page and in the file


@public_page
def registers_page(request: HttpRequest) -> HttpResponseBase:
    """Every register: what is on it, who keeps it, how many things."""
    rows = [
        (policy, spec, register_title(spec), standing_versions(policy.name, spec.key).filter(ended=False).count())
        for policy, spec in list_registers()
    ]
    return render_tables(
        request, "portal/registers/registers.html", {"here": "registers", "rows": rows}, [every_entry_table(request)]
    )


@public_page
def register_page(request: HttpRequest, policy: str, key: str) -> HttpResponseBase:
    """What stands on a register."""
    spec = _spec(policy, key)
    today = timezone.localdate()
    table = Table(
        request,
        standing_versions(policy, key),
        _columns(spec),
        file=f"register-{key}",
        order="code",
        search=("name", "entry__code", "holder__name", "holder__uscc"),
        choices=[
            Choice("on", _("在册"), _standings, lambda rows, chosen: _on(rows, chosen, policy, key)),
            Choice("region", _("市"), _regions, lambda rows, code: rows.filter(region=code)),
        ],
        empty=Empty(_("这份名录里还没有。")),
    )
    context = {
        "here": "registers", "spec": spec, "title": register_title(spec), "policy": policy, "today": today,
        "may_enter": may_enter(spec, _reader(request), timezone.now()),
        **load_to_look_at(_reader(request), policy, spec, today),
    }  # fmt: skip
    return render_tables(request, "portal/registers/register.html", context, [table])


@public_page
def register_entry_page(request: HttpRequest, policy: str, key: str, code: str) -> HttpResponseBase:
    """One entry: what holds, and every version with the reason why it followed."""
    spec = _spec(policy, key)
    try:
        version = get_version(policy, key, code)
    except NotFound as wrong:
        raise Http404 from wrong
    versions = _with_changes(spec, list(list_versions(version)))
    reader = _reader(request)
    context: dict[str, Any] = {
        "here": "registers", "spec": spec, "title": register_title(spec), "policy": policy, "version": version,
        "versions": versions, "name_is": spec.name_is_en if reads_english() else spec.name_is,
        "holder_is": spec.holder_is_en if reads_english() else spec.holder_is,
        "values": [(field_title(one), field_text(one, version.values.get(one.key))) for one in public_fields(spec)],
        "chart": _share_chart(spec, [each for each, _changes in versions]),
        "may_enter": may_correct(spec, version, reader, timezone.now()),
        **_ties(load_policy(policy), spec, version, with_private=sees_private(spec, version, reader, timezone.now())),
        "holder_ties": _holder_ties(request, spec, version), "holder_link": _holder_link(request, version),
    }  # fmt: skip
    return render(request, "portal/registers/entry.html", context)


def _with_changes(
    spec: RegisterSpec, versions: Sequence[RegisterVersion]
) -> list[tuple[RegisterVersion, list[tuple[Text, str, str]]]]:
    """Each version, the newest first, with what it says otherwise than the one before: column, before, after."""
    found = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        changes: list[tuple[Text, str, str]] = []
        if before is not None:
            said: list[tuple[Text, str, str]] = [(_("名称"), before.name, version.name)]
            said.append((_("主体"), _holder_name(before), _holder_name(version)))
            said += [(field_title(one), _said(one, before), _said(one, version)) for one in public_fields(spec)]
            changes = [(label, old, new) for label, old, new in said if old != new]
        found.append((version, changes))
    return found


def _said(one: RegisterField, version: RegisterVersion) -> str:
    return field_text(one, version.values.get(one.key))


def _holder_name(version: RegisterVersion) -> str:
    return local_name(version.holder) if version.holder else ""


def _holder_ties(request: HttpRequest, spec: RegisterSpec, version: RegisterVersion) -> HolderTies | None:
    """Whom the holder is tied to, for those who see the ties of experts."""
    viewer = viewer_if_any(request)
    return load_holder_ties(spec, version, timezone.localdate()) if viewer and viewer.sees_everything else None


def _holder_link(request: HttpRequest, version: RegisterVersion) -> str:
    viewer = viewer_if_any(request)
    sees = viewer is not None and viewer.sees_everything
    return reverse("party", args=[version.holder.uscc]) if sees and version.holder else ""


def every_entry_table(request: HttpRequest) -> Table:
    """What stands on any register whose policy is here."""
    titles = {(policy.name, spec.key): register_title(spec) for policy, spec in list_registers()}
    known = reduce(Q.__or__, (Q(entry__policy=policy, entry__register=key) for policy, key in titles), Q(pk__in=()))

    def registers(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(f"{policy}:{key}", title) for (policy, key), title in titles.items()]

    def on_register(rows: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        policy, _colon, key = chosen.partition(":")
        return rows.filter(entry__policy=policy, entry__register=key)

    return Table(
        request,
        every_standing_version().filter(known),
        [
            Column("name", _("名称"), "name", sort="name", link=_address),
            Column("register", _("名录"), lambda row: titles[row.entry.policy, row.entry.register]),
            Column("code", _("编号"), "entry.code", Kind.LONG_CODE, sort="entry__code"),
            Column("holder", _("主体"), lambda row: local_name(row.holder) if row.holder else None, sort="holder"),
            Column("region", _("市"), lambda row: local_name(row.region) if row.region else None, sort="region_id"),
            Column("from", _("自"), "from_day", Kind.DAY, sort="from_day"),
            Column("until", _("至"), "until_day", Kind.DAY, sort="until_day"),
        ],
        file="registers",
        order="name",
        search=("name", "entry__code", "holder__name", "holder__uscc"),
        choices=[
            Choice("register", _("名录"), registers, on_register),
            Choice("region", _("市"), _regions, lambda rows, code: rows.filter(region=code)),
        ],
        empty=Empty(_("名录里还没有登记。")),
    )


def _ties(policy: Policy, spec: RegisterSpec, version: RegisterVersion, *, with_private: bool) -> dict[str, Any]:
    return {
        "tied": load_tied(policy, version), "drawn": load_drawn(policy, spec, version),
        "alike": load_same(spec, version, with_private=with_private),
        "due": load_due(policy, spec, version, timezone.localdate()),
        "share": load_member_share(policy, spec, version),
    }  # fmt: skip


def _reader(request: HttpRequest) -> Person | None:
    return request.user if isinstance(request.user, Person) else None


def _spec(policy: str, key: str) -> RegisterSpec:
    try:
        return get_register(policy, key)
    except NotFound as wrong:
        raise Http404 from wrong


def _columns(spec: RegisterSpec) -> list[Column]:
    found = [
        Column("code", _("编号"), "entry.code", Kind.LONG_CODE, sort="entry__code"),
        Column(
            "name", spec.name_is_en if reads_english() else spec.name_is, "name", sort="name", link=_address,
        ),
    ]  # fmt: skip
    if spec.holder_is:
        title = spec.holder_is_en if reads_english() else spec.holder_is
        found.append(Column("holder", title, lambda row: local_name(row.holder) if row.holder else None, sort="holder"))
    found.append(
        Column("region", _("市"), lambda row: local_name(row.region) if row.region else None, sort="region_id")
    )
    found += [_field_column(one, at >= _COLUMNS_AT_ONCE) for at, one in enumerate(public_fields(spec))]
    return [
        *found,
        Column("from", _("自"), "from_day", Kind.DAY, sort="from_day"),
        Column("until", _("至"), "until_day", Kind.DAY, sort="until_day"),
    ]


def _field_column(one: RegisterField, minor: bool) -> Column:
    def value(row: RegisterVersion) -> Any:
        found = row.values.get(one.key)
        if one.kind is FieldKind.DAY and found:
            return date.fromisoformat(found)
        return choice_word(one, found) if one.kind is FieldKind.CHOICE else found

    return Column(one.key, field_title(one), value, _KINDS.get(one.kind, Kind.TEXT), minor=minor)


def _address(row: RegisterVersion) -> str:
    return reverse("register-entry", args=[row.entry.policy, row.entry.register, row.entry.code])


def _standings(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [("now", _("今天在册")), ("ended", _("已撤下"))]


def _on(rows: QuerySet[Any], chosen: str, policy: str, key: str) -> QuerySet[Any]:
    if chosen == "ended":
        return rows.filter(ended=True)
    return rows.filter(pk__in=standing_versions(policy, key, timezone.localdate()).values("pk"))


def _regions(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Region.objects.filter(code__in=rows.order_by().values("region_id").distinct())
    return [(region.code, local_name(region)) for region in found]


def _share_chart(spec: RegisterSpec, versions: Sequence[RegisterVersion]) -> Chart | None:
    """The share that a register follows, version by version; nothing where it follows none."""
    if spec.share is None:
        return None
    part, whole = spec.share
    fields = {one.key: one for one in spec.fields}
    bars = [
        _share_bar(version, version.values[part], version.values[whole])
        for version in reversed(versions)
        if version.values.get(whole) and version.values.get(part) is not None and not version.ended
    ]
    if not bars:
        return None
    title = _t("{part}占{whole}的比例（%）").format(part=field_title(fields[part]), whole=field_title(fields[whole]))
    return columns(title, (_("自"), _("比例")), bars)


def _share_bar(version: RegisterVersion, part: int, whole: int) -> Bar:
    percent = Decimal(part * 1000 // whole).scaleb(-1)  # cut to a tenth: 60.0% is never written for less than 60%
    return Bar(f"v{version.number}", f"{percent}% ({part}/{whole})", percent, when=format_day(version.from_day))
