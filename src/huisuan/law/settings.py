"""Settings of a policy: what the working group set within the law's bounds, in both times.

`valid_from` says when a value holds, `known_from` since when it is known: with both, a past answer can be
computed again as it was known then. The choice among an interpretation's options is a setting too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from huisuan.law.evaluate import Terms
from huisuan.law.nodes import InterpretationSpec, SettingSpec
from huisuan.law.rules import Rule
from huisuan.law.text import LawError
from huisuan.law.values import Kind, Wrong, share_from_text, share_text, yuan

SettingValue: TypeAlias = int | Fraction | tuple[str, ...] | str


@dataclass(frozen=True)
class Adopted:
    """One value of one setting (or the option chosen for one interpretation), with its authority and dates."""

    name: str
    value: SettingValue
    authority: str
    document: str
    valid_from: date
    known_from: date
    file: str


@dataclass(frozen=True)
class Settings:
    """Everything adopted so far for a policy."""

    adopted: tuple[Adopted, ...]

    def at(self, on: date, as_known: date) -> dict[str, Adopted]:
        """What holds on a day, as known on a day: the latest to take force, then the latest to be known."""
        chosen: dict[str, Adopted] = {}
        for each in sorted(self.adopted, key=lambda each: (each.valid_from, each.known_from)):
            if each.valid_from <= on and each.known_from <= as_known:
                chosen[each.name] = each
        return chosen


def terms_of(rule: Rule, adopted: Mapping[str, Adopted]) -> tuple[Terms, tuple[SettingSpec | InterpretationSpec, ...]]:
    """What the rule reads beside its facts, and what of it nobody has set."""
    specs: tuple[SettingSpec | InterpretationSpec, ...] = (*rule.settings(), *rule.interpretations())
    lacking = tuple(spec for spec in specs if spec.name not in adopted)
    settings = {spec.name: adopted[spec.name].value for spec in rule.settings() if spec.name in adopted}
    options = {spec.name: str(adopted[spec.name].value) for spec in rule.interpretations() if spec.name in adopted}
    return Terms(settings, options), lacking


def read_settings(folder: Path, declared: Iterable[SettingSpec], questions: Iterable[InterpretationSpec]) -> Settings:
    """Read `settings/*.toml`.

    Raises:
        LawError: naming file and setting: unknown, of another kind, above the legal bound, adopted twice.
    """
    specs = {spec.name: spec for spec in declared}
    open_questions = {spec.name: spec for spec in questions}
    adopted: list[Adopted] = []
    for path in sorted(folder.glob("*.toml")):
        adopted.extend(_read_file(path, specs, open_questions))
    seen: dict[tuple[str, date, date], str] = {}
    for each in adopted:
        key = (each.name, each.valid_from, each.known_from)
        if key in seen:
            raise LawError(f"参数 {each.name} 在 {seen[key]} 与 {each.file} 中同日重复")
        seen[key] = each.file
    return Settings(tuple(adopted))


def _read_file(
    path: Path, specs: Mapping[str, SettingSpec], questions: Mapping[str, InterpretationSpec]
) -> Iterable[Adopted]:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"{path.name}：{error}") from None
    for key in ("authority", "valid_from", "known_from"):
        if key not in data:
            raise LawError(f"{path.name}：缺 {key}")
    ground = (
        str(data["authority"]), str(data.get("document", "")), _day(path, data, "valid_from"),
        _day(path, data, "known_from"), path.name,
    )  # fmt: skip
    for name, raw in data.get("settings", {}).items():
        if name not in specs:
            raise LawError(f"{path.name}：未知参数 {name}；已声明的有 {'、'.join(sorted(specs))}")
        yield Adopted(name, _value(path, specs[name], raw), *ground)
    for name, option in data.get("interpretations", {}).items():
        if name not in questions:
            raise LawError(f"{path.name}：未知解释口径 {name}；已声明的有 {'、'.join(sorted(questions))}")
        if option not in questions[name].options:
            raise LawError(f"{path.name}：解释口径 {name} 没有选项 {option}：{'、'.join(questions[name].options)}")
        yield Adopted(name, str(option), *ground)


def _day(path: Path, data: Mapping[str, Any], key: str) -> date:
    value = data[key]
    if type(value) is not date:
        raise LawError(f"{path.name}：{key} 应为日期，如 2024-01-01（不加引号）")
    return value


def _value(path: Path, spec: SettingSpec, raw: object) -> SettingValue:
    place = f"{path.name}：参数 {spec.name}（{spec.zh}）"
    if spec.kind == Kind.REGIONS:
        if not isinstance(raw, list) or not all(isinstance(each, str) and each.isdigit() for each in raw):
            raise LawError(f"{place} 应为区划代码列表")
        return tuple(raw)
    if spec.kind == Kind.SHARE:
        try:
            value: int | Fraction = share_from_text(str(raw))
        except Wrong as wrong:
            raise LawError(f"{place}：{wrong}") from None
    elif isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        value = raw
    else:
        raise LawError(f"{place} 应为不小于 0 的整数分")
    if spec.at_most is not None and value > spec.at_most:
        raise LawError(
            f"{place}：{_shown(value)} 超过法定上限 {_shown(spec.at_most)}（第 {spec.sentence} 句“{spec.phrase}”）"
        )
    return value


def _shown(value: int | Fraction) -> str:
    return share_text(value) if isinstance(value, Fraction) else f"{yuan(value)} 元"
