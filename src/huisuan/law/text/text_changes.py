"""What later documents did to a policy's text: amended or corrected its sentences, or put another policy in its place.

Each change lies in a file `changes/NAME.toml` with two days: `valid_from`, since when the new words hold, and
`known_from`, since when they are known. Of the changes of a sentence that hold on a day, the one known last prevails.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from huisuan.law.model.errors import LawError
from huisuan.law.text.policy_text import PolicyText, read_policy_file


class ChangeKind(StrEnum):
    """What a later document does."""

    AMENDMENT = "amendment"
    CORRECTION = "correction"
    REPLACEMENT = "replacement"


CHANGES_ZH = {
    ChangeKind.AMENDMENT: "修改", ChangeKind.CORRECTION: "更正", ChangeKind.REPLACEMENT: "由后来的政策代替",
}  # fmt: skip
_KEYS = frozenset({"kind", "authority", "document", "note", "valid_from", "known_from", "by", "sentences"})


@dataclass(frozen=True)
class TextChange:
    """One change: the new words by sentence, or the later policy (`by`) that takes this one's place."""

    name: str
    kind: ChangeKind
    authority: str
    document: str
    valid_from: date
    known_from: date
    sentences: Mapping[str, str]
    by: str
    path: Path

    def holds(self, on: date, as_known: date) -> bool:
        """Whether it holds on a day, as known on a day."""
        return self.valid_from <= on and self.known_from <= as_known


def load_changes(
    folder: Path, text: PolicyText, valid_from: date, valid_to: date, issued: date
) -> tuple[TextChange, ...]:
    """The changes of a policy's text, in the order in which they became known; none where there is no such folder.

    Raises:
        LawError: a file that cannot be read, days before the policy's own, an unknown sentence, two that contradict.
    """
    found = [_load(path, text) for path in sorted(folder.glob("*.toml"))]
    for change in found:
        if not valid_from <= change.valid_from <= valid_to:
            raise LawError(
                f"{_shown(change)}：valid_from {change.valid_from} 不在政策有效期 {valid_from} 至 {valid_to} 之内；"
                "新文不能早于政策施行",
                code="law.change_outside_validity",
            )
        if change.known_from < issued:
            raise LawError(
                f"{_shown(change)}：known_from {change.known_from} 早于政策印发（{issued}）",
                code="law.change_known_too_early",
            )
    _check_contradictions(found)
    return tuple(sorted(found, key=lambda change: (change.known_from, change.valid_from, change.name)))


def text_on(text: PolicyText, changes: Iterable[TextChange], on: date, as_known: date) -> PolicyText:
    """The text as it holds on a day, as known on a day."""
    words: dict[str, str] = {}
    for change in changes:  # in the order in which they became known
        if change.holds(on, as_known):
            words |= change.sentences
    if not words:
        return text
    articles = tuple(
        replace(
            article,
            sentences=tuple(
                replace(sentence, text=words.get(sentence.number, sentence.text)) for sentence in article.sentences
            ),
        )
        for article in text.articles
    )
    return PolicyText(text.title, articles)


def _load(path: Path, text: PolicyText) -> TextChange:
    shown = f"changes/{path.name}"
    try:
        data = tomllib.loads(read_policy_file(path))
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"{shown}：不是 TOML（{error}）", code="law.toml_malformed") from None
    for key in data:
        if key not in _KEYS:
            raise LawError(f"{shown}：不认识 {key}；可写的有 {'、'.join(sorted(_KEYS))}", code="law.key_unknown")
    kind = data.get("kind")
    if kind not in list(ChangeKind):
        raise LawError(f"{shown}：kind 应为 {'、'.join(ChangeKind)} 之一", code="law.change_kind_unknown")
    for key in ("authority", "document"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            raise LawError(f"{shown}：缺 {key}（由谁、以何文件改的）", code="law.metadata_missing")
    days = [_day(data, key, shown) for key in ("valid_from", "known_from")]
    sentences, by = data.get("sentences", {}), data.get("by", "")
    _check_content(shown, ChangeKind(kind), sentences, by, text)
    return TextChange(
        path.stem, ChangeKind(kind), data["authority"], data["document"], days[0], days[1], sentences, by, path
    )


def _day(data: Mapping[str, Any], key: str, shown: str) -> date:
    found = data.get(key)
    if type(found) is not date:
        raise LawError(f"{shown}：{key} 应为日期，如 2024-07-01（不加引号）", code="law.date_malformed")
    return found


def _check_content(shown: str, kind: ChangeKind, sentences: object, by: object, text: PolicyText) -> None:
    if not isinstance(sentences, dict) or not all(isinstance(words, str) and words for words in sentences.values()):
        raise LawError(f'{shown}：[sentences] 每行应如 "2.2" = "新的全句"', code="law.table_expected")
    if kind is ChangeKind.REPLACEMENT:
        if not isinstance(by, str) or not by or sentences:
            raise LawError(f"{shown}：代替应写 by（后来的政策），不写 [sentences]", code="law.change_malformed")
        return
    if by or not sentences:
        raise LawError(f"{shown}：修改与更正应写 [sentences]，不写 by", code="law.change_malformed")
    for number, words in sentences.items():
        if number not in text.sentences:
            raise LawError(f"{shown}：没有第 {number} 句", code="law.sentence_unknown")
        if words == text.sentences[number].text:
            raise LawError(f"{shown}：第 {number} 句与原文相同，没有改什么", code="law.change_malformed")


def _check_contradictions(changes: list[TextChange]) -> None:
    seen: dict[tuple[str, date, date], TextChange] = {}
    for change in changes:
        for number in change.sentences or {"": ""}:
            key = (number, change.valid_from, change.known_from)
            if key in seen:
                what = f"第 {number} 句" if number else "代替"
                raise LawError(
                    f"{_shown(seen[key])} 与 {_shown(change)}：{what}同日改了两次", code="law.sentence_changed_twice"
                )
            seen[key] = change


def _shown(change: TextChange) -> str:
    return f"changes/{change.path.name}"
