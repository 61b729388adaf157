"""Telling applicants what became of their applications: came back, granted, refused, paid in full."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.base.money import yuan
from huisuan.base.text_length import shortened
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import Recipients, people_of_city, people_of_firm
from huisuan.programmes.models import Application, ApplicationStep, EditionMove

_CODES = {
    "return": "application_returned", "refuse": "application_refused", "decide": "application_decided",
    "complete": "application_paid", "eliminate": "application_eliminated",
}  # fmt: skip
_WITH_A_REASON = frozenset({"return", "refuse", "eliminate"})
_LONGEST = 200  # characters of a reason


def tell_applicants(steps: Sequence[ApplicationStep]) -> None:
    """Tell each applicant of a step, in the transaction of the steps; who took it knows already."""
    notices = [_notice(step) for step in steps]
    if notices:
        notify_all(notices, max(step.at for step in steps))


def tell_of_move(move: EditionMove) -> None:
    """Tell the applicant that its application goes on under a newer procedure, and why; in the same transaction."""
    application = move.application
    values: dict[str, str | int] = {"number": application.number, "reason": shortened(move.reason, _LONGEST)}
    key, link = f"application-move:{move.pk}", f"/applications/{application.number}"
    notice = Notice("application_moved", values, _applicants(application), key, link, move.person.username)
    notify_all([notice], move.at)


def _notice(step: ApplicationStep) -> Notice:
    application, code = step.application, _CODES[step.action]
    values: dict[str, str | int] = {"number": application.number}
    if step.action in _WITH_A_REASON:
        values["reason"] = shortened(step.reason, _LONGEST)
    elif step.action == "decide" and step.amount_fen is None:
        code = "application_decided_without_amount"
    elif step.action == "decide" and step.amount_fen is not None:
        values["amount"] = yuan(step.amount_fen)
    key, link = f"application:{application.pk}:{step.number}", f"/applications/{application.number}"
    return Notice(code, values, _applicants(application), key, link, step.person.username)


def _applicants(application: Application) -> tuple[Recipients, ...]:
    """Everybody of the organisation that applies, or of the city."""
    if application.party_id is not None:
        return (people_of_firm(application.party_id),)
    return (people_of_city(str(application.city_id)),)
