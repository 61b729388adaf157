"""Settings of a policy: what the working group set within the law's bounds, in both times.

`valid_from` says when a value holds, `known_from` since when it is known: with both, a past answer can be
computed again as it was known then. The choice among an interpretation's options is a setting too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.terms import Terms
from huisuan.law.policy.setting_bounds import SettingDeclarations, SettingValue
from huisuan.law.policy.sources import list_setting_files
from huisuan.law.policy.toml_documents import SettingsDocument

#: what a settings file says about its values; `known_from` is there once they are adopted
HEADER_KEYS = frozenset({"title", "authority", "document", "valid_from", "note"})


@dataclass(frozen=True)
class AdoptedSetting:
    """One value of one setting (or the option chosen for one interpretation), with its authority and dates."""

    name: str
    value: SettingValue
    authority: str
    document: str
    valid_from: date
    known_from: date
    file: str
    path: Path


@dataclass(frozen=True)
class Settings:
    """Everything adopted so far for a policy."""

    adopted: tuple[AdoptedSetting, ...]

    def at(self, on: date, as_known: date) -> dict[str, AdoptedSetting]:
        """What holds on a day, as known on a day: the latest to take force, then the latest to be known."""
        chosen: dict[str, AdoptedSetting] = {}
        for adopted in sorted(self.adopted, key=lambda values: (values.valid_from, values.known_from)):
            if adopted.valid_from <= on and adopted.known_from <= as_known:
                chosen[adopted.name] = adopted
        return chosen


def rule_terms(
    rule: Rule, adopted: Mapping[str, AdoptedSetting]
) -> tuple[Terms, tuple[SettingSpec | InterpretationSpec, ...]]:
    """The settings and options that a rule needs, and which of them are not set."""
    options = {spec.name: str(adopted[spec.name].value) for spec in rule.interpretations() if spec.name in adopted}
    needed = rule.settings(options)
    specs: tuple[SettingSpec | InterpretationSpec, ...] = (*needed, *rule.interpretations(options))
    lacking = tuple(spec for spec in specs if spec.name not in adopted)
    settings = {spec.name: adopted[spec.name].value for spec in needed if spec.name in adopted}
    return Terms(settings, options), lacking


def load_settings(
    folders: Iterable[Path], declared: Iterable[SettingSpec], questions: Iterable[InterpretationSpec]
) -> Settings:
    """Read the settings files of the policy's own folder, which is the first, then those of the others.

    Raises:
        LawError: naming file and line: unknown, of another kind, above the legal bound, adopted twice on a day.
    """
    declarations = SettingDeclarations.from_specs(declared, questions)
    own, *others = folders
    files = [(path, path.name) for path in list_setting_files(own)]
    files += [(path, str(path)) for folder in others for path in list_setting_files(folder)]
    return merge_adopted(adopted for path, shown in files for adopted in _load_file(path, shown, declarations))


def merge_adopted(adopted: Iterable[AdoptedSetting]) -> Settings:
    """Everything adopted, where no two take force and become known on the same days.

    Raises:
        LawError: two do; it names the files.
    """
    seen: dict[tuple[str, date, date], AdoptedSetting] = {}
    for entry in adopted:
        key = (entry.name, entry.valid_from, entry.known_from)
        if key in seen:
            raise LawError(
                f"参数 {entry.name} 在 {seen[key].file} 与 {entry.file} 中同日重复",
                code="law.setting_adopted_twice",
            )
        seen[key] = entry
    return Settings(tuple(seen.values()))


def _load_file(path: Path, shown: str, declarations: SettingDeclarations) -> Iterator[AdoptedSetting]:
    document = SettingsDocument.load(path, HEADER_KEYS | {"known_from"}, shown)
    authority = document.string("authority")
    if not authority:
        raise LawError(f"{shown}：缺 authority", code="law.metadata_missing")
    ground = (
        authority,
        document.string("document"),
        document.date_value("valid_from"),
        document.date_value("known_from"),
    )
    for name, value in declarations.parse_document(document).items():
        yield AdoptedSetting(name, value, *ground, shown, path)
