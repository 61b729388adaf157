"""Grants of public data whose ground has fallen: they are revoked with it, at once and on every way.

A grant stands on the register that accredits its firm and, where it names one, on what was decided for the firm. When
the entry is taken off, or the decision falls, so does the grant; each night whatever a day has ended since is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import RegisterSpec
from huisuan.opendata.models import DataGrant
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, ApplicationStep
from huisuan.programmes.models.applications import CHOSEN_STATES
from huisuan.programmes.registers.data_grants import accrediting_registers
from huisuan.programmes.registers.queries import standing_versions

_OFF_THE_REGISTER = "企业已不在可以使用有条件开放数据的名录内"


@transaction.atomic
def revoke_groundless_grants(now: datetime, by: Person | None = None) -> int:
    """Revoke each grant whose firm is off the registers, or whose application is no longer chosen; how many.

    `by` did what took the ground away; without one (a day has passed) nobody revoked it: the platform does.
    """
    today = now.astimezone(SHANGHAI).date()
    held = {
        party
        for policy, key, _ in accrediting_registers()
        for party in standing_versions(policy, key, today).values_list("holder_id", flat=True)
    }
    running = DataGrant.objects.select_for_update(of=("self",)).filter(revoked_at=None, ends_on__gte=today)
    chosen = set(
        Application.objects.filter(state__in=CHOSEN_STATES, number__in=running.values("application")).values_list(
            "number", flat=True
        )
    )
    revoked = []
    for grant in running:
        if grant.party_id not in held:
            grant.reason = _OFF_THE_REGISTER
        elif grant.application and grant.application not in chosen:
            grant.reason = f"所依据的申报已不再是审定的：{grant.application}"
        else:
            continue
        grant.revoked_by, grant.revoked_at = by, now
        revoked.append(grant)
    DataGrant.objects.bulk_update(revoked, ["revoked_by", "revoked_at", "reason"], batch_size=500)
    return len(revoked)


def revoke_granted_data(steps: Sequence[ApplicationStep]) -> None:
    """When a decision falls, what was granted on its strength falls with it."""
    numbers = [step.application.number for step in steps]
    if DataGrant.objects.filter(application__in=numbers, revoked_at=None).exists():
        revoke_groundless_grants(steps[0].at, steps[0].person)


def accredits(policy: str, spec: RegisterSpec) -> bool:
    """Whether the register is one that grants of data stand on."""
    return any((name, key) == (policy, spec.key) for name, key, _ in accrediting_registers())
