"""Budgets asked of the background worker: the same scenario is computed once, and its figures are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huisuan.base.db.background_work import (
    WORK_ATTEMPTS,
    WORK_UNDER_WAY,
    WorkKind,
    WorkProgress,
    WorkState,
    end_work,
)
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.budget import Budget, Sample, budget_from_json, budget_to_json
from huisuan.law.budget.compute import SampleClaims, compute_budget
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, apply_scenario, load_policy, scenario_from_tables
from huisuan.settlement.models import ScenarioRequest

BUDGET_LOST = (
    f"后台进程 {WORK_ATTEMPTS} 次都在推演途中意外结束，不再自动重来：请看数据目录的 logs/worker.log，排除后重新推演"
)
MOST_WAITING = 20  # budgets that wait or run, of everybody: each takes seconds of the worker
_KEPT = timedelta(days=30)
LONGEST_ADDRESS = 20_000
_SUPPOSED = "情景"
_ASKING = 0x4855_4957  # key of the advisory lock
Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class BudgetScenario:
    """What is to be budgeted: a policy on a day, as known on a day, with what is supposed, over a sample.

    `tables` holds what is supposed as a scenario's form or file says it (`scenario_from_tables`); empty: nothing.
    """

    policy: Policy
    on: date
    as_known: date
    tables: Tables
    sample: Sample

    @property
    def key(self) -> str:
        """The digest of all that the figures rest on; a day on which nothing new was known makes no other."""
        return _key(
            self.policy.name, self.policy.digest_as_known(self.as_known), self.on, self.tables,
            self.sample.parties, self.sample.seed,
        )  # fmt: skip


def _key(policy: str, law: str, on: date, tables: Tables, parties: int, seed: int) -> str:
    stated = [policy, law, on.isoformat(), tables, parties, seed]
    return text_sha256(json.dumps(stated, sort_keys=True, ensure_ascii=False))


def _what_stands(_request: ScenarioRequest) -> str:
    return "已取消，没有结果"


BUDGETS = WorkKind(ScenarioRequest, "settlement.budget_scenario", _what_stands, BUDGET_LOST)


def find_budget(scenario: BudgetScenario) -> ScenarioRequest | None:
    """The newest request for a scenario, however it stands; None: nobody has asked."""
    return ScenarioRequest.objects.filter(key=scenario.key).first()


def budget_of_request(request: ScenarioRequest, policy: Policy) -> Budget:
    """What came out of a request that is done.

    Raises:
        LawError: the policy has no such rules any more.
    """
    return budget_from_json(policy, request.result or {})


def request_budget(scenario: BudgetScenario, address: str, by: str, now: datetime) -> ScenarioRequest:
    """Ask the worker for a budget; one that is under way or done for the same scenario is the answer.

    Raises:
        Conflict: too many wait already.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
        found = find_budget(scenario)
        if found is not None and (found.is_under_way or found.state == WorkState.DONE):
            return found
        _refuse_too_many()
        ScenarioRequest.objects.filter(ended_at__lt=now - _KEPT).delete()
        made = ScenarioRequest.objects.create(
            key=scenario.key, policy=scenario.policy.name, on=scenario.on, as_known=scenario.as_known,
            parties=scenario.sample.parties, seed=scenario.sample.seed, scenario=scenario.tables,
            address=check_length(address, LONGEST_ADDRESS, "网址"), requested_by=by[:80], requested_at=now,
        )  # fmt: skip
        BUDGETS.hand_over(made)
    return made


def _refuse_too_many() -> None:
    if ScenarioRequest.objects.filter(state__in=WORK_UNDER_WAY).count() >= MOST_WAITING:
        raise Conflict(
            f"已有 {MOST_WAITING} 个推演在等后台计算：请等它们算完，或取消不要的", code="budget.too_many_waiting"
        )


def request_budget_again(number: int, by: str, now: datetime) -> ScenarioRequest:
    """Ask anew for what a request asked for; that of the same scenario that is under way or done is the answer.

    Raises:
        NotFound: none of that number.
        Conflict: too many wait already.
    """
    old = ScenarioRequest.objects.filter(pk=number).first()
    if old is None:
        raise NotFound(f"没有提出过第 {number} 号推演", code="budget.request_unknown")
    policy = load_policy(old.policy)
    known = now.astimezone(SHANGHAI).date()
    scenario = BudgetScenario(policy, old.on, known, old.scenario, Sample(old.parties, old.seed))
    return request_budget(scenario, old.address, by, now)


def run_budget_request(number: int, now: datetime) -> None:
    """Compute what a request asks for, and note its end; does nothing for one that has ended."""

    def do(request: ScenarioRequest, progress: WorkProgress) -> None:
        try:
            result = _computed(request, progress)
        except LawError as error:
            raise InvalidRequest(str(error), code=error.code) from None
        with transaction.atomic():
            end_work(request, WorkState.DONE, now, result=budget_to_json(result))

    BUDGETS.carry_out(number, now, do)


def _computed(request: ScenarioRequest, progress: WorkProgress) -> Budget:
    policy = load_policy(request.policy)
    sample = Sample(request.parties, request.seed)
    if BudgetScenario(policy, request.on, request.as_known, request.scenario, sample).key != request.key:
        raise Conflict("推演提出后政策文件或参数有了改动：请重新推演", code="budget.law_changed")
    supposed = scenario_from_tables(policy, _SUPPOSED, request.scenario)
    after = apply_scenario(policy, supposed) if request.scenario else policy
    return compute_budget(
        policy, after, SampleClaims(sample), on=request.on, as_known=request.as_known, begin_rule=progress.begin_step
    )


def cancel_budget_request(number: int, by: str, now: datetime) -> ScenarioRequest:
    """Cancel a budget. One that has ended stays as it ended.

    Raises:
        NotFound: none of that number.
    """
    try:
        return BUDGETS.cancel(number, by, now)
    except ScenarioRequest.DoesNotExist:
        raise NotFound(f"没有提出过第 {number} 号推演", code="budget.request_unknown") from None
