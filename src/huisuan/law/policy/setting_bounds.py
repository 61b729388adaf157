"""What may be set, and within which bounds: one check for settings files, scenarios, forms and proposals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, TypeVar

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec, SettingSpec
from huisuan.law.model.values import InvalidValue, ValueKind, format_fen, format_share, parse_share
from huisuan.law.policy.toml_documents import SettingsDocument, toml_string

#: in a settings file: the names of what is no longer set, from the file's first day to its last
REPEAL_KEY = "repeal"
_MOST_DIGITS = 9  # of a count that a form hands over as text
SettingValue: TypeAlias = int | Fraction | tuple[str, ...] | Mapping[str, Fraction] | str


@dataclass(frozen=True)
class SettingDeclarations:
    """What may be set: the settings and the open questions that the rules of a policy declare."""

    settings: Mapping[str, SettingSpec]
    questions: Mapping[str, InterpretationSpec]

    @classmethod
    def from_specs(
        cls, settings: Iterable[SettingSpec], questions: Iterable[InterpretationSpec]
    ) -> SettingDeclarations:
        """The declarations by name."""
        return cls({spec.name: spec for spec in settings}, {spec.name: spec for spec in questions})

    def parse_document(self, document: SettingsDocument) -> dict[str, SettingValue]:
        """The values of `[settings]` and the options of `[interpretations]`, by name, each within its bound.

        Raises:
            LawError: naming file and line.
        """
        found: dict[str, SettingValue] = {}
        for name, raw in document.table("settings").items():
            found[name] = self.parse_setting(name, raw, document.place(name))
        for name, raw in document.table("interpretations").items():
            found[name] = self.parse_option(name, raw, document.place(name))
        return found

    def parse_repeals(self, document: SettingsDocument) -> tuple[str, ...]:
        """The names that a document repeals.

        Raises:
            LawError: no list of names, an unknown one, one named twice or also given a value.
        """
        raw = document.data.get(REPEAL_KEY, [])
        place = document.place(REPEAL_KEY)
        if not isinstance(raw, list) or not all(isinstance(name, str) for name in raw):
            raise LawError(f'{place}：repeal 应为名称的列表，如 ["2.2.rate"]', code="law.repeal_malformed")
        valued = {*document.table("settings"), *document.table("interpretations")}
        for name in raw:
            if name not in self.settings and name not in self.questions:
                known = "、".join(sorted({*self.settings, *self.questions}))
                raise LawError(f"{place}：没有参数或解释口径 {name}；有的是 {known}", code="law.setting_unknown")
            if name in valued or raw.count(name) > 1:
                raise LawError(f"{place}：{name} 写了两次（既废止又赋值，或列了两遍）", code="law.repeal_twice")
        return tuple(raw)

    def parse_setting(self, name: str, raw: object, place: str) -> SettingValue:
        """The value of a setting as TOML or JSON carries it.

        Raises:
            LawError: unknown, of another kind, or above the legal bound.
        """
        if name not in self.settings:
            raise LawError(
                f"{place}：未知参数 {name}；已声明的有 {'、'.join(sorted(self.settings))}", code="law.setting_unknown"
            )
        return _parse_value(place, self.settings[name], raw)

    def parse_option(self, name: str, raw: object, place: str) -> str:
        """The option of an open question.

        Raises:
            LawError: no such question, or no such option.
        """
        if name not in self.questions:
            raise LawError(
                f"{place}：未知解释口径 {name}；已声明的有 {'、'.join(sorted(self.questions))}",
                code="law.interpretation_unknown",
            )
        if raw not in self.questions[name].options:
            raise LawError(
                f"{place}：解释口径 {name} 没有选项 {raw}：{'、'.join(self.questions[name].options)}",
                code="law.option_unknown",
            )
        return str(raw)

    def to_toml(self, values: Mapping[str, SettingValue]) -> str:
        """The values as the two tables of a settings file, which read back the same."""
        tables = {"settings": self.settings, "interpretations": self.questions}
        parts = {
            table: [f"{toml_string(name)} = {_toml_value(values[name])}" for name in declared if name in values]
            for table, declared in tables.items()
        }
        return "\n".join("\n".join([f"[{table}]", *lines, ""]) for table, lines in parts.items() if lines)


def _toml_value(value: SettingValue) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_string, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{toml_string(code)} = {_toml_value(share)}' for code, share in value.items())} }}"
    if isinstance(value, Fraction):
        hundredths = value * 10_000  # per cent with two places read back; anything finer is written as it was meant
        return toml_string(format_share(value) if hundredths.denominator == 1 else str(value))
    return str(value) if isinstance(value, int) else toml_string(value)


def _parse_value(place: str, spec: SettingSpec, raw: object) -> SettingValue:
    place = f"{place}：参数 {spec.name}（{spec.zh}）"
    if spec.kind == ValueKind.REGIONS:
        return _parse_regions(place, spec, raw)
    if spec.kind == ValueKind.RATES:
        if not isinstance(raw, dict):
            raise LawError(f'{place} 应为区划代码与比例的表，如 {{ "340100" = "10%" }}', code="law.setting_rates")
        codes = _parse_regions(place, spec, list(raw))
        return {code: _check_bound(place, spec, _parse_setting_share(place, raw[code])) for code in codes}
    if spec.kind == ValueKind.SHARE:
        return _check_bound(place, spec, _parse_setting_share(place, raw))
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return _check_bound(place, spec, raw)
    if spec.kind == ValueKind.INT:
        if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= _MOST_DIGITS:
            return _check_bound(place, spec, int(raw))
        raise LawError(f"{place} 应为不小于 0 的整数", code="law.setting_count")
    raise LawError(f"{place} 应为不小于 0 的整数分", code="law.setting_amount")


def _parse_regions(place: str, spec: SettingSpec, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(code, str) and code.isdigit() for code in raw):
        raise LawError(f"{place} 应为区划代码列表", code="law.setting_regions")
    for code in raw:
        if spec.regions is not None and code not in spec.regions:
            raise LawError(f"{place}：没有区划 {code}；可写的有 {'、'.join(spec.regions)}", code="law.region_unknown")
        if raw.count(code) > 1:
            raise LawError(f"{place}：区划 {code} 写了两次", code="law.region_twice")
    return tuple(raw)


def _parse_setting_share(place: str, raw: object) -> Fraction:
    try:
        return parse_share(str(raw))
    except InvalidValue as wrong:
        raise LawError(f"{place}：{wrong}", code="law.share_malformed") from None


_N = TypeVar("_N", int, Fraction)


def _check_bound(place: str, spec: SettingSpec, value: _N) -> _N:
    most = spec.at_most
    if most is not None and value > most:
        ground = f"（第 {spec.sentence} 句“{spec.phrase}”）" if has_legal_bound(spec) else ""
        raise LawError(
            f"{place}：{_format_bound(spec, value)} 超过{'法定' if ground else ''}上限 "
            f"{_format_bound(spec, most)}{ground}",
            code="law.setting_above_bound",
        )
    if spec.odd_from and (value < spec.odd_from or value % 2 == 0):
        raise LawError(
            f"{place}：{_format_bound(spec, value)} 不可；须是不少于 {spec.odd_from} 的单数", code="law.setting_not_odd"
        )
    return value


def has_legal_bound(spec: SettingSpec) -> bool:
    """Whether the bound is the law's own: a share that the law leaves open is bounded by the whole alone."""
    return spec.kind != ValueKind.INT and spec.at_most is not None and (spec.at_most != 1 or "100%" in spec.phrase)


def _format_bound(spec: SettingSpec, value: int | Fraction) -> str:
    if spec.kind == ValueKind.INT:
        return str(value)
    return format_share(value) if isinstance(value, Fraction) else f"{format_fen(value)} 元"
