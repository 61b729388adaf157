"""What the platform's own selections say of a claim: facts that nobody states, for they are decided by ranking.

Before a decision sheet stands, a claim in the running programme is read as if it were chosen: so the sheet knows what
each would get. Once it stands, who waits or is not recommended is not chosen. What the audit finds left of a budget is
known the same way: nothing before the project was evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.law.model import FactSpec, Rule, Value
from huisuan.law.policy import Policy
from huisuan.law.procedure import CONCLUSION, SELECTION, ProgrammeSpec
from huisuan.parties.models import Party
from huisuan.programmes.models import CHOSEN_STATES, Application, FinalEvaluation, FrozenLine

_NOT_CHOSEN = ("waiting", "not_recommended")


def selection_facts(rule: Rule) -> tuple[FactSpec, ...]:
    """The facts of a rule that a selection of its policy decides, or the audit of a project at its end."""
    return tuple(spec for spec in rule.facts if spec.known_by in (SELECTION, CONCLUSION))


def selected_values(
    policy: Policy, rule: Rule, party: Party | None, application: Application | None
) -> dict[str, Value | None]:
    """By name what is known of those facts for a claim; `application` None: it is not handed in yet."""
    facts = selection_facts(rule)
    if not facts:
        return {}
    own = own_selection(policy, rule)
    found: dict[str, Value | None] = {}
    for spec in facts:
        if spec.known_by == CONCLUSION:
            found[spec.name] = _unspent(application)
        elif spec.name in own:
            found[spec.name] = application is None or not _fell_behind(application)
        else:
            found[spec.name] = party is not None and _was_chosen(policy, spec.name, party)
    return found


def _unspent(application: Application | None) -> int:
    audit = FinalEvaluation.objects.filter(application=application).first() if application is not None else None
    return audit.unspent_fen if audit is not None else 0


def own_selection(policy: Policy, rule: Rule) -> tuple[str, ...]:
    """The facts that the programme of this very rule decides."""
    spec = _programmes(policy).get(rule.key)
    return spec.selection.facts if spec is not None and spec.selection is not None else ()


def awaits_selection(policy: Policy, rule: Rule, application: Application) -> bool:
    """Whether a claim is read as chosen while nothing is decided yet."""
    lines = FrozenLine.objects.filter(application=application)
    return bool(own_selection(policy, rule)) and application.state not in CHOSEN_STATES and not lines.exists()


def _fell_behind(application: Application) -> bool:
    line = FrozenLine.objects.filter(application=application).order_by("-sheet__number").first()
    return line is not None and line.status in _NOT_CHOSEN


def _was_chosen(policy: Policy, fact: str, party: Party) -> bool:
    keys = [key for key, spec in _programmes(policy).items() if spec.selection and fact in spec.selection.facts]
    decided = Application.objects.filter(party=party, state__in=CHOSEN_STATES, edition__policy=policy.name)
    return decided.filter(edition__key__in=keys).exclude(amount_fen=0).exists()  # nothing is left of a revoked one


def _programmes(policy: Policy) -> Mapping[str, ProgrammeSpec]:
    return {spec.key: spec for spec in policy.programmes}
