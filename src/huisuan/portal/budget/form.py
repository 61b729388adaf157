"""The form of a scenario: every setting with its bound, every open question, every figure of the law, from the policy.

It is read from the address alone, so that an address is a scenario that can be passed on. What is left empty stays as
it was adopted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.base.money import parse_typed_yuan
from huisuan.law.model import (
    InterpretationSpec,
    InvalidValue,
    LawError,
    SettingSpec,
    ValueKind,
    format_value,
    parse_chinese_money,
)
from huisuan.law.policy import (
    AmendedFigure,
    FigureKind,
    LegalFigure,
    Policy,
    Scenario,
    SettingHistory,
    SettingValue,
    legal_figures,
    list_settings,
    parse_amendment,
    setting_declarations,
)
from huisuan.portal.law.field_faults import setting_error_html
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui.forms import Choice, FormField, Widget, with_errors

Spec: TypeAlias = SettingSpec | InterpretationSpec
LONGEST_TYPED = 2000  # characters of one field; the page refuses an address with more
_HINTS: dict[str, str | Promise] = {
    ValueKind.SHARE: _("比例，如 15% 或 1/8"), ValueKind.MONEY: _("元，或如 80万元"),
    ValueKind.RATES: _("各市同一比例，如 10%"),
    FigureKind.CAP: _("金额（500万元）、原额的百分数（50%）或“无”"), FigureKind.RATE: _("比例，如 25%"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ScenarioField(FormField):
    """One thing that a scenario can change: beside what every field has, what holds now, its bound and its sentence."""

    sentence: str
    phrase: str
    now: str
    bound: str = ""
    changes_amounts: bool = True


@dataclass(frozen=True)
class ScenarioForm:
    """The form as it was sent: the fields, and the scenario if every field could be read.

    `tables` says the same as the scenario, as `scenario_from_tables` reads it.
    """

    settings: list[ScenarioField]
    questions: list[ScenarioField]
    figures: list[ScenarioField]
    scenario: Scenario
    tables: dict[str, dict[str, Any]]

    @property
    def setting_groups(self) -> list[tuple[str | Promise, list[ScenarioField]]]:
        """The settings in two groups with their headings: those that amounts rest on, and the others."""
        of_amounts = [field for field in self.settings if field.changes_amounts]
        others = [field for field in self.settings if not field.changes_amounts]
        groups: list[tuple[str | Promise, list[ScenarioField]]] = [(_("参数（法定上限之内）"), of_amounts)]
        return [*groups, (_("期限、人数和评分（不改变金额）"), others)] if others else groups

    @property
    def wrong(self) -> list[ScenarioField]:
        """The fields that could not be read."""
        return with_errors((*self.settings, *self.questions, *self.figures))

    @property
    def empty(self) -> bool:
        """Whether nothing is supposed."""
        return not self.scenario.values and not self.scenario.figures


def parse_scenario_form(policy: Policy, on: date, as_known: date, query: QueryDict, title: str) -> ScenarioForm:
    """The form of a policy on a day, filled from an address."""
    parser = _FormParser(policy, query)
    rows = list_settings(policy, on, as_known)
    settings = [parser.setting(row, row.spec) for row in rows if isinstance(row.spec, SettingSpec)]
    questions = [parser.question(row, row.spec) for row in rows if isinstance(row.spec, InterpretationSpec)]
    supposed = [parser.figure(each) for each in _by_sentence(legal_figures(policy))]
    return ScenarioForm(
        settings, questions, supposed, Scenario(title, parser.values, tuple(parser.supposed)), parser.tables
    )


class _FormParser:
    """Collects what the address says, field by field."""

    def __init__(self, policy: Policy, query: QueryDict) -> None:
        self.policy, self.query = policy, query
        self.declared = setting_declarations(policy)
        self.of_amounts = policy.amount_setting_specs()
        self.values: dict[str, SettingValue] = {}
        self.supposed: list[AmendedFigure] = []
        self.tables: dict[str, dict[str, Any]] = {}

    def setting(self, row: SettingHistory, spec: SettingSpec) -> ScenarioField:
        """A setting: a box, or a list of regions to tick."""
        param = f"s.{spec.name}"
        now = row.format_adopted(row.current, english=reads_english()) if row.current else ""
        bound = "" if spec.at_most is None else format_value(spec.kind, spec.at_most, english=reads_english())
        field = ScenarioField(
            name=param, label=spec.en if reads_english() else spec.zh, sentence=spec.sentence, phrase=spec.phrase,
            now=now, bound=bound, hint=_HINTS.get(spec.kind, ""), placeholder=now or "—",
            changes_amounts=spec.name in self.of_amounts,
        )  # fmt: skip
        if spec.kind is ValueKind.REGIONS:
            return self._regions(field, spec, row)
        typed = self._typed(param)
        return self._parse(field, spec, typed, lambda: self._set(spec.name, _raw(spec, typed))) if typed else field

    def question(self, row: SettingHistory, spec: InterpretationSpec) -> ScenarioField:
        """An open question: its options, the one adopted chosen where the address says nothing."""
        adopted = str(row.current.value) if row.current else ""
        typed = self._typed(f"i.{spec.name}")
        words = spec.options_en if reads_english() else spec.options
        options = tuple(
            Choice(name, label, name == (typed or adopted), _("（现行）") if name == adopted else "")
            for name, label in words.items()
        )
        field = ScenarioField(
            name=f"i.{spec.name}", label=spec.en if reads_english() else spec.zh,
            sentence=spec.sentence, phrase=spec.phrase,
            now=words.get(adopted, ""), widget=Widget.RADIOS, choices=options,
        )  # fmt: skip
        if not typed or typed == adopted:
            return field
        return self._parse(field, spec, typed, lambda: self._choose(spec.name, typed))

    def figure(self, figures: Sequence[LegalFigure]) -> ScenarioField:
        """A cap or a share of a sentence of the law."""
        figure = figures[0]
        param = f"{figure.kind.value}.{figure.sentence}"
        now = " / ".join(format_value(_kind(each), each.value, english=reads_english()) for each in figures)
        field = ScenarioField(
            name=param, label=now, sentence=figure.sentence, phrase=figure.phrase, now=now, hint=_HINTS[figure.kind],
            placeholder=now,
        )  # fmt: skip
        typed = self._typed(param)
        if not typed:
            return field
        return self._parse(field, None, typed, lambda: self._suppose(figure, _money(typed)))

    def _regions(self, field: ScenarioField, spec: SettingSpec, row: SettingHistory) -> ScenarioField:
        adopted = row.current.value if row.current and isinstance(row.current.value, tuple) else ()
        ticked = self.query.getlist(field.name)
        chosen = set(ticked) or set(adopted)
        names = spec.region_names(english=reads_english()) or {}
        options = tuple(Choice(code, name, code in chosen) for code, name in names.items())
        field = replace(field, choices=options, widget=Widget.CHECKBOXES)
        if not ticked or set(ticked) == set(adopted):
            return field
        return self._parse(field, spec, "", lambda: self._set(spec.name, ticked))

    def _parse(self, field: ScenarioField, spec: Spec | None, typed: str, parse: Callable[[], None]) -> ScenarioField:
        try:
            parse()
        except (LawError, InvalidValue) as error:
            return replace(field, text=typed, errors=(setting_error_html(spec, error),))
        return replace(field, text=typed)

    def _set(self, name: str, raw: object) -> None:
        self.values[name] = self.declared.parse_setting(name, raw, "")
        self._note("settings", name, raw)

    def _choose(self, name: str, option: str) -> None:
        self.values[name] = self.declared.parse_option(name, option, "")
        self._note("interpretations", name, option)

    def _suppose(self, figure: LegalFigure, raw: object) -> None:
        self.supposed.extend(parse_amendment(self.policy, figure.kind, figure.sentence, raw))
        self._note(figure.kind.value, figure.sentence, raw)

    def _note(self, table: str, name: str, raw: object) -> None:
        self.tables.setdefault(table, {})[name] = raw

    def _typed(self, param: str) -> str:
        return self.query.get(param, "").strip()


def _by_sentence(found: Sequence[LegalFigure]) -> Iterator[list[LegalFigure]]:
    """The figures that are supposed together: those of one kind in one sentence."""
    groups: dict[tuple[str, FigureKind], list[LegalFigure]] = {}
    for figure in found:
        groups.setdefault((figure.sentence, figure.kind), []).append(figure)
    yield from groups.values()


def _raw(spec: SettingSpec, typed: str) -> object:
    """What was typed as a settings file would have it."""
    if spec.kind is ValueKind.MONEY:
        money = _money(typed)
        return money if isinstance(money, int) else parse_chinese_money(money)
    if spec.kind is ValueKind.RATES:
        return dict.fromkeys(spec.regions or {}, typed)
    return typed


def _money(typed: str) -> int | str:
    """Fen where plain yuan were typed ("800000", "800,000.50"); else the words."""
    fen = parse_typed_yuan(typed, digits=15)
    return typed if fen is None else fen


def _kind(figure: LegalFigure) -> ValueKind:
    return ValueKind.MONEY if figure.kind is FigureKind.CAP else ValueKind.SHARE
