"""How a fund that is too small is shared out: the question that an article may ask."""

from __future__ import annotations

from huisuan.law.authoring.declarations import Interpretation
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec

FUND_OPTIONS = {"pro_rata", "first_come", "rank"}


def shortage_question(short: Interpretation) -> InterpretationSpec:
    """How a fund is shared out: of the ways that `budget.pool` knows.

    Raises:
        LawError: another option.
    """
    if not set(short.spec.options) <= FUND_OPTIONS:
        known = "、".join(sorted(FUND_OPTIONS))
        raise LawError(f"解释口径 {short.spec.name}：资金不足时的选项只能是 {known}", code="law.fund_option_unknown")
    return short.spec
