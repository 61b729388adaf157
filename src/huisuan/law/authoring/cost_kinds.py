"""Which kinds of cost count: a sentence that lists them by name, each item grounded in its own words.

spent = excluding_costs(use.spend, "2.2", use.storage, use.network)   # 下列费用不计入：（一）存储费；（二）带宽费
spent = counting_costs("2.3", done.materials, done.tests)             # 可计入的费用：材料费、测试费

The name of a cost's fact (its Chinese) is what the list calls it; a cost that the sentence does not name is refused,
and `policy check` names an item of a numbered list that no rule cites. All readings see plain sums and differences.
"""

from __future__ import annotations

from huisuan.law.authoring.operators import Money
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError


def excluding_costs(total: Money, sentence: str, *costs: Money) -> Money:
    """A total (fen) without the costs that a sentence excludes by name; never below zero.

    Raises:
        LawError: no cost, or one that is no fact.
    """
    return total.less(counting_costs(sentence, *costs))


def counting_costs(sentence: str, *costs: Money) -> Money:
    """The sum (fen) of the costs that a sentence counts by name.

    Raises:
        LawError: no cost, or one that is no fact.
    """
    if not costs:
        raise LawError(f"{sentence}：请写明是哪几种费用", code="law.costs_missing")
    named = []
    for cost in costs:
        if not isinstance(cost.node, nodes.Fact):
            raise LawError(f"{sentence}：费用种类应为 Facts 的事实", code="law.cost_not_a_fact")
        named.append(cost.cites(sentence, cost.node.spec.zh).node)
    return Money(named[0] if len(named) == 1 else nodes.Sum(tuple(named)))
