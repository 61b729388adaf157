"""What a draft is made of, whatever it is about: scores as they stand, or the figures of a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from huisuan.bulletins.desk.queries import get_issue, list_issues, snapshot_of
from huisuan.bulletins.figures.freezing import asked_of, freeze_figures
from huisuan.bulletins.figures.gathering import AskedFigures
from huisuan.bulletins.figures.periods import period_name
from huisuan.bulletins.models import BulletinIssue, BulletinKind
from huisuan.opendata.scores.formula import OpennessFormula, formula_of, load_formula
from huisuan.opendata.scores.queries import freeze_openness


@dataclass(frozen=True)
class FreezeWish:
    """What is to be frozen. The period of scores is what the office calls it, of figures 2026Q3, 2026H1, 2026."""

    kind: BulletinKind
    period: str
    policy: str = ""
    register: str = ""
    formula: Path | None = None


@dataclass(frozen=True)
class FrozenDraft:
    """A snapshot, what is kept behind it and never served, and what its period is called."""

    content: dict[str, Any]
    kept: str
    period: str


def freeze_wish(wish: FreezeWish, now: datetime, corrects: BulletinIssue | None = None) -> FrozenDraft:
    """Freeze it.

    Raises:
        InvalidRequest, NotFound, Conflict: as `freeze_figures` and `load_formula`.
        OSError: the formula cannot be read.
    """
    if wish.kind == BulletinKind.OPENNESS:
        formula = load_formula(wish.formula) if wish.formula else formula_in_force()
        return FrozenDraft(freeze_openness(formula, now), "", wish.period)
    frozen = freeze_figures(AskedFigures(wish.kind, wish.period, wish.policy, wish.register), now, corrects)
    return FrozenDraft(frozen.content, frozen.kept, period_name(wish.period))


def formula_in_force() -> OpennessFormula:
    """By what scores are counted where nobody gives another: the formula of the newest issue, or the suggested one."""
    newest = list_issues().filter(bulletin__kind=BulletinKind.OPENNESS, corrected_by__isnull=True).first()
    return formula_of(snapshot_of(newest.bulletin)[0]) if newest else load_formula()


def freeze_again(number: int, now: datetime, formula: Path | None = None) -> FrozenDraft:
    """What an issue is corrected by: the same, read anew; scores by the formula of the issue where no other is given.

    Raises:
        NotFound: no such bulletin was issued; and as `freeze_wish`.
    """
    issue = get_issue(number)
    kind = BulletinKind(issue.bulletin.kind)
    if kind == BulletinKind.OPENNESS:
        points = load_formula(formula) if formula else formula_of(snapshot_of(issue.bulletin)[0])
        return FrozenDraft(freeze_openness(points, now), "", issue.bulletin.period)
    asked = asked_of(snapshot_of(issue.bulletin)[0])
    return freeze_wish(FreezeWish(kind, asked.period, asked.policy, asked.register), now, issue)
