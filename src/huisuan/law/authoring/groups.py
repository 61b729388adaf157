"""How an article says over which claims it sums: each claimant's year, one project's claims, each contract once.

@article.pays("3.1", "每家企业每年最高50万元", ..., over=each("year", "3.1", "每家企业每年", on=Bought.paid_on, once=Bought.invoice))
def vouchers(bought: Bought) -> Money:
    spent = bought.price.summed("本年采购额", "Purchases of the year", maximum="10亿元")
    return spent.capped(...).rounded_down("fen")
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterable

from huisuan.law.authoring.operators import Date, Operand
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.grouping import Grouping, Period, SharedCap
from huisuan.law.model.rules import Rule, RuleKind
from huisuan.law.model.totals import facts_outside_totals, is_whole, totals_of
from huisuan.law.model.values import ValueKind

#: one fact, or several that together name one thing
Names = Operand | tuple[Operand, ...]


def each(
    period: str, sentence: str, phrase: str, *, on: Date | None = None, of: Names = (), once: Names = (),
    order: Names = (),
) -> Grouping:  # fmt: skip
    """The claims that a rule sums over: those of one claimant in a period ("year", "quarter", "month", "always").

    `on` is the day by which a claim falls into a period. `of` names the object whose claims are summed, where it is not
    the claimant; `once` what may count only once (a contract, an invoice, a standard), whoever claims it; claims take
    their turn by `order`, else by day and then by what counts once.

    Raises:
        LawError: no such period, or a period without the day that says in which one a claim lies.
    """
    if period not in list(Period):
        raise LawError(f"{sentence}：没有期间“{period}”；可用 {'、'.join(Period)}", code="law.period_unknown")
    if on is None and period != Period.ALWAYS:
        raise LawError(f"{sentence}：按“{period}”合计须写 on=（哪个日期归期）", code="law.period_without_day")
    day = "" if on is None else _fact_name(on)
    turn = _fact_names(order) or (*((day,) if day else ()), *_fact_names(once))
    return Grouping(sentence, phrase, Period(period), day, _fact_names(of), _fact_names(once), turn)


def check_grouping(rule: Rule, place: str) -> None:
    """A rule that sums says over what, and decides about a group by its totals alone.

    Raises:
        LawError: totals without `over` or the other way round; a fact beside the totals; fractions in a sum.
    """
    totals = totals_of(rule)
    if bool(totals) != (rule.over is not None):
        raise LawError(
            f"{place}：summed(…) 与 pays(…, over=each(…)) 要一起写：合计什么，合计哪些申报",
            code="law.total_without_group",
        )
    if rule.over is None:
        return
    by_name = {total.spec.name: total for total in totals}
    if rule.kind is not RuleKind.PAYS or any(by_name[total.spec.name] != total for total in totals):
        raise LawError(f"{place}：合计只用于付款的规则，同一事实只合计一次", code="law.total_misplaced")
    unknown = [name for name in rule.over.facts if name not in {spec.name for spec in rule.facts}]
    shares = [spec.name for spec in rule.facts if spec.name in rule.over.facts and spec.kind is ValueKind.SHARE]
    if unknown or shares:
        raise LawError(f"{place}：over 不能用 {'、'.join(unknown + shares)}", code="law.group_fact_unknown")
    beside = [spec.name for spec in facts_outside_totals(rule)]
    if beside:
        raise LawError(
            f"{place}：{'、'.join(beside)} 在合计之外；各笔可以不同的事实请移进 summed(…) 之内",
            code="law.fact_outside_total",
        )
    if not all(is_whole(total.of) for total in totals):
        raise LawError(
            f"{place}：合计的每一笔应为整数；比例写在合计之外，或先 rounded_down", code="law.total_of_fractions"
        )


def check_shared_cap(cap: SharedCap, rules: Iterable[Rule]) -> None:
    """The rules that share a cap pay, and each says in which period a claim lies.

    Raises:
        LawError: no such rule, or one that sums over another period.
    """
    known = {rule.key: rule for rule in rules if rule.kind is RuleKind.PAYS}
    for key in cap.rules:
        over = known[key].over if key in known else None
        if over is None or over.period != cap.period or known[key].repays:
            raise LawError(
                f"{cap.sentence}：合计上限写了 {key}；须是付款的规则，且同样按“{cap.period}”合计（over=each(…)）",
                code="law.shared_cap_rule",
            )


def _fact_names(facts: Names) -> tuple[str, ...]:
    return tuple(_fact_name(fact) for fact in (facts if isinstance(facts, tuple) else (facts,)))


def _fact_name(fact: Operand) -> str:
    if not isinstance(fact.node, nodes.Fact):
        raise LawError("over=each(…) 里应为 Facts 的事实", code="law.group_fact_unknown")
    return fact.node.spec.name
