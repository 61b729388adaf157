"""What a register takes without a decision: the law must say yes to it by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.explain import explain
from huisuan.programmes.checks.law_answer import SAYS_YES, asked_rule
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.submissions.reading_days import began_of


def hold_by_law(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """The law says yes to what was handed in last: what a register takes without a decision must hold by itself."""
    refused: dict[int, Refused] = {}
    for one in applications:
        said, submission = asked_rule(one), one.submissions.last()
        answer = None
        if said is not None and submission is not None:
            known = submission.at.astimezone(SHANGHAI).date()
            place, began = said.place, began_of(said.place.rule, said.facts)
            answer = explain(
                place.policy, place.rule, said.facts, on=submission.read_on, as_known=known, began=began
            )  # fmt: skip
        if answer is None or answer.status not in SAYS_YES:
            words = "；".join(reason.text for reason in answer.reasons) if answer else "所填事实已读不出"
            refused[one.pk] = Conflict(
                f"{one.number}：按政策条件不能登记：{words}；请退回补正，或不予登记", code="record.not_by_law"
            )
    return refused
