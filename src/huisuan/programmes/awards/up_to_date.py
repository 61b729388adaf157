"""Nothing is decided, committed or paid on an amount that a newer settlement has changed: it is re-based first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.basis import load_bases
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep


def are_up_to_date(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """The newest run of the year owes what stands; otherwise the office re-bases it first, knowingly."""
    bases = load_bases(applications)
    return {
        one.pk: Conflict(
            f"{one.number}：按 {yuan(bases[one.pk].stands_fen)} 元提出，"
            f"最新一次结算为 {yuan(bases[one.pk].owed_fen)} 元；请先重定（huisuan award rebase）",
            code="offer.outdated",
        )
        for one in applications
        if one.pk in bases and not bases[one.pk].holds
    }
