"""Where the amount of an application comes from that nobody types: what notices show and decisions grant.

An offer carries what a settlement computed, a city's share what its vouchers give, its part of a shared budget what
the frozen figures give, a frozen decision sheet what it funds, and any other claim under a call what is payable for
what was handed in: what the law owes, less what other rules pay for the same spend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from huisuan.law.model import LawError, RuleKind
from huisuan.law.policy import load_policy
from huisuan.programmes.awards.allotted import allotted_amounts
from huisuan.programmes.awards.offered import offered_amounts
from huisuan.programmes.awards.shares import shared_amounts
from huisuan.programmes.checks.payable import payable_answers
from huisuan.programmes.decision_sheets.steps import sheet_grants
from huisuan.programmes.models import Application, ProcedureEdition


def sheet_amounts(applications: Sequence[Application]) -> Mapping[int, int]:
    """What frozen sheets fund; nothing for who waits or is not recommended, whatever the law owes."""
    return sheet_grants(applications)


def law_amounts(applications: Sequence[Application]) -> Mapping[int, int]:
    """What is payable for what was handed in under a call, beside other claims for the same spend."""
    kinds = kinds_of(applications)
    paid = [one for one in applications if kinds[one.edition_id] is RuleKind.PAYS]
    return {pk: found.fen for pk, found in payable_answers(paid).items() if found.fen}


#: each answers in fen by application, for those that it computes; the first that does counts
AMOUNT_SOURCES: tuple[Callable[[Sequence[Application]], Mapping[int, int]], ...] = (
    offered_amounts, shared_amounts, allotted_amounts, sheet_amounts, law_amounts,
)  # fmt: skip


def computed_amounts(applications: Sequence[Application]) -> dict[int, int]:
    """What is computed for some applications, in fen; none where nothing is."""
    found: dict[int, int] = {}
    left = list(applications)
    for source in AMOUNT_SOURCES:
        found |= source(left) if left else {}
        left = [one for one in left if one.pk not in found]
    return {pk: fen for pk, fen in found.items() if fen}


def kind_of(application: Application) -> RuleKind:
    """What its rule decides; a sum that is shared out among many pays."""
    return kind_of_edition(application.edition)


def kinds_of(applications: Sequence[Application]) -> dict[int, RuleKind]:
    """By edition what the rules of some applications decide."""
    return {
        pk: kind_of_edition(edition) for pk, edition in {one.edition_id: one.edition for one in applications}.items()
    }


def kind_of_edition(edition: ProcedureEdition) -> RuleKind:
    """What the rule of an edition decides."""
    try:
        return load_policy(edition.policy).rule(edition.rule_key).kind
    except LawError:
        return RuleKind.PAYS
