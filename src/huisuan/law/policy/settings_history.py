"""Every setting and every open question of a policy on a day, as known on a day: set or not, and how it came to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import format_value, to_json
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.setting_bounds import has_legal_bound
from huisuan.law.policy.settings import AdoptedSetting


@dataclass(frozen=True)
class SettingHistory:
    """One setting or open question: what holds, and everything known about it by then, the newest first.

    `current` is None where nobody has set it. `rules` are the keys of the rules that rest on it.
    """

    spec: SettingSpec | InterpretationSpec
    current: AdoptedSetting | None
    history: tuple[AdoptedSetting, ...]
    rules: tuple[str, ...]

    @property
    def bound(self) -> str:
        """The law's bound as people read it; empty where the law names none."""
        return self.format_bound()

    def format_bound(self, *, english: bool = False) -> str:
        """The same in a language."""
        if isinstance(self.spec, InterpretationSpec) or not has_legal_bound(self.spec):
            return ""
        return format_value(self.spec.kind, self.spec.at_most, english=english)

    def format_adopted(self, adopted: AdoptedSetting, *, english: bool = False) -> str:
        """A value of it as people read it."""
        if adopted.repealed:
            return "repealed" if english else "废止"
        if isinstance(self.spec, InterpretationSpec):
            options = self.spec.options_en if english else self.spec.options
            return options[str(adopted.value)]
        return format_value(self.spec.kind, adopted.value, self.spec.region_names(english=english), english=english)

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it (money in fen, shares as text)."""
        spec = self.spec
        options = dict(spec.options) if isinstance(spec, InterpretationSpec) else {}
        at_most = None if isinstance(spec, InterpretationSpec) else to_json(spec.at_most)
        return {
            "name": spec.name, "type": "interpretation" if options else str(getattr(spec, "kind", "")),
            "label": spec.zh, "label_en": spec.en, "sentence": spec.sentence, "phrase": spec.phrase,
            "at_most": at_most, "options": options, "rules": list(self.rules), "set": self.current is not None,
            "holds": self._entry(self.current) if self.current else None,
            "history": [self._entry(entry) for entry in self.history],
        }  # fmt: skip

    def _entry(self, adopted: AdoptedSetting) -> dict[str, Any]:
        return {
            "value": None if adopted.repealed else to_json(adopted.value), "shown": self.format_adopted(adopted),
            "authority": adopted.authority,
            "document": adopted.document, "valid_from": adopted.valid_from, "valid_to": adopted.valid_to,
            "known_from": adopted.known_from, "repealed": adopted.repealed, "file": adopted.file,
        }  # fmt: skip


def setting_names(rule: Rule) -> set[str]:
    """The names of the settings and open questions that a rule rests on."""
    return {spec.name for spec in rule.settings()} | {spec.name for spec in rule.interpretations()}


def names_deciding(policy: Policy, rule: Rule) -> set[str]:
    """The names of everything set that can change a rule's answers: its own, its versions', the policy's validity."""
    versions = [rule, *(version for version in policy.versions if version.key == rule.key)]
    asked = {spec.name for spec in (policy.validity.questions if policy.validity else ())}
    return asked.union(*(setting_names(version) for version in versions))


def list_settings(policy: Policy, on: date, as_known: date) -> list[SettingHistory]:
    """Every setting, then every open question, in the order in which the rules rest on them."""
    holding = policy.adopted(on, as_known)
    known = sorted(
        (adopted for adopted in policy.settings.adopted if adopted.known_from <= as_known),
        key=lambda values: (values.known_from, values.valid_from),
        reverse=True,
    )
    resting = _rules_by_setting(policy)
    specs: list[SettingSpec | InterpretationSpec] = [
        *policy.setting_specs().values(),
        *policy.interpretation_specs().values(),
    ]
    return [
        SettingHistory(
            spec,
            holding.get(spec.name),
            tuple(adopted for adopted in known if adopted.name == spec.name),
            tuple(resting.get(spec.name, ())),
        )
        for spec in specs
    ]


def _rules_by_setting(policy: Policy) -> dict[str, list[str]]:
    """Per setting and open question, the keys of the rules and allotments that rest on it."""
    found: dict[str, list[str]] = {}
    rules = [(rule.key, setting_names(rule)) for rule in policy.rules]
    rules += [(allotment.key, {spec.name for spec in allotment.settings()}) for allotment in policy.allotments]
    asked = {spec.name for spec in (policy.validity.questions if policy.validity else ())}
    rules += [(rule.key, asked) for rule in policy.rules]
    rules += [(key, {stacking.by.name}) for stacking in policy.stackings for key in stacking.order]
    for key, names in rules:
        for name in names:
            if key not in found.setdefault(name, []):
                found[name].append(key)
    return found
