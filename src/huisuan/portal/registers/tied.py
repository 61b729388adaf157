"""What an entry's page shows of its ties: what it names and what names it, what is drawn, the share of members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.law.policy import Policy
from huisuan.law.procedure import FieldKind, RegisterSpec
from huisuan.portal.registers.field_words import field_text, field_title, register_title
from huisuan.portal.ui.charts import Bar, Chart, size_columns
from huisuan.portal.ui.number_format import format_day
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.linked import answer_due, drawn_of, entries_naming, same_elsewhere
from huisuan.programmes.registers.members import ShareSpan, crossings, load_share
from huisuan.programmes.registers.queries import public_fields
from huisuan.programmes.registers.ties import held_amount

_MOST = 50


@dataclass(frozen=True)
class Line:
    """An entry that names this one: its code and name, where it stands, what it says in its other fields."""

    code: str
    name: str
    href: str
    said: str
    day: date
    ended: bool


@dataclass(frozen=True)
class Tied:
    """The entries of one register that name this one; `more`: how many are not shown, `href` leads to all."""

    title: str
    href: str
    lines: Sequence[Line]
    more: int


@dataclass(frozen=True)
class Drawn:
    """How much of an entry is drawn and how much there is, as its readers write it."""

    drawn: str
    held: str
    left: str


@dataclass(frozen=True)
class MemberShare:
    """The share of members over time, and each day on which it came above the figure or fell back."""

    chart: Chart
    percent: str
    crossings: Sequence[ShareSpan]
    now: ShareSpan


def load_tied(policy: Policy, version: RegisterVersion) -> list[Tied]:
    """By register what names an entry."""
    found = []
    for naming in entries_naming(policy, version.entry.register, version.entry.code, _MOST):
        if naming.count and naming.field.public:
            address = reverse("register-of", args=[policy.name, naming.spec.key])
            lines = [_line(naming.spec, naming.field.key, row) for row in naming.versions]
            found.append(Tied(register_title(naming.spec), address, lines, naming.count - len(lines)))
    return found


def load_drawn(policy: Policy, spec: RegisterSpec, version: RegisterVersion) -> Drawn | None:
    """What is drawn of an entry; None: nobody draws on its register."""
    held = held_amount(policy, spec, version.values)
    if held is None:
        return None
    within = next((d.within for other in policy.registers for d in other.draws if _reaches(other, d.of, spec.key)), "")
    one, drawn = spec.field_of(within), drawn_of(version)
    amounts = [drawn, held, held - drawn]
    texts = [field_text(one, each) if one else str(each) for each in amounts]
    unit = str(version.values.get("unit", "")) if one is not None and one.kind is FieldKind.COUNT else ""
    return Drawn(*(f"{text} {unit}".strip() for text in texts))


def load_same(spec: RegisterSpec, version: RegisterVersion, *, with_private: bool) -> list[tuple[str, RegisterVersion]]:
    """By what the field is called the other entries that say the same in it."""
    titles = {one.key: field_title(one) for one in spec.fields}
    return [(titles.get(key, key), row) for key, row in same_elsewhere(spec, version, with_private=with_private)]


def load_due(policy: Policy, spec: RegisterSpec, version: RegisterVersion, today: date) -> tuple[date, bool] | None:
    """The last day for an answer that is still owed, and whether it has passed."""
    day = answer_due(policy, spec, version)
    return (day, day < today) if day else None


def load_member_share(policy: Policy, spec: RegisterSpec, version: RegisterVersion) -> MemberShare | None:
    """The share over time; None where the register follows no members, or the entry has none."""
    members = spec.members
    spans = load_share(policy.name, version.entry.code, members) if members else []
    if members is None or not spans:
        return None
    percent = Decimal(int(members.share * 100))
    bars = [
        Bar(str(at), f"{_tenths(span)}% ({span.marked}/{span.members})", _tenths(span), when=format_day(span.starts))
        for at, span in enumerate(spans, 1)
    ]
    marked = next(register_title(each) for each in policy.registers if each.key == members.marked)
    title = _t("成员中在“{marked}”的占比（%）").format(marked=marked)
    heads = (_("次序"), _("比例"), _("自"))
    chart = size_columns(title, heads, bars, [None] * len(bars), percent, f"{percent}%")
    return MemberShare(chart, f"{percent}%", crossings(spans), spans[-1])


def _tenths(span: ShareSpan) -> Decimal:
    """Cut to a tenth: 60.0% is never written for less than 60%."""
    share = Fraction(span.marked * 1000, span.members) if span.members else Fraction(0)
    return Decimal(int(share)).scaleb(-1)


def _reaches(spec: RegisterSpec, field: str, key: str) -> bool:
    found = spec.field_of(field)
    return found is not None and found.refers == key


def _line(spec: RegisterSpec, naming: str, row: RegisterVersion) -> Line:
    said = [
        f"{field_title(one)} {field_text(one, row.values[one.key])}"
        for one in public_fields(spec)
        if one.key != naming and row.values.get(one.key) is not None
    ]
    address = reverse("register-entry", args=[row.entry.policy, spec.key, row.entry.code])
    return Line(row.entry.code, row.name, address, " · ".join(said), row.from_day, row.ended)
