"""Nothing is decided, committed or paid on an amount that a newer settlement, or a voucher, has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.basis import load_bases
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep


def are_up_to_date(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What stands is what is owed now; otherwise the office re-bases it first, knowingly."""
    bases = load_bases(applications)
    return {
        one.pk: Conflict(
            f"{one.number}：现行金额 {yuan(bases[one.pk].stands_fen)} 元，"
            f"按最新的结算、市级凭证或固定的数字为 {yuan(bases[one.pk].owed_fen)} 元；请先重定（huisuan award rebase）",
            code="offer.outdated",
        )
        for one in applications
        if one.pk in bases and not bases[one.pk].holds
    }
