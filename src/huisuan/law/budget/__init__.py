"""What a policy costs: budgets over many claims, allotment by performance, the impact of a changed setting.

What is named here needs no SQL library. `budget.compute` and `budget.impact` ask the SQL and are imported by their own
names, so that a page or command that shows a budget does not load them at its start.
"""

from huisuan.law.budget.allotment import AllotmentResult, allot_budget
from huisuan.law.budget.chart import budget_chart
from huisuan.law.budget.model import Budget, last_day_in_force
from huisuan.law.budget.pool import PoolClaim, PoolMode, PoolPayment, share_pool
from huisuan.law.budget.stored import budget_from_json, budget_to_json
from huisuan.law.budget.synthetic_claims import DISTRIBUTION, DISTRIBUTION_EN, Sample, write_sample
from huisuan.law.budget.tables import BudgetTable, budget_tables

__all__ = [
    "DISTRIBUTION",
    "DISTRIBUTION_EN",
    "AllotmentResult",
    "Budget",
    "BudgetTable",
    "PoolClaim",
    "PoolMode",
    "PoolPayment",
    "Sample",
    "allot_budget",
    "budget_chart",
    "budget_from_json",
    "budget_tables",
    "budget_to_json",
    "last_day_in_force",
    "share_pool",
    "write_sample",
]
