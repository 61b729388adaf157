"""What publicity keeps from being done: nothing is decided that does not stand clear on an ended notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.programmes.amounts.sources import computed_amounts
from huisuan.programmes.models import Application, Objection, ObjectionArrival
from huisuan.programmes.publicity.ends import notice_ends, show_end
from huisuan.programmes.publicity.lines import publicity_figures, standing_lines
from huisuan.programmes.step_conditions import AskedStep


def can_stand_in_public(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """The days of publicity and how they are counted are set for the day."""
    day = asked.now.astimezone(SHANGHAI).date()
    editions = {one.edition_id: one.edition for one in applications}
    figures = {pk: publicity_figures(edition, day) for pk, edition in editions.items()}
    return {
        one.pk: Conflict(
            f"{one.number}：公示天数或公示当日是否计入还没有采用，不能公示；请先采用参数", code="notice.days_not_set"
        )
        for one in applications
        if figures[one.edition_id] is None
    }


def stood_in_public(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Each stood on a notice that has ended, and no objection to it waits or is just coming in."""
    public = [one for one in applications if _has_publicity(one)]
    lines, waiting, end_of = standing_lines(public), unanswered_objections(public), notice_ends()
    refused: dict[int, Refused] = {}
    for one in public:
        line = lines.get(one.pk)
        if line is None:
            refused[one.pk] = Conflict(f"{one.number}：还没有公示，不能批准", code="notice.none")
        elif not (end := end_of(line.notice)).has_passed(asked.now):
            refused[one.pk] = Conflict(
                f"{one.number}：公示 {line.notice.number} 还没有期满（{show_end(end)}），不能批准",
                code="notice.running",
            )
        elif one.pk in waiting:
            refused[one.pk] = _waits(one, waiting[one.pk], "批准")
    return _arriving(public, asked) | refused


def _arriving(applications: Sequence[Application], asked: AskedStep) -> dict[int, Refused]:
    """Those to which an objection came in time whose files are still being read."""
    rows = ObjectionArrival.objects.filter(line__application__in=list(applications), until__gt=asked.now)
    come = set(rows.values_list("line__application", flat=True))
    return {
        one.pk: Conflict(
            f"{one.number}：期内提出的一条异议正在接收附件，请过几分钟再批准", code="notice.objection_arriving"
        )
        for one in applications
        if one.pk in come
    }


def is_as_published(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """No more is granted than stood in public, where an amount did."""
    lines, amounts = standing_lines(applications), computed_amounts(applications)
    refused: dict[int, Refused] = {}
    for one in applications:
        shown = lines[one.pk].amount_fen if one.pk in lines else None
        granted = amounts.get(one.pk, 0) if asked.amount_fen is None else asked.amount_fen
        if shown is not None and granted > shown:
            refused[one.pk] = Conflict(
                f"{one.number}：公示的是 {yuan(shown)} 元，不能批准 {yuan(granted)} 元；"
                "要多给的，先退回（suspend、uphold），改后重新公示",
                code="notice.amount_exceeded",
            )
    return refused


def no_objection_waits(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Publicity goes on once every objection is answered."""
    waiting = unanswered_objections(applications)
    return {one.pk: _waits(one, waiting[one.pk], "恢复公示") for one in applications if one.pk in waiting}


def unanswered_objections(applications: Iterable[Application]) -> dict[int, list[Objection]]:
    """By application the objections, to any line of it, that nobody has answered."""
    found: dict[int, list[Objection]] = {}
    rows = Objection.objects.filter(line__application__in=list(applications), answer__isnull=True)
    for row in rows.select_related("line"):
        found.setdefault(row.line.application_id, []).append(row)
    return found


def _has_publicity(application: Application) -> bool:
    return any(taken["action"] == "publicise" for taken in application.edition.content["steps"])


def _waits(application: Application, objections: Sequence[Objection], words: str) -> Conflict:
    return Conflict(
        f"{application.number}：有 {len(objections)} 条异议还没有答复，不能{words}", code="notice.objection_unanswered"
    )
