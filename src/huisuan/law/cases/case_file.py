"""Worked cases as a lawyer writes them: YAML read with the line of every case, amounts in yuan, never a float.

A file of `cases/` is named by what it asks: a rule ("1.2.yaml"), a budget that is shared out ("4.1.cities.yaml"), or
what several rules pay for together ("city-subsidy.yaml").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, SettingSpec
from huisuan.law.model.values import ValueKind

#: what a case may say; the first of each kind must be there
INPUT_KEYS = ("facts", "rows", "rules", "claims")
EXPECTED_KEYS = ("answer", "amount", "reasons", "nearest", "amounts", "payable", "repeats", "refused")
_DAYS = ("day", "as_known", "began")
_KEYS = ("case", *_DAYS, *INPUT_KEYS, "shared", "budget", "settings", "interpretations", *EXPECTED_KEYS)

_YUAN = re.compile(r"([0-9][0-9_,]*(?:\.[0-9]+)?) ?(?:(亿|万)?元)?")
_UNIT = {None: 100, "万": 1_000_000, "亿": 10_000_000_000}  # fen


@dataclass(frozen=True)
class Case:
    """One case: what is asked on which day under which settings, and what the answer is to be.

    `given` holds what stands under the key `kind`, `expected` what stands under the keys EXPECTED_KEYS.
    `day`, `as_known` and `began` are None where the case names none.
    """

    title: str
    subject: str
    place: str
    kind: str  # one of INPUT_KEYS
    given: Mapping[str, Any]
    expected: Mapping[str, Any]
    day: date | None = None
    as_known: date | None = None
    budget: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    interpretations: Mapping[str, Any] = field(default_factory=dict)
    began: date | None = None
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """What is asked, so that the same question asked twice is seen."""
        days, suppositions = (self.day, self.as_known, self.began), (self.budget, self.settings, self.interpretations)
        asked = (self.given, days, suppositions, self.shared)
        return f"{self.subject} {asked!r}"


class _AsWritten(yaml.SafeLoader):
    """Numbers with a point stay text, and so do numbers that are not decimal in YAML; duplicate keys are errors."""

    def as_text(self, node: yaml.ScalarNode) -> str:
        """A number with a point, as it was written."""
        return str(self.construct_scalar(node))

    def whole(self, node: yaml.ScalarNode) -> int | str:
        """An integer in tens; 0400 and 1:30 stay text, which no fact accepts."""
        text = str(self.construct_scalar(node))
        return int(text) if re.fullmatch(r"0|-?[1-9][0-9_]*", text) else text

    def table(self, node: yaml.MappingNode) -> dict[Any, Any]:
        """A mapping in which no key stands twice."""
        seen: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key} 写了两次", problem_mark=key_node.start_mark)
            seen[key] = self.construct_object(value_node, deep=True)
        return seen


_AsWritten.add_constructor("tag:yaml.org,2002:float", _AsWritten.as_text)
_AsWritten.add_constructor("tag:yaml.org,2002:int", _AsWritten.whole)
_AsWritten.add_constructor("tag:yaml.org,2002:map", _AsWritten.table)


def load_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a file, in their order.

    Raises:
        LawError: naming file and line: no YAML, no list of cases, a case without title or question, an unknown key.
    """
    shown = f"{path.parent.name}/{path.name}"
    try:
        return tuple(_load(path, shown))
    except OSError as error:
        raise LawError(f"{shown}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable") from None
    except UnicodeDecodeError:
        raise LawError(f"{shown}：不是 UTF-8 文本；请另存为 UTF-8", code="law.file_not_utf8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f" 行 {mark.line + 1}" if mark else ""
        raise LawError(
            f"{shown}{at}：不是算例的写法（{error.problem}）；请检查缩进、引号与冒号", code="law.case_malformed"
        ) from None
    except yaml.YAMLError as error:
        raise LawError(f"{shown}：不是 YAML（{error}）", code="law.case_malformed") from None


def _load(path: Path, shown: str) -> Iterator[Case]:
    loader = _AsWritten(path.read_text(encoding="utf-8-sig"))
    root = loader.get_single_node()
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise LawError(
            f"{shown} 行 {root.start_mark.line + 1}：应为一列算例，每个以“- case: 标题”开头", code="law.case_malformed"
        )
    for node in root.value:
        raw = loader.construct_object(node, deep=True)
        yield _parse_case(raw, path.stem, f"{shown} 行 {node.start_mark.line + 1}")


def _parse_case(raw: object, subject: str, place: str) -> Case:
    if not isinstance(raw, dict) or not isinstance(raw.get("case"), str):
        raise LawError(f"{place}：算例应以“- case: 标题”开头", code="law.case_malformed")
    for key in raw:
        if key is True or key in ("on", "date"):  # YAML takes an unquoted on for true
            raise LawError(
                f"{place}：不认识 on 或 date；哪一天的法律写 day，如 day: 2024-12-31", code="law.case_key_unknown"
            )
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, n=1)
            raise LawError(
                f"{place}：不认识 {key}" + (f"；是不是 {near[0]}？" if near else f"；可写 {'、'.join(_KEYS)}"),
                code="law.case_key_unknown",
            )
    asked = [key for key in INPUT_KEYS if key in raw]
    if len(asked) != 1 or not isinstance(raw[asked[0]], dict):
        raise LawError(
            f"{place}：应写 facts（一例）、rows（分配各方）、rules（几条规则）或 claims（多笔），其中之一，为一张表",
            code="law.case_question",
        )
    for key in ("settings", "interpretations", "shared"):
        if not isinstance(raw.get(key, {}), dict):
            raise LawError(f'{place}：{key} 应为表，如 {{"2.2.rate": "15%"}}', code="law.table_expected")
    expected = {key: raw[key] for key in EXPECTED_KEYS if key in raw}
    if not expected:
        raise LawError(f"{place}：没有写应当得到什么（answer、amounts 或 payable）", code="law.case_expectation")
    if not isinstance(raw.get("reasons", []), list) or not isinstance(raw.get("nearest", {}), dict):
        raise LawError(
            f'{place}：reasons 应为列表，如 ["failed:kind@2.2"]；nearest 应为事实的表', code="law.case_expectation"
        )
    days = (_parse_day(raw, "day", place), _parse_day(raw, "as_known", place))
    return Case(
        raw["case"], subject, place, asked[0], raw[asked[0]], expected, *days, raw.get("budget"),
        raw.get("settings", {}), raw.get("interpretations", {}), _parse_day(raw, "began", place),
        raw.get("shared", {}),
    )  # fmt: skip


def _parse_day(raw: Mapping[str, Any], key: str, place: str) -> date | None:
    found = raw.get(key)
    if found is not None and type(found) is not date:
        raise LawError(f"{place}：{key} 应为日期，如 2024-12-31", code="law.date_malformed")
    return found


def parse_yuan(yuan: object, place: str) -> int:
    """Fen from an amount as a case writes it: 1000.50, 1_000 元, 3000万元.

    Raises:
        LawError: no such amount, or not a whole number of fen.
    """
    found = _YUAN.fullmatch(str(yuan)) if isinstance(yuan, (int, str)) and not isinstance(yuan, bool) else None
    if not found:
        raise LawError(f"{place}：“{yuan}”不是金额；应如 1_000.50 元 或 3000万元", code="law.amount_malformed")
    amount = Fraction(re.sub("[_,]", "", found[1])) * _UNIT[found[2]]
    if amount.denominator != 1:
        raise LawError(f"{place}：“{yuan}”不是整数分", code="law.amount_malformed")
    return int(amount)


def parse_given(spec: FactSpec | SettingSpec | None, raw: object, place: str) -> object:
    """A fact or setting of a case as JSON carries it: money must say that it is in yuan, days are read as days.

    Raises:
        LawError: an amount without its unit, or none at all.
    """
    if isinstance(raw, date):
        return raw.isoformat()
    if spec is None or spec.kind is not ValueKind.MONEY or raw is None:
        return raw
    if not str(raw).endswith("元"):
        raise LawError(
            f"{place}：{spec.name}（{spec.zh}）是金额，请写单位，如 {raw} 元", code="law.amount_without_unit"
        )
    return parse_yuan(raw, place)
