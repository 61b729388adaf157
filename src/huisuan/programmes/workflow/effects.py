"""What other rooms have to say of a step: what keeps it from being taken, and what it sets off (money, experts).

Tables, read top to bottom; no signals. A condition refuses single applications of an act, the others stand. An effect
gets the steps of one act, all of one action, in their transaction, and refuses by raising: then nothing of it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from huisuan.programmes.amounts.case_by_case import are_heard, say_how_much_and_why
from huisuan.programmes.amounts.named import name_an_amount
from huisuan.programmes.awards.closing import are_paid
from huisuan.programmes.awards.committing import commit_awards, have_money
from huisuan.programmes.awards.earmarking import adjust_earmarks
from huisuan.programmes.awards.granting import grant_awards
from huisuan.programmes.awards.offered import are_confirmed
from huisuan.programmes.awards.paying import can_be_paid, order_awards
from huisuan.programmes.awards.pleading import a_plea_waits, another_began, no_plea_waits
from huisuan.programmes.awards.recovering import are_paid_back, claim_back_paid, owe_back
from huisuan.programmes.awards.relenting import owe_more, restore_awards
from huisuan.programmes.awards.revoking import is_unpaid, revoke_awards
from huisuan.programmes.awards.up_to_date import are_up_to_date
from huisuan.programmes.checks.stored import are_checked
from huisuan.programmes.checks.without_decision import hold_by_law
from huisuan.programmes.claim_objects.waiting import hold_their_objects, lock_their_objects, pass_on_objects
from huisuan.programmes.contracts.conditions import are_evaluated, award_what_was_agreed, have_a_plan, is_drawn_up
from huisuan.programmes.contracts.race import fall_out, free_what_is_left
from huisuan.programmes.decision_sheets.steps import (
    are_granted_by_the_sheet,
    fit_the_line,
    move_up_waiting,
    stand_on_the_sheet,
)
from huisuan.programmes.flags.answered import are_answered, checker_answered_none
from huisuan.programmes.flags.found_between import flag_submissions
from huisuan.programmes.models import ApplicationStep
from huisuan.programmes.publicity.conditions import (
    can_stand_in_public,
    is_as_published,
    no_objection_waits,
    stood_in_public,
)
from huisuan.programmes.publicity.lines import publish_lines
from huisuan.programmes.registers.lost_grounds import revoke_granted_data
from huisuan.programmes.scoring.results import panel_has_scored
from huisuan.programmes.step_conditions import StepCondition
from huisuan.programmes.submissions.city_shares import record_shares
from huisuan.programmes.submissions.consented import are_agreed_to
from huisuan.programmes.submissions.record import check_returned_fields, record_submissions
from huisuan.programmes.workflow.step_messages import tell_applicants

Effect: TypeAlias = Callable[[Sequence[ApplicationStep]], None]

#: action -> what may keep it from being taken, asked in this order
STEP_CONDITIONS: Mapping[str, tuple[StepCondition, ...]] = {
    "submit": (are_confirmed,),
    "check": (checker_answered_none, are_agreed_to, have_a_plan, are_checked),
    "recommend": (are_answered,),
    "review": (are_answered, panel_has_scored),
    "rank": (are_answered, stand_on_the_sheet),
    "publicise": (
        are_answered,
        are_agreed_to,
        hold_their_objects,
        say_how_much_and_why,
        fit_the_line,
        can_stand_in_public,
    ),
    "resume": (no_objection_waits,),
    "decide": (
        are_answered,
        are_agreed_to,
        hold_their_objects,
        stood_in_public,
        are_up_to_date,
        are_granted_by_the_sheet,
        are_heard,
        name_an_amount,
        is_as_published,
    ),
    "contract": (are_answered, is_drawn_up),
    "eliminate": (fall_out,),
    "commit": (are_answered, are_up_to_date, have_money),
    "pay": (are_answered, are_up_to_date, can_be_paid),
    "complete": (are_paid,),
    "close": (are_evaluated,),
    "record": (are_answered, are_agreed_to, hold_their_objects, hold_by_law),
    "refuse": (lock_their_objects,),
    "withdraw": (lock_their_objects,),
    "revoke": (is_unpaid, lock_their_objects),
    "recover": (owe_back,),
    "hear": (another_began, a_plea_waits),
    "relent": (another_began, owe_more),
    "recovered": (no_plea_waits, are_paid_back, are_paid, lock_their_objects),
}
#: action -> what it sets off, in this order
STEP_EFFECTS: Mapping[str, tuple[Effect, ...]] = {
    "submit": (record_submissions, pass_on_objects, record_shares, flag_submissions),
    "return": (check_returned_fields, tell_applicants),
    "publicise": (publish_lines,),
    "decide": (grant_awards, tell_applicants),
    "refuse": (pass_on_objects, move_up_waiting, tell_applicants),
    "withdraw": (pass_on_objects, move_up_waiting),
    "revoke": (pass_on_objects, revoke_awards, move_up_waiting, revoke_granted_data),
    "contract": (award_what_was_agreed,),
    "eliminate": (free_what_is_left, tell_applicants),
    "commit": (commit_awards,),
    "pay": (order_awards,),
    "complete": (tell_applicants,),
    "recover": (claim_back_paid, adjust_earmarks),
    "relent": (restore_awards, adjust_earmarks),
    "recovered": (pass_on_objects,),
}
