"""What an application says, version by version: facts with their sources, files, and what the law answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from huisuan.base.months import SHANGHAI
from huisuan.law.explain import explain
from huisuan.law.forms import format_cell, option_labels
from huisuan.law.model import FactSpec, LawError, Rule, ValueKind
from huisuan.law.policy import load_policy
from huisuan.portal.applications.form import KNOWN_BY, label_of
from huisuan.portal.law.reasoning import Reasoning, describe_answer, reads_english, reasoning
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.awards.offered import standing_offers
from huisuan.programmes.models import Application, ApplicationSubmission, Offer
from huisuan.programmes.submissions.content import BESIDE_FACTS, submitted_values
from huisuan.programmes.submissions.known_facts import read_known


@dataclass(frozen=True)
class SaidFact:
    """A fact as it was handed in: its text, who says so, and the files that prove it."""

    name: str
    label: str
    text: str
    source: str
    files: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class SaidVersion:
    """A submission, and in which facts it differs from the one before: label, before, after."""

    made: ApplicationSubmission
    changed: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Said:
    """All of it. Of an offer there are no submissions: the facts are those of its entitlement."""

    offer: Offer | None = None
    facts: tuple[SaidFact, ...] = ()
    versions: tuple[SaidVersion, ...] = ()
    why: Reasoning | None = None

    @property
    def newest(self) -> ApplicationSubmission | None:
        """The submission that counts."""
        return self.versions[-1].made if self.versions else None


def correctable_fields(application: Application) -> list[tuple[str, str]]:
    """What can be returned for correction: name and label."""
    try:
        rule = load_policy(application.edition.policy).claim_rule(application.edition.rule_key)
    except LawError:
        return []
    beside = {"task": _("榜单"), "objects": _("申报对象")}
    return [*((spec.name, label_of(spec)) for spec in rule.facts), *((name, beside[name]) for name in BESIDE_FACTS)]


def read_said(application: Application) -> Said:
    """What an application rests on, as of now."""
    offer = standing_offers([application]).get(application.pk)
    if offer is not None:
        return Said(offer=offer, why=reasoning(offer.entitlement))
    made = list(application.submissions.select_related("by"))
    if not made:
        return Said()
    try:
        policy = load_policy(application.edition.policy)
        rule = policy.claim_rule(application.edition.rule_key)
    except LawError as wrong:
        return Said(versions=_versions(made, None), why=Reasoning(wrong=refusal_html(wrong)))
    newest = made[-1]
    values = submitted_values(newest)[2]
    known = newest.at.astimezone(SHANGHAI).date()
    why = describe_answer(policy, explain(policy, rule, values, on=newest.read_on, as_known=known))
    return Said(facts=_facts(rule, newest), versions=_versions(made, rule), why=why)


def _facts(rule: Rule, made: ApplicationSubmission) -> tuple[SaidFact, ...]:
    return tuple(
        SaidFact(
            spec.name, label_of(spec), _told(rule, spec, made), _source(made, spec.name),
            tuple(file for file in made.evidence if file["fact"] == spec.name),
        )
        for spec in rule.facts
    )  # fmt: skip


def _told(rule: Rule, spec: FactSpec, made: ApplicationSubmission) -> str:
    if spec.name in made.known:
        return _read(spec, format_cell(spec, read_known(rule, made.known).get(spec.name)))
    return _read(spec, _text(made, spec.name))


def _read(spec: FactSpec, text: str) -> str:
    """What was typed; a yes, a no and one of several in the reader's language."""
    if not reads_english():
        return text
    if spec.kind == ValueKind.BOOL:
        return {"是": "yes", "否": "no"}.get(text, text)
    names = {label: name for name, label in option_labels(spec).items()}
    return (spec.options_en or {}).get(names.get(text, text), text)


def _text(made: ApplicationSubmission, name: str) -> str:
    known = made.known.get(name)
    return str(known.get("value", "")) if isinstance(known, dict) else str(made.facts.get(name, ""))


def _source(made: ApplicationSubmission, name: str) -> str:
    known = made.known.get(name)
    if isinstance(known, dict):
        source = str(KNOWN_BY.get(known["source"], known["source"]))
        return f"{source} · {known['day']}"
    return _("申报单位填写") if made.facts.get(name) else ""


def _versions(made: list[ApplicationSubmission], rule: Rule | None) -> tuple[SaidVersion, ...]:
    specs = {spec.name: spec for spec in rule.facts} if rule else {}
    found, before = [], None
    for one in made:
        changed = _changes(before, one, specs) if before else ()
        found.append(SaidVersion(one, changed))
        before = one
    return tuple(found)


def _changes(
    before: ApplicationSubmission, after: ApplicationSubmission, specs: Mapping[str, FactSpec]
) -> tuple[tuple[str, str, str], ...]:
    names = list(dict.fromkeys([*before.facts, *after.facts]))
    changed = []
    for name in names:
        first, second, spec = _text(before, name), _text(after, name), specs.get(name)
        if first == second:
            continue
        changed.append((label_of(spec), _read(spec, first), _read(spec, second)) if spec else (name, first, second))
    files = [{file["sha256"] for file in one.evidence} for one in (before, after)]
    if files[0] != files[1]:
        changed.append((_("佐证材料"), str(len(files[0])), str(len(files[1]))))
    return tuple(changed)
