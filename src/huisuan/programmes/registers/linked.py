"""What hangs on an entry: the entries that name it, what of it is drawn, what others say the same, what is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import CharField, Func, Q, QuerySet, Sum
from django.db.models.fields.json import KT

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import Policy
from huisuan.law.procedure import RegisterField, RegisterSpec
from huisuan.programmes.models import DrawnAmount, RegisterVersion
from huisuan.programmes.registers.entry_line import normalise_entry_code
from huisuan.programmes.registers.queries import standing_versions

_OWN = ("code", "name", "holder")


@dataclass(frozen=True)
class Naming:
    """The entries of a register that name an entry in a field."""

    spec: RegisterSpec
    field: RegisterField
    versions: Sequence[RegisterVersion]
    count: int


def entries_naming(policy: Policy, key: str, code: str, most: int) -> list[Naming]:
    """By register and field, the newest first, at most so many of each."""
    found = []
    for spec in policy.registers:
        for one in spec.fields:
            if one.refers == key:
                rows = standing_versions(policy.name, spec.key).filter(**{f"values__{one.key}": code})
                found.append(Naming(spec, one, list(rows.order_by("-from_day", "entry__code")[:most]), rows.count()))
    return found


def drawn_of(version: RegisterVersion) -> int:
    """How much of an entry others have drawn, in fen or its own unit."""
    total = DrawnAmount.objects.filter(source=version.entry_id).aggregate(all=Sum("amount"))["all"]
    return int(total or 0)


def same_elsewhere(
    spec: RegisterSpec, version: RegisterVersion, *, with_private: bool = False
) -> list[tuple[str, RegisterVersion]]:
    """By field the other entries that stand and say what only one should say; of private fields only if asked for."""
    found: list[tuple[str, RegisterVersion]] = []
    shown = {one.key for one in spec.fields if one.public or with_private} | {*_OWN}
    for key in (key for key in spec.same if key in shown):
        value = version.values.get(key)
        if value in (None, ""):
            continue
        rows = standing_versions(version.entry.policy, spec.key).filter(ended=False)
        rows = rows.annotate(said=_normalised(key)).filter(said=normalise_entry_code(str(value)))
        found += [(key, row) for row in rows.exclude(entry=version.entry_id).order_by("entry__code")]
    return found


def _normalised(key: str) -> Func:
    """What `normalise_entry_code` makes of a value, in PostgreSQL."""
    form = r"regexp_replace(upper(normalize(%(expressions)s, NFKC)), '\s', '', 'g')"
    return Func(KT(f"values__{key}"), template=form, output_field=CharField())


def all_said_twice(policy: str, spec: RegisterSpec) -> list[tuple[str, list[RegisterVersion]]]:
    """Every value of a field that should be said once and is not, with the entries that say it."""
    rows = list(standing_versions(policy, spec.key).filter(ended=False).order_by("entry__code"))
    found: dict[tuple[str, str], list[RegisterVersion]] = {}
    for row in rows:
        for key in spec.same:
            if row.values.get(key) not in (None, ""):
                found.setdefault((key, normalise_entry_code(str(row.values[key]))), []).append(row)
    return [(key, group) for (key, _), group in sorted(found.items()) if len(group) > 1]


def answer_due(policy: Policy, spec: RegisterSpec, version: RegisterVersion) -> date | None:
    """The last day on which what an entry asks is to be answered; None: answered, nothing asked, or no days are set."""
    asked = version.values.get(spec.answer.asked) if spec.answer else None
    if spec.answer is None or not asked or version.values.get(spec.answer.answered) or version.ended:
        return None
    day = date.fromisoformat(asked)
    held = policy.adopted(min(day, policy.valid_to), date.max).get(spec.answer.setting.name)
    if held is None or not isinstance(held.value, int):
        return None
    counted = count_working_days(day, held.value, load_calendar())
    return counted.counted[-1] if counted.complete else None


def not_answered(policy: Policy, spec: RegisterSpec, today: date) -> list[tuple[RegisterVersion, date]]:
    """The entries whose answer is overdue, the longest first."""
    if spec.answer is None:
        return []
    waiting = standing_versions(policy.name, spec.key).exclude(**{f"values__{spec.answer.answered}__isnull": False})
    due = [(row, answer_due(policy, spec, row)) for row in waiting]
    return sorted(((row, day) for row, day in due if day and day < today), key=lambda pair: (pair[1], pair[0].pk))


def not_looked_at(policy: str, spec: RegisterSpec, today: date) -> list[tuple[RegisterVersion, int]]:
    """The entries that were on a register all through last year and were not looked at for that year."""
    look = spec.looked_at
    if look is None:
        return []
    year = today.year - 1
    looks = standing_versions(policy, look.register).filter(**{f"values__{look.year}": year}, ended=False)
    done = set(looks.values_list(f"values__{look.of}", flat=True))
    rows = standing_versions(policy, spec.key).filter(_all_through(year)).order_by("entry__code")
    return [(row, year) for row in rows if row.entry.code not in done]


def ending_soon(policy: str, key: str, today: date, until: date) -> QuerySet[RegisterVersion]:
    """What is on a register today and will not be any more after a day: recognitions that end."""
    return standing_versions(policy, key, today).filter(until_day__lt=until, ended=False).order_by("until_day")


def as_of(version: RegisterVersion) -> date:
    """The day on which a version was entered, in China."""
    return version.at.astimezone(SHANGHAI).date()


def _all_through(year: int) -> Q:
    return Q(from_day__lte=date(year, 1, 1)) & (Q(until_day__isnull=True) | Q(until_day__gte=date(year, 12, 31)))
