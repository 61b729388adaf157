"""A snapshot of figures: what is published, chosen with all that is out, and what is kept for later bulletins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from huisuan.base.errors import Conflict
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.figures.contributions import FIGURES_FORMAT, KeptContributions
from huisuan.bulletins.figures.former_versions import CellsBeside, FormerVersion, changed_cells, list_former_cells
from huisuan.bulletins.figures.gathering import (
    CARD_SECONDS,
    AskedFigures,
    GatheredFigures,
    bulletin_placing,
    gather_figures,
    list_places,
)
from huisuan.bulletins.figures.linked_figures import FiguresChoice, choose_figures
from huisuan.bulletins.figures.periods import first_and_last_day, list_quarters
from huisuan.bulletins.figures.public_statistics import list_statistics_cells
from huisuan.bulletins.models import BulletinIssue, BulletinKind
from huisuan.bulletins.suppression.bulletin_data import (
    BulletinCells,
    CellsCorrection,
    cells_digest,
    parse_bulletin_cells,
)
from huisuan.bulletins.suppression.sensitive_cells import DisclosureRules
from huisuan.compute.metering.audit.folder import canonical

RULES_AUTHORITY = "建议值，尚无文件依据"
_SECONDS = 5.0


@dataclass(frozen=True)
class FrozenFigures:
    """The snapshot, which is published, and the contributions behind it, which are kept and never are."""

    content: dict[str, Any]
    kept: str


def freeze_figures(asked: AskedFigures, now: datetime, corrects: BulletinIssue | None = None) -> FrozenFigures:
    """Freeze the figures of a period, with what is hidden of them chosen over everything that is out.

    `corrects` is the issue that they take the place of: what it published is out, too, and its facts are read anew.

    Raises:
        InvalidRequest, NotFound, Conflict: as `gather_figures`; or the period is out already, or in a longer one.
    """
    found = gather_figures(asked, now)
    names = {one.name for one in found.measures}
    standing = [one for one in standing_figures() if names & _measures(one) and one != corrects]
    _check_period(asked, standing, corrects)
    old = KeptContributions()
    for one in standing:
        old = old.with_kept(KeptContributions.from_text(one.bulletin.snapshot.kept))
    quarters = sorted({*list_quarters(asked.period), *(quarter for _, quarter in old.found)})
    kept = KeptContributions.of_pieces(found.pieces(quarters), names, quarters).with_kept(old)
    out = [_cells(one) for one in [*standing, *([corrects] if corrects else [])]]
    places, kinds = list_places(), {one.name: one.kinds for one in found.measures}
    beside = _beside(found, kept, corrects, list(places), kinds)
    chosen = choose_figures(kept, found.measures, asked.period, list(places), out, DisclosureRules(), _SECONDS, beside)
    if corrects:
        correction = _correction(corrects, kept, list(places), kinds)
        chosen = replace(chosen, cells=replace(chosen.cells, corrects=correction))
    own = KeptContributions(
        {at: each for at, each in kept.found.items() if at[1] in list_quarters(asked.period) and at[0] in names}
    )
    said = _said(asked, found, chosen, places, now) | {"with": sorted(_digest(one) for one in standing)}
    return FrozenFigures({**said, "sha256": text_sha256(canonical(said))}, own.to_text())


def standing_figures() -> Iterator[BulletinIssue]:
    """Issues of figures that no other corrected, the oldest first."""
    found = BulletinIssue.objects.filter(corrected_by__isnull=True).exclude(bulletin__kind=BulletinKind.OPENNESS)
    return iter(found.select_related("bulletin__snapshot").order_by("pk"))


def is_up_to_date(content: Mapping[str, Any], corrects: BulletinIssue | None) -> bool:
    """Whether nothing of the same measures was issued since figures were frozen."""
    names = {one["name"] for one in content["measures"]}
    now = sorted(_digest(one) for one in standing_figures() if names & _measures(one) and one != corrects)
    return bool(now == content["with"])


def issue_compared(asked: AskedFigures) -> BulletinIssue | None:
    """What figures are compared with: the newest issue of the same source over an earlier period as long as theirs."""
    first = first_and_last_day(asked.period)[0]
    found = [
        (other.period, one)
        for one in standing_figures()
        if (other := asked_of(_content(one))).kind == asked.kind
        and (other.policy, other.register, len(list_quarters(other.period)))
        == (asked.policy, asked.register, len(list_quarters(asked.period)))
        and first_and_last_day(other.period)[1] < first
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def asked_of(content: Mapping[str, Any]) -> AskedFigures:
    """What a snapshot of figures was asked for."""
    source = content["source"]
    return AskedFigures(BulletinKind(content["kind"]), content["period"], source["policy"], source["register"])


def _check_period(asked: AskedFigures, standing: Sequence[BulletinIssue], corrects: BulletinIssue | None) -> None:
    for one in standing:
        other = asked_of(_content(one))
        if other == asked:
            raise Conflict(f"{asked.period} 已由 {one.number} 通报：要改就更正那一号", code="bulletin.period_issued")
        if corrects and set(list_quarters(asked.period)) < set(list_quarters(other.period)):
            raise Conflict(
                f"{one.number}（{other.period}）已经用了 {asked.period} 的数：请更正那一号",
                code="bulletin.longer_issued",
            )


def _said(
    asked: AskedFigures, found: GatheredFigures, chosen: FiguresChoice, places: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    return {
        "format": FIGURES_FORMAT, "kind": str(asked.kind), "day": now.astimezone(SHANGHAI).date().isoformat(),
        "period": asked.period, "unit": found.unit,
        "source": {"policy": asked.policy, "register": asked.register, "title": found.title},
        "measures": [{"name": one.name, "kinds": list(one.published_kinds)} for one in found.measures],
        "places": dict(places), "kinds": dict(found.kinds),
        "rules": {**DisclosureRules().to_dict(), "authority": RULES_AUTHORITY},
        "cells_data": chosen.cells.to_dict(), "left_out": sorted(chosen.pattern.left_out),
        "given_away": len(chosen.pattern.given_away), **found.extra,
    }  # fmt: skip


def _beside(
    found: GatheredFigures, kept: KeptContributions, corrects: BulletinIssue | None, regions: Sequence[str],
    kinds: Mapping[str, Sequence[str]],
) -> list[CellsBeside]:  # fmt: skip
    """What readers know besides the bulletins that stand: every version that was corrected, and public statistics."""
    beside = list_former_cells(_former_versions(set(kinds), corrects), kept, kinds, regions)
    if found.unit == CARD_SECONDS:  # of use there are monthly statistics
        measure = found.measures[0]
        beside += list_statistics_cells(measure.name, measure.kinds, regions, bulletin_placing(), kept)
    return beside


def _former_versions(names: set[str], corrects: BulletinIssue | None) -> Iterator[FormerVersion]:
    """Issues of these measures that were corrected or are being."""
    given_up = Q(corrected_by__isnull=False) | Q(pk=corrects.pk if corrects else None)
    found = BulletinIssue.objects.filter(given_up).exclude(bulletin__kind=BulletinKind.OPENNESS)
    for one in found.select_related("bulletin__snapshot").order_by("pk"):
        if names & _measures(one):
            yield _as_former(one)


def _as_former(issue: BulletinIssue) -> FormerVersion:
    return FormerVersion(
        issue.pk, asked_of(_content(issue)).period, _cells(issue).values,
        KeptContributions.from_text(issue.bulletin.snapshot.kept),
    )  # fmt: skip


def _correction(
    corrects: BulletinIssue, kept: KeptContributions, regions: Sequence[str], kinds: Mapping[str, Sequence[str]]
) -> CellsCorrection:
    old = _as_former(corrects)
    return CellsCorrection(cells_digest(_cells(corrects)), tuple(changed_cells(old, kept, kinds, regions)))


def _content(issue: BulletinIssue) -> dict[str, Any]:
    return dict(json.loads(issue.bulletin.snapshot.content))


def _measures(issue: BulletinIssue) -> set[str]:
    return {one["name"] for one in _content(issue)["measures"]}


def _cells(issue: BulletinIssue) -> BulletinCells:
    return parse_bulletin_cells(_content(issue)["cells_data"])


def _digest(issue: BulletinIssue) -> str:
    return issue.bulletin.snapshot.sha256
