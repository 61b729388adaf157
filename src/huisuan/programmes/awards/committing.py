"""Committing awards: on the line of their sentence and of the office that decided, in the instalments declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Q

from huisuan.base.errors import Conflict, InvalidRequest, NotFound, Refused
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.programmes.awards.milestones import milestone_parts
from huisuan.programmes.awards.standing import standing_awards, treasury_act
from huisuan.programmes.models import Application, ApplicationStep, Award, ProcedureEdge, ProcedureEdition
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.commitments import Promise, commit
from huisuan.treasury.models import Account, AccountKind, AppropriationLine


def have_money(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Each fits into what its line has left after those before it; the lines stay locked until the act stands."""
    year = budget_year(asked.payload, asked.now.astimezone(SHANGHAI).date())
    lines, awards = budget_lines(applications, year), standing_awards(applications)
    left = _available(lines.values())
    refused: dict[int, Refused] = {}
    for one in applications:
        line = lines.get(one.pk)
        if one.pk not in awards:
            refused[one.pk] = Conflict(f"{one.number}：还没有批准的金额", code="award.none")
        elif not awards[one.pk].amount_fen:
            continue  # re-based to nothing: there is nothing to set aside
        elif line is None:
            refused[one.pk] = no_budget_line(one, year)
        elif awards[one.pk].amount_fen > left[line.pk]:
            refused[one.pk] = Conflict(
                f"{one.number}：预算 {line} 可用 {yuan(left[line.pk])} 元，"
                f"不够承诺 {yuan(awards[one.pk].amount_fen)} 元",
                code="treasury.line_exhausted",
            )
        else:
            left[line.pk] -= awards[one.pk].amount_fen
    return refused


def no_budget_line(application: Application, year: int) -> NotFound:
    """The refusal where nobody opened the line."""
    edition = application.edition
    return NotFound(
        f"{application.number}：{year} 年没有 {edition.policy} 第 {edition.content['sentence']} 句的预算；"
        "先开设预算并下达资金",
        code="award.no_budget_line",
    )


def commit_awards(steps: Sequence[ApplicationStep]) -> None:
    """Set the money of the awards aside, line by line."""
    applications = [step.application for step in steps]
    day = steps[0].at.astimezone(SHANGHAI).date()
    lines, awards = budget_lines(applications, budget_year(steps[0].payload, day)), standing_awards(applications)
    promised: dict[AppropriationLine, list[Promise]] = defaultdict(list)
    for one in applications:
        if not awards[one.pk].amount_fen:
            continue
        promised[lines[one.pk]].append(make_promise(one, awards[one.pk], awards[one.pk].amount_fen, day))
    for line in sorted(promised, key=lambda line: line.pk):
        commit(line, promised[line], treasury_act(steps[0].person, steps[0].at))


def make_promise(application: Application, award: Award, fen: int, day: date) -> Promise:
    """What is committed for an award: by the milestones of its contract, or in as many parts as are set on a day."""
    parts = milestone_parts(application, award.amount_fen, fen)
    parts = parts or split_evenly(fen, instalment_count(application.edition, day))
    return Promise(award.key, application.party_id, tuple((part, None) for part in parts), application.city_id)


def split_evenly(fen: int, parts: int) -> list[int]:
    """An amount in so many parts that differ by one fen at most, the larger first; no part of nothing."""
    each, more = divmod(fen, parts)
    return [part for part in (each + (at < more) for at in range(parts)) if part]


def instalment_count(edition: ProcedureEdition, day: date) -> int:
    """The figure of the procedure's step `commit`, as adopted for a day; one where it declares none."""
    figures = [name for taken in edition.content["steps"] if taken["action"] == "commit" for name in taken["figures"]]
    if not figures:
        return 1
    policy = load_policy(edition.policy)
    held = policy.adopted(min(day, policy.valid_to), date.max).get(figures[0])
    if held is None or not isinstance(held.value, int) or held.value < 1:
        raise Conflict(f"参数 {figures[0]}（拨付次数）尚未采用", code="award.instalments_not_set")
    return held.value


def budget_year(payload: Mapping[str, Any], day: date) -> int:
    """The year of the budget that an act names (`budget_year`), or the one of its day.

    Raises:
        InvalidRequest: it is no year.
    """
    year = payload.get("budget_year", day.year)
    if not isinstance(year, int) or isinstance(year, bool) or not 2000 <= year <= 2200:
        raise InvalidRequest(f"预算年度 {year!r} 不是年份", code="award.budget_year_malformed")
    return year


def budget_lines(applications: Iterable[Application], year: int) -> dict[int, AppropriationLine]:
    """By application the line of its policy and sentence in a year, of the office that decides."""
    asked = list(applications)
    offices = dict(
        ProcedureEdge.objects.filter(edition__in={one.edition_id for one in asked}, action="decide")
        .values_list("edition_id", "office")
    )  # fmt: skip
    keys = {
        one.pk: (one.edition.policy, one.edition.content["sentence"], offices.get(one.edition_id, "")) for one in asked
    }
    wanted = Q(pk__in=())
    for policy, sentence, office in set(keys.values()):
        wanted |= Q(policy=policy, sentence=sentence, office=office)
    found = {
        (line.policy, line.sentence, line.office): line for line in AppropriationLine.objects.filter(wanted, year=year)
    }
    return {pk: found[key] for pk, key in keys.items() if key in found}


def _available(lines: Iterable[AppropriationLine]) -> dict[int, int]:
    rows = Account.objects.filter(line__in={line.pk for line in lines}, kind=AccountKind.AVAILABLE)
    return dict(rows.order_by("pk").select_for_update(no_key=True).values_list("line_id", "balance"))
