"""TOML documents that carry settings: read with the line of every error, written so that they read back the same."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from huisuan.law.model.errors import LawError

_TABLES = frozenset({"settings", "interpretations"})


def toml_string(text: str) -> str:
    """A text as TOML writes it, on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON leaves DEL alone, TOML does not


@dataclass(frozen=True)
class SettingsDocument:
    """A TOML document of settings, with its text so that an error can name the line."""

    name: str
    text: str
    data: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path, keys: frozenset[str], shown: str = "") -> SettingsDocument:
        """A file, in which nothing stands at the top but the keys and the two tables; errors call it `shown`.

        Raises:
            LawError: it cannot be read, is no TOML, or holds something else.
        """
        try:
            return cls.parse(shown or path.name, path.read_text(encoding="utf-8"), keys)
        except OSError as error:
            raise LawError(
                f"{path}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable"
            ) from None
        except UnicodeDecodeError:
            raise LawError(f"{shown or path.name}：不是 UTF-8 文本；请另存为 UTF-8", code="law.file_not_utf8") from None

    @classmethod
    def parse(cls, name: str, text: str, keys: frozenset[str]) -> SettingsDocument:
        """The same from a text; `name` is what errors call it."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            at = re.search(r"at line (\d+)", str(error))  # or "at end of document"
            line = at[1] if at else len(text.splitlines())
            raise LawError(f"{name} 行 {line}：不是 TOML（{error}）", code="law.toml_malformed") from None
        document = cls(name, text, data)
        for key in data:
            if key not in keys | _TABLES:
                raise LawError(
                    f"{document.place(key)}：不认识 {key}；可写的有 {'、'.join(sorted(keys | _TABLES))}",
                    code="law.key_unknown",
                )
        return document

    def place(self, key: str) -> str:
        """Where a key stands, for an error."""
        for at, line in enumerate(self.text.splitlines(), start=1):
            if line.lstrip(" [").startswith((key, f'"{key}"', f"'{key}'")):
                return f"{self.name} 行 {at}"
        return self.name

    def table(self, name: str) -> Mapping[str, Any]:
        """One of the two tables; absent is empty.

        Raises:
            LawError: it is no table.
        """
        found = self.data.get(name, {})
        if not isinstance(found, dict):
            raise LawError(
                f'{self.place(name)}：{name} 应为表：[{name}]，每行如 "2.2.rate" = "20%"', code="law.table_expected"
            )
        return found

    def string(self, key: str) -> str:
        """A text at the top; absent is empty.

        Raises:
            LawError: it is no text.
        """
        found = self.data.get(key, "")
        if not isinstance(found, str):
            raise LawError(f"{self.place(key)}：{key} 应为文本（加引号）", code="law.text_expected")
        return found.strip()

    def date_value(self, key: str) -> date:
        """A day at the top.

        Raises:
            LawError: absent, or no day.
        """
        if key not in self.data:
            raise LawError(f"{self.name}：缺 {key}", code="law.metadata_missing")
        found = self.data[key]
        if type(found) is not date:
            raise LawError(f"{self.place(key)}：{key} 应为日期，如 2024-01-01（不加引号）", code="law.date_malformed")
        return found
