"""Score sheets: what an expert may hand in, and what a panel's sheets come to, in exact fractions.

A sheet gives every criterion of the programme a whole number of marks; marks that are very low or very high need a
reason. A panel's result is the mean without the highest and lowest scores, and the spread is the highest less the
lowest of all: where it exceeds the programme's limit the panel meets. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from huisuan.base.errors import InvalidRequest

_LONGEST_REASON = 2000  # characters
_FULL_SCORE = 100


@dataclass(frozen=True)
class ReviewCriterion:
    """Something that is scored: at most `most` marks, weighing `weight` among the others."""

    key: str
    title: str
    most: int
    weight: int


@dataclass(frozen=True)
class ReviewCriteria:
    """The criteria of a programme. A mark below `low` or above `high` per cent of its most needs a reason."""

    criteria: tuple[ReviewCriterion, ...]
    low_percent: int
    high_percent: int

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            InvalidRequest: none, one twice, a weight or number of marks below 1, or limits that are none.
        """
        keys = [each.key for each in self.criteria]
        if not keys or len({*keys}) < len(keys) or any(each.most < 1 or each.weight < 1 for each in self.criteria):
            raise InvalidRequest("评审指标须各有名称、满分和权重（不小于 1），不重复", code="review.criteria_wrong")
        if not 0 <= self.low_percent <= self.high_percent <= 100:
            raise InvalidRequest("须写理由的分数线须在 0 与 100 之间，低线不高于高线", code="review.criteria_wrong")

    def needs_reason(self, criterion: ReviewCriterion, mark: int) -> bool:
        """Whether so few, or so many, marks must be explained."""
        return not self.low_percent * criterion.most <= mark * 100 <= self.high_percent * criterion.most


def score_sheet(criteria: ReviewCriteria, marks: Mapping[str, int], reasons: Mapping[str, str]) -> Fraction:
    """Check a whole sheet and weigh it: what it comes to, of 100, exactly.

    Raises:
        InvalidRequest: everything that is wrong with it, a line each.
    """
    named = {each.key for each in criteria.criteria}
    problems = [f"{key[:40]}：不是评审指标" for key in sorted((marks.keys() | reasons.keys()) - named)]
    for each in criteria.criteria:
        problem = _mark_problem(criteria, each, marks.get(each.key), reasons.get(each.key, ""))
        if problem:
            problems.append(f"{each.title}：{problem}")
    if problems:
        raise InvalidRequest("评分表没有提交：\n" + "\n".join(problems), code="review.sheet_wrong")
    weights = sum(each.weight for each in criteria.criteria)
    return sum(
        (Fraction(each.weight * marks[each.key] * _FULL_SCORE, each.most * weights) for each in criteria.criteria),
        Fraction(),
    )


def _mark_problem(criteria: ReviewCriteria, criterion: ReviewCriterion, mark: int | None, reason: str) -> str:
    if mark is None:
        return "没有打分"
    if type(mark) is not int or not 0 <= mark <= criterion.most:  # a bool is an int, and no mark
        return f'"{str(mark)[:20]}" 须是 0 至 {criterion.most} 的整数'
    if len(reason) > _LONGEST_REASON:
        return f"理由超过 {_LONGEST_REASON} 字"
    if criteria.needs_reason(criterion, mark) and not reason.strip():
        limits = f"满分的 {criteria.low_percent}%、{criteria.high_percent}%"
        return f"{mark} 分低于或高于须说明的分数线（{limits}），请写理由"
    return ""


@dataclass(frozen=True)
class PanelResult:
    """What a panel's scores come to: the trimmed mean, the spread of all, and whether the panel must meet."""

    mean: Fraction
    spread: Fraction
    must_meet: bool


def panel_result(scores: Sequence[Fraction], *, trimmed: int, largest_spread: Fraction) -> PanelResult:
    """The mean without the `trimmed` highest and as many lowest scores, and the spread of all of them.

    Raises:
        InvalidRequest: nothing would be left.
    """
    if trimmed < 0 or len(scores) <= 2 * trimmed:
        raise InvalidRequest(
            f"{len(scores)} 份评分，去掉最高、最低各 {trimmed} 份就没有了", code="review.too_few_sheets"
        )
    ordered = sorted(scores)
    kept = ordered[trimmed : len(ordered) - trimmed]
    spread = ordered[-1] - ordered[0]
    return PanelResult(sum(kept, Fraction()) / len(kept), spread, spread > largest_spread)
