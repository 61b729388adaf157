"""Settings of a policy: what the working group set within the law's bounds, in both times.

`valid_from` and `valid_to` say when a value holds, `known_from` since when it is known: with both, a past answer can
be computed again as it was known then. The choice among an interpretation's options is a setting too.

A later decision prevails over earlier ones for the days that it names, and for no others: once it ends, what it had
set aside holds again. A decision may also repeal: for its days nothing is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.terms import Terms
from huisuan.law.policy.setting_bounds import REPEAL_KEY, SettingDeclarations, SettingValue
from huisuan.law.policy.sources import list_setting_files
from huisuan.law.policy.toml_documents import SettingsDocument

#: what a settings file says about its values; `known_from` is there once they are adopted
HEADER_KEYS = frozenset({"title", "authority", "document", "valid_from", "valid_to", "note", REPEAL_KEY})

#: in a file of the folder: nobody decided these values, whoever encoded the policy suggests them
SUGGESTED_KEY = "suggested"

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class AdoptedSetting:
    """One value of one setting (or the option chosen for one interpretation), with its authority and dates.

    `valid_to` is the last day on which it holds (None: until something later prevails). Where `repealed`, nothing is
    set on these days, and `value` is "". Where `suggested`, no text and no office says so: who encoded the policy does.
    """

    name: str
    value: SettingValue
    authority: str
    document: str
    valid_from: date
    known_from: date
    file: str
    path: Path
    valid_to: date | None = None
    repealed: bool = False
    suggested: bool = False

    def holds_on(self, day: date) -> bool:
        """Whether it names that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def shares_a_day(self, other: AdoptedSetting) -> bool:
        """Whether both name a day in common."""
        ends = [entry.valid_to or date.max for entry in (self, other)]
        return max(self.valid_from, other.valid_from) <= min(ends)


@dataclass(frozen=True)
class Settings:
    """Everything adopted so far for a policy."""

    adopted: tuple[AdoptedSetting, ...]

    def at(self, on: date, as_known: date) -> dict[str, AdoptedSetting]:
        """What holds on a day, as known on a day: of the decisions that name it, the latest to be known.

        Of those known since the same day, the latest to take force.
        """
        chosen: dict[str, AdoptedSetting] = {}
        for adopted in sorted(self.adopted, key=lambda values: (values.known_from, values.valid_from)):
            if adopted.known_from <= as_known and adopted.holds_on(on):
                chosen[adopted.name] = adopted
        return {name: adopted for name, adopted in chosen.items() if not adopted.repealed}

    def changes(self, names: Iterable[str], first: date, last: date, as_known: date) -> tuple[date, ...]:
        """The days of [first, last] on which one of these has another value than the day before, as known on a day."""
        wanted = frozenset(names)
        known = [entry for entry in self.adopted if entry.name in wanted and entry.known_from <= as_known]
        days = {entry.valid_from for entry in known}
        days |= {entry.valid_to + _DAY for entry in known if entry.valid_to is not None and entry.valid_to < last}
        return tuple(day for day in sorted(days) if first <= day <= last and self._differs(wanted, day, as_known))

    def _differs(self, names: frozenset[str], day: date, as_known: date) -> bool:
        before, after = self.at(day - _DAY, as_known), self.at(day, as_known)
        return any(
            (before[name].value if name in before else None) != (after[name].value if name in after else None)
            for name in names
        )


def suggested_names(adopted: Mapping[str, AdoptedSetting]) -> frozenset[str]:
    """Those of the settings that nobody has decided: whoever encoded the policy suggests their values."""
    return frozenset(name for name, setting in adopted.items() if setting.suggested)


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
    document = SettingsDocument.load(path, HEADER_KEYS | {"known_from", SUGGESTED_KEY}, shown)
    authority = document.string("authority")
    if not authority:
        raise LawError(f"{shown}：缺 authority", code="law.metadata_missing")
    ground = (
        authority,
        document.string("document"),
        document.date_value("valid_from"),
        document.date_value("known_from"),
    )
    until, suggested = parse_last_day(document), _is_suggested(document)
    for name, value in declarations.parse_document(document).items():
        yield AdoptedSetting(name, value, *ground, shown, path, until, suggested=suggested)
    for name in declarations.parse_repeals(document):
        yield AdoptedSetting(name, "", *ground, shown, path, until, repealed=True)


def _is_suggested(document: SettingsDocument) -> bool:
    found = document.data.get(SUGGESTED_KEY, False)
    if not isinstance(found, bool):
        raise LawError(f"{document.place(SUGGESTED_KEY)}：{SUGGESTED_KEY} 应为 true 或 false", code="law.flag_expected")
    return found


def parse_last_day(document: SettingsDocument) -> date | None:
    """The last day on which the values of a settings file hold; None where it names none.

    Raises:
        LawError: no day, or one before the first.
    """
    if "valid_to" not in document.data:
        return None
    first, last = document.date_value("valid_from"), document.date_value("valid_to")
    if last < first:
        raise LawError(
            f"{document.place('valid_to')}：valid_to {last} 早于 valid_from {first}", code="law.setting_ends_before"
        )
    return last
