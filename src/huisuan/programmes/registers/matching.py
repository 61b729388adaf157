"""Matching what is offered with what is asked for: who waits first is served first, and never beyond what there is.

`match_waiting` is pure and depends on nothing but its arguments; `give_matches` takes both registers as they stand on a
day, in one transaction, and enters what it found as the next entries of the register of matches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import RegisterMatching, RegisterSpec, State
from huisuan.parties.models import Person
from huisuan.programmes.models import CHOSEN_STATES, Application, DrawnAmount, RegisterVersion
from huisuan.programmes.registers.entry_line import ThingContent, normalise_entry_code
from huisuan.programmes.registers.keepers import keeper_of
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import get_register, store_entries


@dataclass(frozen=True, order=True)
class WaitingNeed:
    """A need in the order in which it is served: holders of priority, then by the day received, then by code."""

    later: bool
    received: str
    code: str
    kind: tuple[str, ...]
    amount: int


@dataclass(frozen=True, order=True)
class Offered:
    """What is still there of an offer; what ends first goes first."""

    until: date
    code: str
    kind: tuple[str, ...]
    amount: int


@dataclass(frozen=True)
class Match:
    """So much of an offer goes to a need."""

    need: str
    resource: str
    amount: int


def match_waiting(needs: Iterable[WaitingNeed], offers: Iterable[Offered]) -> list[Match]:
    """What each need gets, in their order; what cannot be filled wholly takes what there is and waits for the rest."""
    left: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for offer in sorted(offers):
        left[offer.kind].append([offer.code, offer.amount])
    found = []
    for need in sorted(needs):
        wanted = need.amount
        for row in left[need.kind]:
            given = min(wanted, row[1])
            if given > 0:
                found.append(Match(need.code, row[0], given))
                wanted, row[1] = wanted - given, row[1] - given
    return found


def give_matches(policy: str, key: str, *, by: Person, now: datetime) -> FileReport:
    """Match a register of offers with the register of needs that its article names, as both stand today.

    Raises:
        NotFound: no such register, or it is not matched with anything.
        NotAllowed: the person has no post in the office that keeps it.
    """
    spec = get_register(policy, key)
    matching = spec.matching
    if matching is None:
        raise NotFound(f"名录“{spec.title}”没有声明对接", code="register.not_matched")
    keeper_of(spec, by, now)
    matches, today = get_register(policy, matching.matches), now.astimezone(SHANGHAI).date()
    report = FileReport()
    with transaction.atomic():
        with connection.cursor() as cursor:  # one matching at a time
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"match {policy} {key}"])
        offers = {row.entry.code: row for row in standing_versions(policy, key, today)}
        needs = {row.entry.code: row for row in standing_versions(policy, matching.needs, today)}
        found = match_waiting(
            _waiting(policy, matching, needs.values()), _offered(policy, spec, matching, offers.values())
        )
        contents = _contents(policy, matching, found, needs, offers, today)
        stamp = {"source": "对接", "by": by, "at": now}
        rows = {content.code: (line, content) for line, content in enumerate(contents, 1)}
        store_entries(policy, matches, rows, "", stamp, report)
    return report


def _contents(
    policy: str,
    matching: RegisterMatching,
    found: Sequence[Match],
    needs: dict[str, RegisterVersion],
    offers: dict[str, RegisterVersion],
    today: date,
) -> list[ThingContent]:
    draws = next(d for d in get_register(policy, matching.matches).draws if d.of == matching.need)
    earlier = standing_versions(policy, matching.matches).values_list("entry__code", flat=True)
    taken, made = set(earlier), []
    for match in found:
        need, offer = needs[match.need], offers[match.resource]
        code = next(
            code for number in range(1, 10**6) if (code := f"{match.need}~{match.resource}~{number}") not in taken
        )
        taken.add(code)
        values = {matching.resource: match.resource, matching.need: match.need, draws.amount: match.amount}
        until = min((day for day in (need.until_day, offer.until_day) if day), default=None)
        holder = need.holder.uscc if need.holder else ""
        made.append(ThingContent(code, offer.name, holder, need.region_id or "", today, until, values))
    return made


def _kind(version: RegisterVersion, keys: Iterable[str]) -> tuple[str, ...]:
    own = {"code": version.entry.code, "name": version.name}
    return tuple(normalise_entry_code(str(own.get(key, version.values.get(key, "")))) for key in keys)


def _drawn(policy: str, key: str) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    rows = DrawnAmount.objects.filter(source__policy=policy, source__register=key)
    for code, amount in rows.values_list("source__code", "amount"):
        found[code] += amount
    return found


def _waiting(policy: str, matching: RegisterMatching, rows: Iterable[RegisterVersion]) -> list[WaitingNeed]:
    had, first = _drawn(policy, matching.needs), _holders_of(policy, matching.first)
    keys = [theirs for _, theirs in matching.alike]
    return [
        WaitingNeed(
            row.holder_id not in first, str(row.values.get(matching.received, "")), row.entry.code, _kind(row, keys),
            (int(row.values[matching.amount]) if matching.amount else 1) - had[row.entry.code],
        )
        for row in rows
    ]  # fmt: skip


def _offered(
    policy: str, spec: RegisterSpec, matching: RegisterMatching, rows: Iterable[RegisterVersion]
) -> list[Offered]:
    given = _drawn(policy, spec.key)
    keys = [mine for mine, _ in matching.alike]
    return [
        Offered(
            row.until_day or date.max, row.entry.code, _kind(row, keys),
            (int(row.values[matching.amount]) if matching.amount else 1) - given[row.entry.code],
        )
        for row in rows
    ]  # fmt: skip


def _holders_of(policy: str, programme: str) -> set[int | None]:
    """The parties that a decision under a programme gave what it gives, as long as it stands."""
    if not programme:
        return set()
    held = Application.objects.filter(edition__policy=policy, edition__key=programme, state__in=CHOSEN_STATES)
    return set(held.exclude(state=State.IN_RECOVERY).exclude(party=None).values_list("party_id", flat=True))
