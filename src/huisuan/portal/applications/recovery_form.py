"""What a recovery may say beside its reason: facts as they really were, and in which parts the money comes back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import parse_typed_yuan
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Application
from huisuan.programmes.submissions.selection import selection_facts

_FACT = "fact-"
_ROWS = 4  # more parts: by API or command


@dataclass(frozen=True)
class CorrectableFact:
    """A fact of what was handed in: how its field is called, what it said, and what it is to say."""

    key: str
    label: Any
    said: str
    typed: str


@dataclass(frozen=True)
class RecoveryForm:
    """The fields of a recovery; without facts where no rule was asked. Nothing at all for another act."""

    facts: tuple[CorrectableFact, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()  # amount and day, as typed

    @property
    def opened(self) -> bool:
        """Whether something was typed, so that it is shown again."""
        return any(fact.typed for fact in self.facts) or any(any(part) for part in self.parts)


def recovery_form(
    application: Application, action: str, said: Iterable[tuple[str, Any, str]], typed: QueryDict
) -> RecoveryForm:
    """The fields of `recover` and `relent`, with what was typed. `said`: name, label and text of what was handed in."""
    if action not in ("recover", "relent"):
        return RecoveryForm()
    chosen = _chosen(application)
    facts = tuple(
        CorrectableFact(_FACT + name, label, text, typed.get(_FACT + name, ""))
        for name, label, text in said
        if name not in chosen
    )
    rows = list(zip(typed.getlist("repay_amount"), typed.getlist("repay_day"), strict=False))
    parts = tuple(rows + [("", "")] * max(0, _ROWS - len(rows))) if action == "recover" else ()
    return RecoveryForm(facts, parts)


def read_recovery(action: str, typed: QueryDict) -> dict[str, Any]:
    """What was typed, as the step keeps it; empty for another act.

    Raises:
        InvalidRequest: an amount that cannot be read, or a day without one.
    """
    if action not in ("recover", "relent"):
        return {}
    facts = {name.removeprefix(_FACT): typed.get(name, "").strip() for name in typed if name.startswith(_FACT)}
    facts = {name: text for name, text in facts.items() if text}
    rows = zip(typed.getlist("repay_amount"), typed.getlist("repay_day"), strict=False)
    parts = [_part(amount.strip(), day.strip()) for amount, day in rows if amount.strip() or day.strip()]
    return ({"facts": facts} if facts else {}) | ({"repayments": parts} if parts and action == "recover" else {})


def _part(amount: str, day: str) -> list[Any]:
    fen = parse_typed_yuan(amount)
    if not fen or not day:
        raise InvalidRequest(
            f"分期退款“{amount[:30]}”、“{day[:20]}”读不出：金额以元填写，并写明到期日",
            code="application.repayment_malformed",
        )
    return [fen, day]


def _chosen(application: Application) -> set[str]:
    """What a selection decides, and nobody corrects."""
    try:
        rule = load_policy(application.edition.policy).rule(application.edition.rule_key)
    except LawError:
        return set()
    return {spec.name for spec in selection_facts(rule)}
