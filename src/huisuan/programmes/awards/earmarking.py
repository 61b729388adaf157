"""Earmarked money (8.2) on its register: what was paid and has not to come back, entered as often as that changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from huisuan.base.csv_lines import FileReport
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import EarmarkSpec
from huisuan.parties.models import Person
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import Application, ApplicationStep
from huisuan.programmes.registers.entry_line import ThingContent
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import get_register, store_entries


def adjust_earmarks(steps: Sequence[ApplicationStep]) -> None:
    """After a recovery began or was let go: the register has what is kept; where more was used, the city's desk says
    by how much, for the register cannot go below it."""
    for step in steps:
        record_earmarks([step.application], step.person, step.at)


def record_earmarks(applications: Iterable[Application], by: Person, now: datetime) -> dict[str, str]:
    """Enter what was paid so far of earmarked awards; the same again changes nothing.

    Returns, by number of application, why its register stands on another amount still; the payment stands all the same.
    """
    paid = [one for one in applications if _spec(one) is not None]
    committed, refused = commitments_of(paid), dict[str, str]()
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
        if report.faults:
            refused[one.number] = "；".join(f"{fault.rule}；{fault.remedy}" for fault in report.faults)
    return refused


def due_day(policy: Policy, spec: EarmarkSpec, received: date) -> date | None:
    """The last working day on which money received on a day is to be used; None: no days are set."""
    held = policy.adopted(min(received, policy.valid_to), date.max).get(spec.within.name)
    if held is None or not isinstance(held.value, int):
        return None
    counted = count_working_days(received, held.value, load_calendar())
    return counted.counted[-1] if counted.complete else None


def _spec(application: Application) -> EarmarkSpec | None:
    programmes = load_policy(application.edition.policy).programmes
    return next((each.earmarked for each in programmes if each.key == application.edition.key), None)
