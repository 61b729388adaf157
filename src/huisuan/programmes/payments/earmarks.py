"""Earmarked money (8.2): what was paid, by when it must be used, every use with its voucher, and what must come back.

What is paid of an earmarked award is an entry of the register that its programme names; a use draws on it, so that no
more is used than was paid, and the database knows. Nothing here takes money back: it proposes, and who keeps the
award's register begins the recovery.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from huisuan.base.csv_lines import FileReport
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import EarmarkSpec, ProgrammeSpec
from huisuan.parties.affiliation import find_control
from huisuan.parties.models import Party, PartyKind, Person
from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import Application, RegisterVersion
from huisuan.programmes.registers.entry_line import ThingContent
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import get_register, store_entries


@dataclass(frozen=True)
class EarmarkedMoney:
    """What became of the earmarked money of an application, in fen; what of it should come back, and why."""

    number: str
    entry: RegisterVersion
    paid_fen: int
    used_fen: int
    elsewhere_fen: int
    affiliate_fen: int
    due_on: date | None
    overdue: bool

    @property
    def left_fen(self) -> int:
        """What is not used yet."""
        return self.paid_fen - self.used_fen

    @property
    def proposed_fen(self) -> int:
        """What is proposed to be taken back: used elsewhere or at an affiliate, or left when the days are over."""
        return self.elsewhere_fen + self.affiliate_fen + (self.left_fen if self.overdue else 0)


def record_earmarks(applications: Iterable[Application], by: Person, now: datetime) -> list[FileReport]:
    """Enter what was paid so far of earmarked awards; the same again changes nothing."""
    paid = [one for one in applications if _spec(one) is not None]
    committed, reports = commitments_of(paid), []
    for one in paid:
        spec, policy = _spec(one), load_policy(one.edition.policy)
        assert spec is not None
        fen = paid_so_far(committed.get(one.pk, [])).kept_fen
        day = now.astimezone(SHANGHAI).date()
        last = standing_versions(policy.name, spec.register).filter(entry__code=one.number).first()
        received = last.from_day if last is not None else day
        if not fen and last is None:
            continue
        values: dict[str, object] = {"amount": fen, "received_on": received.isoformat()}
        due = due_day(policy, spec, received)
        values |= {"due_on": due.isoformat()} if due else {}
        name = one.edition.content.get("title", one.number)
        content = ThingContent(
            one.number, name, one.party.uscc if one.party else "", one.city_id or "", received, None, values
        )
        report = FileReport()
        stamp = {"source": "支付", "by": by, "at": now}
        register = get_register(policy.name, spec.register)
        store_entries(policy.name, register, {one.number: (1, content)}, "拨付或退回", stamp, report)
        reports.append(report)
    return reports


def due_day(policy: Policy, spec: EarmarkSpec, received: date) -> date | None:
    """The last working day on which money received on a day is to be used; None: no days are set."""
    held = policy.adopted(min(received, policy.valid_to), date.max).get(spec.within.name)
    if held is None or not isinstance(held.value, int):
        return None
    counted = count_working_days(received, held.value, load_calendar())
    return counted.counted[-1] if counted.complete else None


def earmarked_money(policy_name: str, today: date, city: str = "") -> list[EarmarkedMoney]:
    """All of a policy, or of a city, by application."""
    found = []
    for programme in load_policy(policy_name).programmes:
        if programme.earmarked is not None:
            entries = standing_versions(policy_name, programme.earmarked.register).order_by("entry__code")
            for entry in entries.filter(region=city) if city else entries:
                found.append(_became(policy_name, programme, programme.earmarked, entry, today))
    return found


def _became(
    policy: str, programme: ProgrammeSpec, spec: EarmarkSpec, entry: RegisterVersion, today: date
) -> EarmarkedMoney:
    uses = standing_versions(policy, spec.uses).filter(values__award=entry.entry.code, ended=False)
    elsewhere = affiliate = used = 0
    for use in uses.select_related("holder"):
        fen = int(use.values["amount"])
        used += fen
        if use.values["purpose"] == spec.elsewhere:
            elsewhere += fen
        elif use.holder is not None and _is_affiliate(entry, use.holder, use.from_day):
            affiliate += fen
    due = date.fromisoformat(entry.values["due_on"]) if entry.values.get("due_on") else None
    return EarmarkedMoney(
        entry.entry.code, entry, int(entry.values["amount"]), used, elsewhere, affiliate, due,
        due is not None and today > due and int(entry.values["amount"]) > used,
    )  # fmt: skip


def _is_affiliate(entry: RegisterVersion, payee: Party, day: date) -> bool:
    """Whether the payee and who received the money belong together on the day: for a city its government's parties."""
    if entry.holder is not None:
        owners = [entry.holder.uscc]
    else:
        owners = list(
            Party.objects.filter(kind=PartyKind.CITY, region=entry.region_id).values_list("uscc", flat=True)
        )  # fmt: skip
    pairs = [(owner, payee.uscc) for owner in owners if owner != payee.uscc]
    return payee.uscc in owners or bool(pairs and find_control(HoldingsOn(day).relations, pairs))


def _spec(application: Application) -> EarmarkSpec | None:
    programmes = load_policy(application.edition.policy).programmes
    return next((each.earmarked for each in programmes if each.key == application.edition.key), None)
