"""Upholding what was said against a recovery: what is open of its debts is taken back, and the award is restored.

What came back already is not: the treasury sets it aside and pays it again, as of any award that is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.owed import Owed, owed_now
from huisuan.programmes.awards.recovering import debts_of, order_under_way, supersede
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.models import Application, ApplicationStep, Award
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.recoveries import let_go


def owe_more(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Each is owed more than the recovery left, no more than was granted before it, and no order is at the bank."""
    owed, committed, refused = _owed(applications, asked), commitments_of(applications), dict[int, Refused]()
    awards = standing_awards(applications)
    for one in applications:
        due, ordered = owed[one.pk], paid_so_far(committed.get(one.pk, [])).ordered_fen
        if isinstance(due, Refused):
            refused[one.pk] = due
        elif ordered:
            refused[one.pk] = order_under_way(one.number, ordered)
        elif not awards[one.pk].amount_fen < due.fen <= _before(awards[one.pk]).amount_fen:
            refused[one.pk] = Conflict(
                f"{one.number}：应得 {yuan(due.fen)} 元；采纳申辩须高于追回后的 {yuan(awards[one.pk].amount_fen)} 元，"
                f"不高于追回前的 {yuan(_before(awards[one.pk]).amount_fen)} 元",
                code="award.nothing_to_relent",
            )
    return refused


def restore_awards(steps: Sequence[ApplicationStep]) -> None:
    """The award is what is owed from here on; so much less of the debts is open, the newest first."""
    applications = [step.application for step in steps]
    asked = AskedStep("relent", steps[0].person, steps[0].at, None, steps[0].payload)
    owed, debts, awards = _owed(applications, asked, taken=1), debts_of(applications), standing_awards(applications)
    for step in steps:
        due, before = owed[step.application_id], awards[step.application_id]
        assert isinstance(due, Owed)  # `owe_more` was asked first, under the same lock
        made = supersede(before, due, step, step.reason)
        left = due.fen - before.amount_fen
        for debt in reversed(debts.get(step.application_id, [])):
            if part := min(left, debt.account.balance):
                let_go(debt, part, f"{made.key} {step.reason}", treasury_act(step.person, step.at))
                left -= part


def _owed(applications: Sequence[Application], asked: AskedStep, taken: int = 0) -> dict[int, Owed | Refused]:
    """What is owed now; where nothing computes it and nobody names it, what was granted before the recovery."""
    found, awards = dict(owed_now(applications, asked)), standing_awards(applications)
    for pk, due in found.items():
        if isinstance(due, Refused) and due.code == "award.owed_missing":
            found[pk] = Owed(_before(awards[pk], taken).amount_fen)
    return found


def _before(award: Award, taken: int = 0) -> Award:
    """The award before the recovery: each step since it began made one, but for those just taken."""
    steps = award.application.steps
    began = steps.filter(action="recover").order_by("number").last()
    assert began is not None  # it is in recovery
    since = steps.filter(action="relent", number__gt=began.number).count()
    return Award.objects.get(application=award.application_id, number=award.number - 1 - since + taken)
