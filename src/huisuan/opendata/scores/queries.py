"""What offices are scored by, read from the list, the releases and the requests; and the frozen result."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.opendata.models import CatalogueVersion, DataRequest, GateRelease, RequestAnswer
from huisuan.opendata.requests.queries import RequestJudge
from huisuan.opendata.scores.criteria import CRITERIA
from huisuan.opendata.scores.formula import SNAPSHOT_FORMAT, OpennessFormula
from huisuan.opendata.scores.office_facts import EntryFacts, OfficeFacts
from huisuan.opendata.scores.ranking import SEED, WEIGHTINGS, WITHIN_PERCENT, rank_offices
from huisuan.parties.models import Region

_PROVINCE = "0000"


def freeze_openness(formula: OpennessFormula, now: datetime) -> dict[str, Any]:
    """The scores of all departments and cities now, with everything that they follow from, and the digest of it all."""
    day = now.astimezone(SHANGHAI).date()
    departments = list_office_facts(now)
    cities = _by_city(departments)
    said: dict[str, Any] = {
        "format": SNAPSHOT_FORMAT, "day": day.isoformat(),
        "formula": {
            "authority": formula.authority, "suggested": formula.suggested, "seed": SEED, "weightings": WEIGHTINGS,
            "within_percent": WITHIN_PERCENT,
            "criteria": [
                {"code": one.code, "group": one.group, "text": one.text, "query": one.query,
                 "points": formula.points[one.code]}
                for one in CRITERIA
            ],
        },
        "regions": dict(
            Region.objects.filter(code__in={one.region for one in [*departments, *cities]})
            .order_by("code").values_list("code", "name_zh")
        ),
        "departments": [one.to_dict() for one in rank_offices(departments, formula, day)],
        "cities": [one.to_dict() for one in rank_offices(cities, formula, day)],
    }  # fmt: skip
    return {**said, "sha256": text_sha256(canonical(said))}


def list_office_facts(now: datetime) -> list[OfficeFacts]:
    """Every department that lists something or was asked for something."""
    delivered, uses = _delivered(), _uses()
    entries: dict[tuple[str, str], list[EntryFacts]] = defaultdict(list)
    for version in standing_entries().order_by("entry__code"):
        entries[version.region_id, version.department].append(_facts(version, delivered, uses))
    requests: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    judge = RequestJudge(now)
    for asked in DataRequest.objects.prefetch_related("answers").order_by("pk"):
        requests[asked.region_id, asked.department][str(judge.standing(asked).state)].append(asked.pk)
    return [
        OfficeFacts(
            region, department, tuple(entries.get((region, department), ())),
            {state: tuple(numbers) for state, numbers in requests.get((region, department), {}).items()},
        )
        for region, department in sorted({*entries, *requests})
    ]  # fmt: skip


def _delivered() -> dict[int, date]:
    """The day of the newest release that is out, by entry."""
    out = GateRelease.objects.out().order_by("at")
    return {entry: at.astimezone(SHANGHAI).date() for entry, at in out.values_list("file__entry_id", "at")}


def _uses() -> Counter[str]:
    """How often an entry answered a request, or another office linked to it: one's own links are no use."""
    answered = RequestAnswer.objects.filter(entry__isnull=False).values_list("entry__code", flat=True)
    rows = list(standing_entries().values_list("entry__code", "region_id", "department", "links"))
    office = {code: (region, department) for code, region, department, _ in rows}
    linked = (
        code for _, region, department, links in rows for code in links if office.get(code) != (region, department)
    )
    return Counter(answered) + Counter(linked)


def _facts(version: CatalogueVersion, delivered: dict[int, date], uses: Counter[str]) -> EntryFacts:
    return EntryFacts(
        version.entry.code, version.access, version.kind, version.frequency, bool(version.summary.strip()),
        bool(version.registration.strip()),
        bool(version.columns) and all(column.get("type") for column in version.columns),
        delivered.get(version.entry_id), uses[version.entry.code],
    )  # fmt: skip


def _by_city(departments: Iterable[OfficeFacts]) -> list[OfficeFacts]:
    """The sixteen cities that have something, each with its counties; the province's own departments are in none."""
    entries: dict[str, list[EntryFacts]] = defaultdict(list)
    requests: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in departments:
        if one.region.endswith(_PROVINCE):
            continue
        city = one.region[:4] + "00"
        entries[city] += one.entries
        for state, numbers in one.requests.items():
            requests[city][state] += numbers
    return [
        OfficeFacts(city, "", tuple(entries[city]), {state: tuple(each) for state, each in requests[city].items()})
        for city in sorted({*entries, *requests})
    ]
