"""What if: other settings and other options than those adopted, within the same bounds of the law."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.model.values import to_json
from huisuan.law.policy.amended_figures import (
    AmendedFigure,
    FigureKind,
    amend_figures,
    parse_amendment,
    parse_amendments,
)
from huisuan.law.policy.load import prove_bounds
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.setting_bounds import SettingDeclarations, SettingValue
from huisuan.law.policy.settings import AdoptedSetting, Settings, merge_adopted
from huisuan.law.policy.sources import Source, sources_digest
from huisuan.law.policy.toml_documents import SettingsDocument

WHAT_IF = "情景（未采用）"
_KEYS = frozenset({"title", "note", *FigureKind})
_NO_FILE = Path(os.devnull)  # a scenario's setting stands in no file


@dataclass(frozen=True)
class Scenario:
    """Settings and options by name, each within its bound. What is not named stays as it was adopted.

    `figures` goes further than any setting may: it supposes that the law itself named another cap or share.
    """

    title: str
    values: Mapping[str, SettingValue]
    figures: tuple[AmendedFigure, ...] = ()


def load_scenario(path: Path, policy: Policy) -> Scenario:
    """A scenario from a TOML file: an optional `title`, `[settings]` and `[interpretations]` as in settings files.

    `[caps]` and `[rates]` name sentences: `"8.2" = "500万元"` (or "50%" of the cap, or "无"), `"8.2" = "25%"`.

    Raises:
        LawError: naming file and line: no TOML, unknown, of another kind, above the legal bound, or nothing in it.
    """
    document = SettingsDocument.load(path, _KEYS)
    values = setting_declarations(policy).parse_document(document)
    figures = parse_amendments(document, policy)
    if not values and not figures:
        raise LawError(
            f"{path.name}：[settings]、[interpretations]、[caps]、[rates] 都没有，情景里什么都没有改；请至少写一项",
            code="law.scenario_empty",
        )
    return Scenario(document.string("title") or path.stem, values, figures)


def scenario_from_options(policy: Policy, pairs: Iterable[str]) -> Scenario:
    """A scenario of options written as `0.2.cap=beyond`, one for each open question.

    Raises:
        LawError: not so written, no such question, or no such option.
    """
    values: dict[str, SettingValue] = {}
    for pair in pairs:
        name, sign, option = pair.partition("=")
        if not sign:
            raise LawError(f"{pair}：应写作 解释口径=选项，如 0.2.cap=beyond", code="law.choice_malformed")
        values[name.strip()] = setting_declarations(policy).parse_option(name.strip(), option.strip(), pair)
    return Scenario("、".join(pairs), values)


def scenario_from_tables(policy: Policy, title: str, tables: Mapping[str, Mapping[str, object]]) -> Scenario:
    """A scenario of what its form or file said, table by table: `settings`, `interpretations`, `caps`, `rates`.

    Raises:
        LawError: unknown, of another kind, above the legal bound.
        InvalidValue: no such value.
    """
    declared = setting_declarations(policy)
    values = {name: declared.parse_setting(name, raw, "") for name, raw in tables.get("settings", {}).items()}
    for name, option in tables.get("interpretations", {}).items():
        values[name] = declared.parse_option(name, str(option), "")
    figures = [
        amended
        for kind in FigureKind
        for sentence, raw in tables.get(kind.value, {}).items()
        for amended in parse_amendment(policy, kind, sentence, raw)
    ]
    return Scenario(title, values, tuple(figures))


def setting_declarations(policy: Policy) -> SettingDeclarations:
    """What may be set under a policy."""
    return SettingDeclarations.from_specs(policy.setting_specs().values(), policy.interpretation_specs().values())


def apply_scenario(policy: Policy, scenario: Scenario) -> Policy:
    """The policy as if the scenario's values had held from the first day, known all along, and its figures been law.

    Its digest is another one, so that no answer under it can pass for one under the law.

    Raises:
        LawError: with these values a rule could overflow 64 bits.
    """
    kept = (adopted for adopted in policy.settings.adopted if adopted.name not in scenario.values)
    supposed = (
        AdoptedSetting(name, value, WHAT_IF, scenario.title, policy.valid_from, date.min, scenario.title, _NO_FILE)
        for name, value in scenario.values.items()
    )
    return _with_settings(amend_figures(policy, scenario.figures), Settings((*kept, *supposed)))


def with_adopted(policy: Policy, further: Iterable[AdoptedSetting]) -> Policy:
    """The policy as if more had been adopted, each from its own day and known since its own day.

    Raises:
        LawError: two known from the same day set the same for a day in common, or a rule could overflow 64 bits.
    """
    further = list(further)
    for entry in further:
        for other in policy.settings.adopted:
            if (other.name, other.known_from) == (entry.name, entry.known_from) and other.shares_a_day(entry):
                raise LawError(
                    f"参数 {entry.name} 在 {other.file} 与 {entry.file} 中同日重复：两者都自 {entry.known_from} 公布，"
                    f"都说到 {max(other.valid_from, entry.valid_from)}；请改日采用，或以 valid_from、valid_to 分开",
                    code="law.setting_adopted_twice",
                )
    return _with_settings(policy, merge_adopted((*policy.settings.adopted, *further)))


def _with_settings(policy: Policy, settings: Settings) -> Policy:
    listed = json.dumps(
        [[adopted.name, to_json(adopted.value), str(adopted.valid_from)] for adopted in settings.adopted]
    )
    source = Source("scenario", _NO_FILE, hashlib.sha256(listed.encode()).hexdigest())
    sources = (*policy.sources, source)
    changed = replace(policy, settings=settings, sources=sources, digest=sources_digest(sources))
    prove_bounds(changed)
    return changed
