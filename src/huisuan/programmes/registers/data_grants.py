"""Public data for firms that the law names: granted to whom the register beside its rule holds that day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.opendata.access.grants import GivenGrant, give_grant
from huisuan.opendata.models import DataGrant
from huisuan.parties.models import Person
from huisuan.programmes.registers.queries import list_registers, standing_versions

_OPEN_DATA = "opendata"  # who knows a fact that a rule of access to data asks


def grant_data_access(given: GivenGrant, person: Person, now: datetime) -> DataGrant:
    """Grant conditional data to a firm that a register of such firms holds today; that entry is its ground.

    Raises:
        NotAllowed: the firm is on no such register; else see `give_grant`.
    """
    today = now.astimezone(SHANGHAI).date()
    uscc = given.uscc.strip().upper()
    for policy, key, title in _accrediting_registers():
        held = standing_versions(policy, key, today).filter(holder__uscc=uscc).first()
        if held is not None:
            return give_grant(replace(given, ground=given.ground or f"{title} {held.entry.code}"), person, now)
    raise NotAllowed(
        "这个单位今天不在可以使用有条件开放数据的企业名录里：只授权名录内的企业", code="grant.not_accredited"
    )


def _accrediting_registers() -> Iterator[tuple[str, str, str]]:
    """The registers of a sentence whose rule asks open data whether the data may be used: policy, key and title."""
    for policy, spec in list_registers():
        asks = (fact for rule in policy.rules if rule.sentence == spec.sentence for fact in rule.facts)
        if any(fact.known_by == _OPEN_DATA for fact in asks):
            yield policy.name, spec.key, spec.title
