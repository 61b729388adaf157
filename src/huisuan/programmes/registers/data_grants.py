"""Public data for firms that the law names: granted to whom the register beside its rule holds that day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import PolicyRule
from huisuan.opendata.access.grants import GivenGrant, give_grant
from huisuan.opendata.models import DataGrant
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, RegisterVersion
from huisuan.programmes.models.applications import CHOSEN_STATES
from huisuan.programmes.registers.queries import list_registers, standing_versions

_OPEN_DATA = "opendata"  # who knows a fact that a rule of access to data asks


@transaction.atomic
def grant_data_access(given: GivenGrant, person: Person, now: datetime) -> DataGrant:
    """Grant conditional data to a firm that a register of such firms holds today; that entry is its ground.

    Where an application is named it must be the firm's, of such a sentence, and chosen by a decision that stands.
    The grant ends no later than its ground does: `lost_grounds` revokes it when the ground falls before.

    Raises:
        NotAllowed: the firm is on no such register; else see `give_grant`.
        InvalidRequest: the last day is after the entry's own last day.
        Conflict: the application that is named is none that was decided for the firm.
    """
    today = now.astimezone(SHANGHAI).date()
    uscc = given.uscc.strip().upper()
    for policy, key, title in accrediting_registers():
        if given.application:
            _check_application(given.application.strip(), uscc)
        # whoever ends the entry meanwhile waits, and then finds this grant
        held = standing_versions(policy, key, today).filter(holder__uscc=uscc).select_for_update(of=("entry",)).first()
        if held is not None:
            _check_last_day(given, held)
            return give_grant(replace(given, ground=given.ground or f"{title} {held.entry.code}"), person, now)
    raise NotAllowed(
        "这个单位今天不在可以使用有条件开放数据的企业名录里：只授权名录内的企业", code="grant.not_accredited"
    )


def _check_last_day(given: GivenGrant, held: RegisterVersion) -> None:
    if held.until_day is not None and given.ends_on > held.until_day:
        raise InvalidRequest(
            f"授权到 {given.ends_on}，晚于该企业在名录内的最后一天 {held.until_day}：请写不晚于这一天的日期",
            code="grant.beyond_its_ground",
        )


def _check_application(number: str, uscc: str) -> None:
    """Programmes decide, and what was decided is granted here: open data never asks an application.

    Raises:
        Conflict: it is not the firm's, of another sentence, or not decided.
    """
    asked = {each.key for each in _asking_rules()}
    found = Application.objects.select_for_update(of=("self",)).filter(
        number=number, party__uscc=uscc, state__in=CHOSEN_STATES
    )
    row = found.select_related("edition").first()
    if row is None or f"{row.edition.policy}/{row.edition.rule_key}" not in asked:
        raise Conflict(
            f"申报 {number[:20]} 不是这家企业已审定的、使用公共数据的申报；请核对编号，或不写",
            code="grant.application_not_decided",
        )


def accrediting_registers() -> Iterator[tuple[str, str, str]]:
    """The registers of a sentence whose rule asks open data whether the data may be used: policy, key and title."""
    for policy, spec in list_registers():
        asks = (fact for rule in policy.rules if rule.sentence == spec.sentence for fact in rule.facts)
        if any(fact.known_by == _OPEN_DATA for fact in asks):
            yield policy.name, spec.key, spec.title


def _asking_rules() -> Iterator[PolicyRule]:
    """The rules that ask open data whether data may be used."""
    for policy in {policy.name: policy for policy, _ in list_registers()}.values():
        for rule in policy.rules:
            if any(fact.known_by == _OPEN_DATA for fact in rule.facts):
                yield PolicyRule(policy, rule)
