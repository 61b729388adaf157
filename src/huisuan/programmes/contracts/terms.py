"""Plans and contracts as a file or a request says them; what cannot be meant is refused with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import CONTROL_SIGN, check_length

MOST_TARGETS, MOST_MILESTONES = 50, 24
_LARGEST = Decimal(10**13)
_PLACES, _MOST_DIGITS = 6, 14


@dataclass(frozen=True)
class TargetTerms:
    """A figure with its unit; `lowered_because` says why it is worse than that of the plan."""

    code: str
    name: str
    unit: str
    figure: Decimal
    less_is_better: bool = False
    lowered_because: str = ""

    def is_worse_than(self, other: TargetTerms) -> bool:
        """Whether it asks for less than another of the same unit and direction."""
        return self.figure > other.figure if self.less_is_better else self.figure < other.figure


@dataclass(frozen=True)
class MilestoneTerms:
    """What is done by a day, with its targets, and what it is worth: fen, or a share of the award in hundredths."""

    title: str
    due_on: date
    amount_fen: int | None
    percent: Decimal | None
    targets: tuple[TargetTerms, ...]


@dataclass(frozen=True)
class ContractTerms:
    """A contract before it is kept."""

    code: str
    signed_on: date
    milestones: tuple[MilestoneTerms, ...]

    def amounts(self, award_fen: int) -> list[int]:
        """What each milestone is worth of an award, in fen; shares are rounded down, what is left goes to the last.

        Raises:
            InvalidRequest: shares above the whole.
        """
        shares = [each.percent for each in self.milestones]
        if sum((share for share in shares if share is not None), Decimal(0)) > 100:
            raise InvalidRequest("各节点的比例合计超过 100%", code="contract.shares_above_the_whole")
        found = [
            each.amount_fen if each.amount_fen is not None else int(award_fen * (each.percent or 0) / 100)
            for each in self.milestones
        ]
        if all(share is not None for share in shares) and sum(filter(None, shares), Decimal(0)) == 100:
            found[-1] += award_fen - sum(found)
        return found


@dataclass(frozen=True)
class AmendmentTerms:
    """A supplementary agreement before it is kept: figures by milestone and code of the target."""

    code: str
    agreed_on: date
    reason: str
    figures: Mapping[tuple[int, str], Decimal]


def read_plan(said: object) -> tuple[TargetTerms, ...]:
    """The targets of a plan: a list of {code, name, unit, figure, less_is_better}.

    Raises:
        InvalidRequest: which target, and what is wrong with it.
    """
    found = tuple(_target(each, f"第 {at} 项指标") for at, each in enumerate(_list(said, "计划"), start=1))
    if not found or len(found) > MOST_TARGETS or len({each.code for each in found}) < len(found):
        raise InvalidRequest(f"计划须有 1 至 {MOST_TARGETS} 项指标，编号不重复", code="contract.plan_malformed")
    return found


def read_contract(said: object) -> ContractTerms:
    """A contract: {code, signed_on, milestones: [{title, due_on, amount_fen or percent, targets}]}.

    Raises:
        InvalidRequest: which milestone or target, and what is wrong with it.
    """
    whole = _object(said, "合同")
    rows = _list(whole.get("milestones"), "合同的节点（milestones）")
    if not 1 <= len(rows) <= MOST_MILESTONES:
        raise InvalidRequest(f"合同须有 1 至 {MOST_MILESTONES} 个节点", code="contract.milestones_malformed")
    milestones = tuple(_milestone(each, f"第 {at} 个节点") for at, each in enumerate(rows, start=1))
    days = [each.due_on for each in milestones]
    if days != sorted(days):
        raise InvalidRequest("各节点须按日期先后写", code="contract.milestones_malformed")
    return ContractTerms(
        _text(whole.get("code"), "合同编号（code）", 80),
        _day(whole.get("signed_on"), "签订日期（signed_on）"),
        milestones,
    )


def read_amendment(said: object) -> AmendmentTerms:
    """An amendment: {code, agreed_on, reason, targets: [{milestone, code, figure}]}.

    Raises:
        InvalidRequest: what is wrong with which part of it.
    """
    whole, figures = _object(said, "补充协议"), dict[tuple[int, str], Decimal]()
    for at, each in enumerate(_list(whole.get("targets"), "补充协议的指标（targets）"), start=1):
        row, place = _object(each, f"第 {at} 项指标"), f"第 {at} 项指标"
        number = row.get("milestone")
        if not isinstance(number, int) or isinstance(number, bool):
            raise InvalidRequest(f"{place}：milestone 写第几个节点，整数", code="contract.targets_malformed")
        key = number, _text(row.get("code"), f"{place}的编号（code）", 20)
        if key in figures:
            raise InvalidRequest(f"{place}：第 {number} 个节点的 {key[1]} 写了两次", code="contract.targets_malformed")
        figures[key] = read_figure(row.get("figure"), f"{place}的数值（figure）")
    if not 1 <= len(figures) <= MOST_TARGETS:
        raise InvalidRequest(f"补充协议须改 1 至 {MOST_TARGETS} 项指标", code="contract.targets_malformed")
    return AmendmentTerms(
        _text(whole.get("code"), "补充协议编号（code）", 80),
        _day(whole.get("agreed_on"), "签订日期（agreed_on）"),
        _text(whole.get("reason"), "理由（reason）", 1000),
        figures,
    )


def read_figure(said: object, place: str) -> Decimal:
    """A figure of at most six places, not below nothing.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = Decimal(str(said).strip())
    except InvalidOperation:
        found = Decimal(-1)
    exponent = found.as_tuple().exponent
    written = isinstance(exponent, int) and -_PLACES <= exponent <= _MOST_DIGITS  # "0E+999999999" is 0, too
    if not written or not found.is_finite() or not 0 <= found < _LARGEST:
        raise InvalidRequest(f'{place}："{str(said)[:40]}" 不是不小于 0 的数', code="contract.figure_malformed")
    return found


def _milestone(said: object, place: str) -> MilestoneTerms:
    row = _object(said, place)
    amount, percent = row.get("amount_fen"), row.get("percent")
    if (amount is None) == (percent is None):
        raise InvalidRequest(f"{place}：金额（amount_fen）和比例（percent）写一样", code="contract.amount_malformed")
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool) or amount < 0):
        raise InvalidRequest(f"{place}：金额须是不小于 0 的整数（分）", code="contract.amount_malformed")
    targets = tuple(
        _target(each, f"{place}第 {at} 项指标")
        for at, each in enumerate(_list(row.get("targets", []), f"{place}的指标"), start=1)
    )
    if len({each.code for each in targets}) < len(targets) or len(targets) > MOST_TARGETS:
        raise InvalidRequest(f"{place}：指标编号重复，或多于 {MOST_TARGETS} 项", code="contract.targets_malformed")
    return MilestoneTerms(
        _text(row.get("title"), f"{place}的内容（title）", 200), _day(row.get("due_on"), f"{place}的日期（due_on）"),
        amount, None if percent is None else read_figure(percent, f"{place}的比例"), targets,
    )  # fmt: skip


def _target(said: object, place: str) -> TargetTerms:
    row = _object(said, place)
    less, because = row.get("less_is_better", False), row.get("lowered_because", "")
    if not isinstance(less, bool) or not isinstance(because, str):
        raise InvalidRequest(f"{place}：less_is_better 写 true 或 false", code="contract.targets_malformed")
    return TargetTerms(
        _text(row.get("code"), f"{place}的编号（code）", 20), _text(row.get("name"), f"{place}的名称（name）", 120),
        _text(row.get("unit"), f"{place}的单位（unit）", 20),
        read_figure(row.get("figure"), f"{place}的数值（figure）"), less,
        check_length(because.strip(), 1000, f"{place}调低的理由"),
    )  # fmt: skip


def _text(said: object, place: str, most: int) -> str:
    text = said.strip() if isinstance(said, str) else ""
    if not text or CONTROL_SIGN.search(text):
        raise InvalidRequest(f"{place}：须写明，且没有控制字符", code="contract.text_missing")
    return check_length(text, most, place)


def _day(said: object, place: str) -> date:
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        raise InvalidRequest(
            f'{place}："{str(said)[:20]}" 不是日期（YYYY-MM-DD）', code="contract.day_malformed"
        ) from None


def _object(said: object, place: str) -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise InvalidRequest(f"{place}：须是一个 JSON 对象", code="contract.not_an_object")
    return said


def _list(said: object, place: str) -> Sequence[object]:
    if not isinstance(said, list):
        raise InvalidRequest(f"{place}：须是一个 JSON 列表", code="contract.not_an_object")
    return said
