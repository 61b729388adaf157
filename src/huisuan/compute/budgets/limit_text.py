"""A budget's limit as people write it, in yuan or card-hours, on the page and in the command alike. Pure."""

from __future__ import annotations

from decimal import Decimal, Inexact, localcontext

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import shortened
from huisuan.protocol.firm import HUGE_LIMIT, UnitName

_SCALE: dict[UnitName, int] = {"fen": 100, "card_seconds": 3600}  # of what is written: a yuan, a card-hour
_MOST_ECHOED = 40  # characters of what was written, in the answer


def parse_limit(text: str, unit: UnitName) -> int:
    """A limit in yuan or card-hours, as fen or card-seconds. Commas between the thousands may stand in it.

    Raises:
        InvalidRequest: no number, negative, finer than a fen or a card-second, or more than whole units of HUGE_LIMIT.
    """
    scale = _SCALE[unit]
    try:
        with localcontext() as exact:
            exact.traps[Inexact] = True  # nothing is rounded on the way
            typed = Decimal(text.strip().replace(",", "").replace("，", ""))
            too_much = typed.is_finite() and typed > HUGE_LIMIT // scale  # before 1e5000 is written out in full
            amount = Decimal("NaN") if too_much else typed * scale
    except ArithmeticError:
        amount, too_much = Decimal("NaN"), False
    if too_much:
        raise InvalidRequest(
            f"预算 {shortened(text.strip(), _MOST_ECHOED)}：须在 0 至 {HUGE_LIMIT // scale} 之间",
            code="budget.limit_out_of_bounds",
        )
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise InvalidRequest(
            f'限额 "{shortened(text.strip(), _MOST_ECHOED)}"：应是不小于 0 的数，以元（至多两位小数）或卡时'
            "（至多精确到秒）计，例如 12000.50",
            code="budget.limit_malformed",
        )
    return int(amount)
