"""What a limit that stands outside any claim comes to on a day: a year's fund, a cap that several rules share."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.model.expressions import Node
from huisuan.law.model.grouping import SharedCap
from huisuan.law.model.terms import Terms
from huisuan.law.policy.policy import Policy


def limit_on(policy: Policy, node: Node, on: date, as_known: date) -> int | None:
    """The limit in fen on a day; None where a setting that it rests on is not set."""
    adopted = policy.adopted(on, as_known)
    terms = Terms(
        {name: setting.value for name, setting in adopted.items()},
        {name: str(setting.value) for name, setting in adopted.items()},
    )
    try:
        limit = Evaluation({}, terms).evaluate(node)
    except KeyError:
        return None
    return None if limit is None else int(Fraction(limit) // 1)


def shared_limits(policy: Policy, on: date, as_known: date) -> tuple[tuple[SharedCap, int | None], ...]:
    """The caps that several rules of a policy share, each with its limit in fen on a day."""
    return tuple((cap, limit_on(policy, cap.limit, on, as_known)) for cap in policy.shared_caps)
