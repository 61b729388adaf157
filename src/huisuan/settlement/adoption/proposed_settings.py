"""Settings as somebody wants them: read from a file or a form, checked as settings files are."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.law.model import DayBasis, LawError
from huisuan.law.policy import (
    HEADER_KEYS,
    REPEAL_KEY,
    AdoptedSetting,
    Policy,
    SettingsDocument,
    SettingValue,
    load_policy,
    parse_last_day,
    setting_declarations,
    toml_string,
    with_adopted,
)
from huisuan.settlement.models import SettingsProposal

NO_FILE = Path(os.devnull)  # what is not adopted yet stands in no file
_LONGEST = {"title": 120, "authority": 200, "document": 200}
_LABELS = {"title": "标题", "authority": "确定机关", "document": "文件（文号）", "valid_from": "自哪天起"}


@dataclass(frozen=True)
class SettingsDraft:
    """Values that take force on a day, with the authority that sets them and its document.

    `valid_to` is the last day on which they hold (None: until something later prevails); of what `repeals` names,
    nothing is set on these days.
    """

    title: str
    authority: str
    document: str
    valid_from: date
    values: Mapping[str, SettingValue]
    valid_to: date | None = None
    repeals: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it decides about."""
        return (*self.values, *self.repeals)


def get_policy(name: str) -> Policy:
    """The policy of that name.

    Raises:
        InvalidRequest: none, or it does not stand up to the checks (the message names the file).
    """
    try:
        return load_policy(name)
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def parse_draft(policy: Policy, name: str, text: str, title: str = "") -> SettingsDraft:
    """A draft from the text of a settings file without `known_from`; errors call it `name`.

    Raises:
        InvalidRequest: naming file and line.
    """
    try:
        document = SettingsDocument.parse(name, text, HEADER_KEYS | {"known_from"})
        if "known_from" in document.data:
            raise LawError(
                f"{document.place('known_from')}：请去掉 known_from：它是采用的那一天，由平台记下",
                code="settings.known_from_not_allowed",
            )
        declared = setting_declarations(policy)
        values, repeals = declared.parse_document(document), declared.parse_repeals(document)
        valid_from, valid_to = document.date_value("valid_from"), parse_last_day(document)
        words = {key: document.string(key) for key in _LONGEST}
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None
    return SettingsDraft(
        title or words["title"], words["authority"], words["document"], valid_from, values, valid_to, repeals
    )


def with_title(policy: Policy, draft: SettingsDraft) -> SettingsDraft:
    """The draft, with a title that says what it changes where it has none."""
    if draft.title:
        return draft
    words = {name: spec.zh for name, spec in policy.setting_specs().items()}
    words |= {name: spec.zh for name, spec in policy.interpretation_specs().items()}
    verbs = {"调整": draft.values, "废止": draft.repeals}
    named = "，".join(verb + "、".join(words[name] for name in names) for verb, names in verbs.items() if names)
    return replace(draft, title=named[: _LONGEST["title"]])


def check_draft(policy: Policy, draft: SettingsDraft) -> dict[str, str]:
    """What is wrong with a draft, by field; "" is the draft as a whole."""
    wrong: dict[str, str] = {}
    for key, longest in _LONGEST.items():
        text = getattr(draft, key)
        if len(text) > longest:
            wrong[key] = f"{_LABELS[key]}有 {len(text)} 字，最多 {longest} 字"
        elif not text.isprintable():
            wrong[key] = f"{_LABELS[key]}含有换行或控制字符：请去掉"
    if not draft.authority:
        wrong["authority"] = "请写明由谁确定（authority）"
    if not policy.valid_from <= draft.valid_from <= policy.valid_to:
        wrong["valid_from"] = f"{draft.valid_from} 不在政策有效期 {policy.valid_from} 至 {policy.valid_to} 之内"
    if draft.valid_to is not None and not draft.valid_from <= draft.valid_to <= policy.valid_to:
        wrong["valid_to"] = f"{draft.valid_to} 应在 {draft.valid_from} 与政策有效期最后一天 {policy.valid_to} 之间"
    if not draft.names:
        wrong[""] = "没有写任何参数或解释口径：请至少改一项"
    elif not wrong:
        try:
            with_adopted(policy, to_adopted(draft, date.max, ""))
        except LawError as error:
            wrong[""] = str(error)
    if not wrong and (why := why_not_carried_out(policy, draft.values)):
        wrong[""] = why
    return wrong


def why_not_carried_out(policy: Policy, values: Mapping[str, SettingValue]) -> str:
    """Why claims could not follow what is set; empty: they could.

    Settings of the day of an event are read by a fact that says when it happened: where a rule declares none, nobody
    knows by which day to read them.
    """
    for rule in policy.rules:
        question = rule.reading_day.question if rule.reading_day is not None else None
        if question is None or values.get(question.name) != DayBasis.EVENT or rule.day_fact("event"):
            continue
        return (
            f"“{question.zh}”不能取 event：第 {rule.key} 句没有事项发生之日的事实，无从知道按哪天读；"
            "先在政策里声明这一天，或另取一项"
        )
    return ""


def to_adopted(draft: SettingsDraft, known_from: date, file: str) -> list[AdoptedSetting]:
    """The draft as it would stand among the settings, known from a day on."""
    ground = (draft.authority, draft.document, draft.valid_from, known_from)
    found = [
        AdoptedSetting(name, value, *ground, file, NO_FILE, draft.valid_to) for name, value in draft.values.items()
    ]
    return found + [
        AdoptedSetting(name, "", *ground, file, NO_FILE, draft.valid_to, repealed=True) for name in draft.repeals
    ]


def draft_of_proposal(policy: Policy, proposal: SettingsProposal) -> SettingsDraft:
    """What a proposal says, under the policy as it stands now.

    Raises:
        Conflict: the policy no longer knows a setting of it, or its bound is another one.
    """
    name = f"提案 {proposal.pk}"
    try:
        document = SettingsDocument.parse(name, proposal.values, frozenset({REPEAL_KEY}))
        declared = setting_declarations(policy)
        values, repeals = declared.parse_document(document), declared.parse_repeals(document)
    except LawError as error:
        raise Conflict(f"政策 {policy.name} 已变：{error}", code="proposal.law_changed") from None
    return SettingsDraft(
        proposal.title, proposal.authority, proposal.document, proposal.valid_from, values, proposal.valid_to, repeals
    )


def file_name(number: int, draft: SettingsDraft) -> str:
    """The name of the settings file of an adopted proposal: 007-2.2.rate.toml."""
    slug = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") for name in draft.names)
    return f"{number:03d}-{slug[:60].rstrip('-.')}.toml"


def repeals_to_toml(repeals: Sequence[str]) -> str:
    """What is repealed as a line of a settings file; nothing where nothing is."""
    return f"{REPEAL_KEY} = [{', '.join(map(toml_string, repeals))}]\n\n" if repeals else ""


def format_settings_file(draft: SettingsDraft, values: str, known_from: date, note: str) -> str:
    """The settings file of an adopted proposal, in the form of a policy's own."""
    head = {"title": draft.title, "note": note, "authority": draft.authority, "document": draft.document}
    lines = [f"{key} = {toml_string(text)}" for key, text in head.items()]
    days = {"valid_from": draft.valid_from, "valid_to": draft.valid_to, "known_from": known_from}
    lines += [f"{key} = {day}" for key, day in days.items() if day is not None]
    return "\n".join([*lines, "", values])
