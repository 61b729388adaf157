"""The decision sheet that the scores, the law and what the call declared come to now; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import Min, QuerySet, Sum

from huisuan.base.errors import Conflict
from huisuan.base.months import SHANGHAI
from huisuan.law.budget import PoolMode
from huisuan.law.model import Answer, Status
from huisuan.law.policy import load_policy
from huisuan.law.procedure import CLOSING_STATES, CapScope, State
from huisuan.programmes.checks.payable import payable_answers
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.decision_sheets.records import last_lines
from huisuan.programmes.models import Application, ApplicationSubmission, Award, Call, Draw
from huisuan.programmes.review.plan import declared_review, plan_of_call
from huisuan.programmes.review.ranking import (
    DecisionSheet,
    ScoredApplication,
    SheetTerms,
    TieOrder,
    make_decision_sheet,
)
from huisuan.programmes.scoring.results import review_results
from huisuan.programmes.submissions.seed_sources import source_of_lot
from huisuan.treasury.models import Account, AccountKind, AppropriationLine

#: what is on a sheet and has not taken its money from the line yet
_PROMISED = (
    State.CHECKED,
    State.REVIEWED,
    State.RANKED,
    State.IN_PUBLICITY,
    State.SUSPENDED,
    State.DECIDED,
    State.CONTRACTED,
)
#: decided, and nothing set aside yet; in public, and not decided yet
_BOUND = (State.DECIDED, State.CONTRACTED)
_SHOWN = (State.IN_PUBLICITY, State.SUSPENDED)
_WAITING = (State.SUBMITTED, State.RETURNED, State.RECOMMENDED, *_PROMISED)


@dataclass(frozen=True)
class SheetDraft:
    """The sheet as it would be frozen now. `pending` are not reviewed yet, to `unpaid` the law pays nothing."""

    sheet: DecisionSheet
    pending: tuple[str, ...]
    unpaid: tuple[str, ...]

    def require_ready(self) -> None:
        """Refuse to freeze what is not complete.

        Raises:
            Conflict: an application is not reviewed yet, or the law pays nothing for one; none at all.
        """
        if self.pending:
            raise Conflict(
                f"还有 {len(self.pending)} 件没有完成核验或评审：{'、'.join(self.pending[:5])}",
                code="sheet.reviews_pending",
            )
        if self.unpaid:
            raise Conflict(
                f"按政策没有应得金额：{'、'.join(self.unpaid[:5])}；请先作出不予支持的决定", code="sheet.nothing_owed"
            )
        if not self.sheet.lines:
            raise Conflict("没有可列入的申报，决策表是空的", code="sheet.empty")


def compute_sheet(call: Call) -> SheetDraft:
    """Rank what was claimed under a call and share out its line, as the call declared before it opened.

    Where experts review, their scores rank, and the lot is drawn from the seed of the call's first draw of experts,
    which was fixed before anybody scored; where they do not, all that was checked is equal and the seed is made from
    what had come when the call closed.

    Raises:
        Conflict: no panel was drawn yet, so there is no seed.
    """
    by_experts = declared_review(call.edition) is not None
    drawn = Draw.objects.filter(seats__application__call=call).order_by("pk").first()
    if by_experts and drawn is None:
        raise Conflict(f"{call.number} 还没有抽过专家，没有评审结果", code="sheet.no_draw")
    living = list(
        Application.objects.filter(call=call)
        .exclude(state__in=[State.DRAFT.value, *(state.value for state in CLOSING_STATES)])
        .select_related("edition", "call__edition")
        .annotate(applied_at=Min("submissions__at"))
        .order_by("pk")
    )
    ready = State.REVIEWED if by_experts else State.CHECKED
    scored, unpaid = _scored([one for one in living if one.state == ready])
    seed = drawn.seed if drawn else source_of_lot(call).seed
    terms = SheetTerms(
        left_on_line(call), PoolMode(call.shortage), tuple(TieOrder(name) for name in call.ties), seed,
        plan_of_call(call).lowest_score if by_experts else Fraction(),
        places_of(call), task_cap_of(call),
    )  # fmt: skip
    pending = tuple(one.number for one in living if one.state != ready)
    return SheetDraft(make_decision_sheet(scored, terms), pending, tuple(unpaid))


def _scored(reviewed: Sequence[Application]) -> tuple[list[ScoredApplication], list[str]]:
    results, answers, tasks = review_results(reviewed), payable_answers(reviewed), _tasks(reviewed)
    found, unpaid = [], []
    for one in reviewed:
        result, answer = results.get(one.pk), answers.get(one.pk)
        if answer is None or not (answer.fen or _grants_no_money(answer.answer)):
            unpaid.append(one.number)
            continue
        applied = one.applied_at.astimezone(SHANGHAI).date()  # type: ignore[attr-defined]
        score = result.score if result and result.score is not None else Fraction()
        spread = result.panel.spread if result and result.panel else Fraction()
        found.append(ScoredApplication(one.number, score, spread, answer.fen or 0, applied, tasks.get(one.pk, "")))
    return found, unpaid


def _grants_no_money(answer: Answer) -> bool:
    """Whether its rule grants something else: a title, a prize, a place."""
    return answer.amount_fen is None and answer.status in (Status.ELIGIBLE, Status.PRIORITY)


def _tasks(applications: Sequence[Application]) -> dict[int, str]:
    """By application the task of its last version, where runners race for one."""
    racing = [one for one in applications if "race" in declared_contract(one.edition)]
    rows = ApplicationSubmission.objects.filter(application__in=racing).order_by("application", "version")
    return dict(rows.values_list("application", "task"))


def task_cap_of(call: Call) -> int:
    """What all runners of a task are paid at most together, in fen; 0: each has the law's limit for itself."""
    cap = declared_contract(call.edition).get("race_cap")
    if not cap:
        return 0
    law = load_policy(call.edition.policy)
    held = law.adopted(min(call.opened_at.astimezone(SHANGHAI).date(), law.valid_to), date.max).get(cap["of"])
    return int(cap["fen"]) if held is not None and held.value == CapScope.TASK else 0


def places_of(call: Call) -> int:
    """How many the text lets be chosen under a call; 0: it names no number."""
    return int(call.edition.content.get("selection", {}).get("places", 0))


def claimed_fen(call: Call) -> int:
    """What is payable for all that waits under a call and has taken no money from its line yet."""
    living = Application.objects.filter(call=call, state__in=_WAITING).select_related("edition")
    return sum(found.fen or 0 for found in payable_answers(living).values())


def lines_with_money() -> QuerySet[AppropriationLine]:
    """The lines that were ever given money."""
    given = Account.objects.filter(kind=AccountKind.APPROPRIATED).exclude(balance=0)
    return AppropriationLine.objects.filter(pk__in=given.values("line"))


def left_on_line(call: Call) -> int:
    """What the line of a call has, less what other calls have promised of it and is not set aside.

    A frozen sheet promises what it funds; without one an award does, and before it what the law owes to whoever stands
    in public.
    """
    AppropriationLine.objects.select_for_update(no_key=True).get(pk=call.line_id)
    available = Account.objects.filter(line=call.line_id, kind=AccountKind.AVAILABLE).aggregate(fen=Sum("balance"))
    others = last_lines().filter(sheet__call__line=call.line_id, application__state__in=_PROMISED)
    promised = others.exclude(sheet__call=call).aggregate(fen=Sum("funded_fen"))
    return max(0, (available["fen"] or 0) - (promised["fen"] or 0) - _promised_without_sheet(call))


def _promised_without_sheet(call: Call) -> int:
    on_line = Application.objects.filter(call__line=call.line_id).exclude(call=call)
    on_line = on_line.exclude(pk__in=last_lines().values("application"))
    decided = on_line.filter(state__in=_BOUND)
    granted = Award.objects.filter(application__in=decided, superseded_by__isnull=True).aggregate(fen=Sum("amount_fen"))
    shown = list(on_line.filter(state__in=_SHOWN).select_related("edition"))
    return (granted["fen"] or 0) + sum(answer.fen or 0 for answer in payable_answers(shown).values())
