"""Budgets in words, in Chinese: their names, amounts in their unit, and why a job waits for one."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from huisuan.base.card_time import card_hours
from huisuan.base.money import yuan
from huisuan.compute.budgets.room import Shortage
from huisuan.compute.budgets.standing import BudgetStanding
from huisuan.compute.models import BudgetPeriod, BudgetUnit, FirmBudget


def format_amount(unit: str, amount: Fraction | int, *, up: bool = False) -> str:
    """An amount of a budget: yuan to the fen, or card-hours to a hundredth, rounded down (or `up`)."""
    if unit == BudgetUnit.FEN:
        return f"{yuan(-(-Fraction(amount) // 1) if up else Fraction(amount) // 1)} 元"
    return f"{card_hours(amount, 'up' if up else 'down')} 卡时"


def format_period(kind: str, starts: date) -> str:
    """A period: 2026 年, or 2026 年 11 月."""
    return f"{starts.year} 年" if kind == BudgetPeriod.YEAR else f"{starts.year} 年 {starts.month} 月"


def budget_owner(budget: FirmBudget) -> str:
    """Whose budget it is."""
    return f"项目 {budget.project.code}" if budget.project else "全单位"


def why_budget(shortage: Shortage) -> str:
    """Which budget a job waits for, how it stands, and when there may be room."""
    standing, budget = shortage.standing, shortage.standing.budget
    name = f"{budget_owner(budget)} {format_period(budget.period, standing.starts)}的预算"
    if shortage.cost is None:
        return f"等待价目：{name}以元计，而能运行它的地方都没有价目，不能确认不超过"
    cost = format_amount(budget.unit, Fraction(shortage.cost, standing.scale), up=True)
    return f"等待预算：这个作业最多要 {cost}，{name}{_stands(standing)}；{_until(shortage)}"


def why_never_affordable(shortage: Shortage) -> str:
    """Why a job is refused: it is more than a whole budget."""
    standing, budget = shortage.standing, shortage.standing.budget
    cost = format_amount(budget.unit, Fraction(shortage.cost or 0, standing.scale), up=True)
    limit = format_amount(budget.unit, budget.limit)
    return (
        f"这个作业最多要 {cost}（卡数 × 时限{' × 最低的价格' if budget.unit == BudgetUnit.FEN else ''}），超过"
        f"{budget_owner(budget)}每{budget.get_period_display()}的预算 {limit}，等待也无用：请减少卡数或时限，"
        "或由本单位的所有者提高预算"
    )


def _stands(standing: BudgetStanding) -> str:
    unit = standing.budget.unit
    used, reserved = standing.used_amount, standing.reserved_amount
    return (
        f" {format_amount(unit, standing.budget.limit)} 已用 {format_amount(unit, used, up=True)}、"
        f"为已调度的作业预留 {format_amount(unit, reserved, up=True)}"
    )


def _until(shortage: Shortage) -> str:
    standing = shortage.standing
    if shortage.never:
        return "比整期的预算还多，等待也无用：请取消后减少卡数或时限，或由本单位的所有者提高预算"
    if shortage.cost is not None and standing.used + shortage.cost <= standing.limit:
        return "等已预留的作业结束，或由本单位的所有者提高预算"
    return f"本期不够了：等 {standing.ends} 新的一期，或由本单位的所有者提高预算"
