"""In words, over which claims a rule sums and what counts only once."""

from __future__ import annotations

from huisuan.law.model.grouping import PERIODS_EN, PERIODS_ZH, Grouping
from huisuan.law.model.rules import Rule


def grouping_words(rule: Rule, over: Grouping, language: str) -> str:
    """The words of a grouping, Chinese ("zh") or English."""
    zh = language == "zh"
    names = {spec.name: spec.zh if zh else spec.en for spec in rule.facts}
    comma = "、" if zh else ", "
    of, once, order = (comma.join(names[name] for name in part) for part in (over.of, over.once, over.order))
    if zh:
        whose = f"同一{of}" if of else "同一申报主体"
        words = f"{whose}{PERIODS_ZH[over.period]}的各笔合并计算" + (f"；{once}相同的只计一次" if once else "")
        return words + (f"；按{order}先后" if order else "")
    whose = f"of one {of}" if of else "of one claimant"
    words = f"the claims {whose} {PERIODS_EN[over.period]} are summed" + (
        f"; the same {once} counts once" if once else ""
    )
    return words + (f"; in the order of {order}" if order else "")
