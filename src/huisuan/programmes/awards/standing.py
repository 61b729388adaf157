"""The award that stands of an application, its commitments in the treasury, and the account that it is paid to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Award, PayeeAccount
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import Commitment


def standing_awards(applications: Iterable[Application]) -> dict[int, Award]:
    """By application the award that no other supersedes; none where nothing was granted."""
    found = Award.objects.filter(application__in=list(applications), superseded_by__isnull=True)
    return {award.application_id: award for award in found.select_related("application__party")}


def commitments_of(applications: Iterable[Application]) -> dict[int, list[Commitment]]:
    """By application the commitments of all its awards, the oldest first, with their instalments, orders and debts."""
    keys = dict(Award.objects.filter(application__in=list(applications)).values_list("key", "application_id"))
    found: dict[int, list[Commitment]] = defaultdict(list)
    rows = Commitment.objects.filter(award__in=keys).order_by("pk")
    rows = rows.prefetch_related("instalments__orders", "debts__account__postings__entry")
    for commitment in rows:
        found[keys[commitment.award]].append(commitment)
    return dict(found)


def payees_in_force(applications: Iterable[Application]) -> dict[int, PayeeAccount]:
    """By application the newest account that counts: the first of a firm, else one that a second person accepted."""
    rows = PayeeAccount.objects.filter(application__in=list(applications)).order_by("application_id", "number")
    return {row.application_id: row for row in rows if row.counts}


def treasury_act(person: Person, now: datetime) -> Act:
    """A person's act in the books of the treasury, on the day of `now` at Asia/Shanghai."""
    return Act(person.username, now, now.astimezone(SHANGHAI).date())
