"""The form to propose settings: prefilled with what holds; what is entered otherwise is proposed, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from django.http import QueryDict
from django.utils.translation import gettext as _t

from huisuan.base.money import parse_typed_yuan, plain_yuan
from huisuan.law.model import InterpretationSpec, InvalidValue, LawError, ValueKind, format_share, parse_date
from huisuan.law.policy import Policy, SettingHistory, SettingValue, setting_declarations
from huisuan.portal.law.field_faults import setting_error_html
from huisuan.portal.ui.forms import Choice, FormField, Widget
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.adoption.proposed_settings import SettingsDraft, check_draft

AUTHORITY = "省人工智能产业推进组工作专班"


@dataclass
class SettingEntry:
    """One setting or open question in the form: what holds, what was entered, what is wrong with it.

    `repeals`: instead of another value, nothing is to be set on the days of the proposal.
    """

    listed: SettingHistory
    entered: list[str]
    error: str = ""
    repeals: bool = False

    @property
    def name(self) -> str:
        """Its name in the form."""
        return f"set:{self.listed.spec.name}"

    @property
    def text(self) -> str:
        """What stands in its box."""
        return self.entered[0] if self.entered else ""

    def as_field(self, label: str, *, english: bool) -> FormField:
        """It as pages render it."""
        spec = self.listed.spec
        widget, unit = Widget.LINE, ""
        options: Mapping[str, str] = {}
        if isinstance(spec, InterpretationSpec):
            widget, options = Widget.RADIOS, (spec.options_en if english else spec.options)
        elif spec.kind is ValueKind.REGIONS:
            widget, options = Widget.CHECKBOXES, spec.region_names(english=english) or {}
        elif spec.kind is ValueKind.RATES:
            widget = Widget.LINES
        elif spec.kind is ValueKind.MONEY:
            unit = _t("元")
        return FormField(
            name=self.name, label=label, widget=widget, text=self.text, errors=(self.error,) if self.error else (),
            choices=tuple(Choice(value, said, value in self.entered) for value, said in options.items()),
            unit=unit, rows=4,
            placeholder="340100 10%" if widget is Widget.LINES else "",
        )  # fmt: skip


@dataclass
class ProposalForm:
    """The whole form. `errors` holds what is wrong by field; "" is the whole."""

    title: str = ""
    authority: str = AUTHORITY
    document: str = ""
    valid_from: str = ""
    valid_to: str = ""
    entries: list[SettingEntry] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def blank_form(listed: list[SettingHistory], today: date) -> ProposalForm:
    """The form as it opens: what holds stands in every box."""
    return ProposalForm(valid_from=str(today), entries=[SettingEntry(row, _entered(row)) for row in listed])


def parse_proposal_form(
    policy: Policy, listed: list[SettingHistory], posted: QueryDict
) -> tuple[ProposalForm, SettingsDraft | None]:
    """What was posted, and the draft it makes; no draft where something is wrong, which the form then says."""
    keys = ("title", "authority", "document", "valid_from", "valid_to")
    title, authority, document, day, last = (_line(posted, key) for key in keys)
    form = ProposalForm(title, authority, document, day, last, _posted_entries(listed, posted))
    values = _changed_values(policy, form.entries)
    days: dict[str, date | None] = {}
    for key in ("valid_from", "valid_to"):
        text = getattr(form, key)
        try:
            days[key] = parse_date(text) if text or key == "valid_from" else None
        except InvalidValue as wrong:
            form.errors[key] = refusal_html(wrong)
    if form.errors or days["valid_from"] is None:
        return form, None
    repeals = tuple(entry.listed.spec.name for entry in form.entries if entry.repeals and not entry.error)
    draft = SettingsDraft(
        form.title, form.authority, form.document, days["valid_from"], values, days["valid_to"], repeals
    )
    form.errors |= check_draft(policy, draft)
    if any(entry.error for entry in form.entries):
        form.errors.pop("", None)
        form.errors["entries"] = _t("有参数填得不对，见下面各项。")
    return form, None if form.errors else draft


def _posted_entries(listed: list[SettingHistory], posted: QueryDict) -> list[SettingEntry]:
    """What was posted of each setting; what holds nowhere cannot be repealed."""
    repealed = set(posted.getlist("repeal"))
    return [
        SettingEntry(
            row, [_clean(each) for each in posted.getlist(f"set:{row.spec.name}")],
            repeals=row.spec.name in repealed and row.current is not None,
        )
        for row in listed
    ]  # fmt: skip


def _changed_values(policy: Policy, entries: list[SettingEntry]) -> dict[str, SettingValue]:
    """The values that are others than what holds; what is wrong with one is said at its entry."""
    values: dict[str, SettingValue] = {}
    for entry in entries:
        try:
            value = _value(policy, entry)
        except (LawError, InvalidValue) as wrong:
            entry.error = setting_error_html(entry.listed.spec, wrong)
            continue
        held = entry.listed.current
        if value is not None and not (held and held.value == value):
            values[entry.listed.spec.name] = value
            if entry.repeals:
                entry.error = _t("既改了值，又勾了废止：请只留一样")
    return values


def _line(posted: QueryDict, key: str) -> str:
    return _clean(posted.get(key, "")).strip()


def _clean(text: str) -> str:
    return text.replace("\x00", "")  # PostgreSQL takes none


def _entered(row: SettingHistory) -> list[str]:
    """What holds, as the form has it."""
    value = row.current.value if row.current else None
    if value is None:
        return []
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return ["\n".join(f"{code} {_share(share)}" for code, share in sorted(value.items()))]
    if isinstance(value, Fraction):
        return [_share(value)]
    if isinstance(value, int):
        return [plain_yuan(value) if getattr(row.spec, "kind", None) is ValueKind.MONEY else str(value)]
    return [value]


def _share(share: Fraction) -> str:
    return format_share(share) if (share * 10_000).denominator == 1 else str(share)


def _value(policy: Policy, entry: SettingEntry) -> SettingValue | None:
    """The value entered, or None where nothing is; a list may be empty where something holds."""
    spec, text = entry.listed.spec, entry.text.strip()
    declared = setting_declarations(policy)
    if isinstance(spec, InterpretationSpec):
        return declared.parse_option(spec.name, text, "") if text else None
    if spec.kind is ValueKind.REGIONS:
        held = entry.listed.current
        same = held is not None and isinstance(held.value, tuple) and set(held.value) == set(entry.entered)
        if same or (held is None and not entry.entered):
            return held.value if held else None
        return declared.parse_setting(spec.name, entry.entered, "")
    if spec.kind is ValueKind.RATES:
        rates = dict(_rate(line) for line in text.splitlines() if line.strip())
        return declared.parse_setting(spec.name, rates, "") if rates or entry.listed.current else None
    if not text:
        return None
    return declared.parse_setting(spec.name, _fen(text) if spec.kind is ValueKind.MONEY else text, "")


def _rate(line: str) -> tuple[str, str]:
    code, _, share = line.strip().partition(" ")
    if not share.strip():
        raise InvalidValue(_t("“%(line)s”应为一行一个区划代码和比例，如 340100 10%%") % {"line": line.strip()})
    return code, share.strip()


def _fen(text: str) -> int:
    fen = parse_typed_yuan(text)
    if fen is None:
        raise InvalidValue(_t("“%(text)s”不是金额：请以元写，至多两位小数") % {"text": text})
    return fen
