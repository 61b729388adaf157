"""The offices that a text names behind a sentence, one by one."""

from __future__ import annotations

import re

from huisuan.law.text.policy_text import PolicyText

_BETWEEN = re.compile(r"[、，；,;]")


def offices_named(text: PolicyText, sentence: str) -> tuple[str, ...]:
    """The offices responsible for a sentence and those that cooperate, in the order of the text."""
    behind = text.departments_for(sentence)
    return _one_by_one(f"{behind.responsible}、{behind.cooperating}")


def _one_by_one(names: str) -> tuple[str, ...]:
    parts = (part.strip().removesuffix("等") for part in _BETWEEN.split(names))
    return tuple(dict.fromkeys(part for part in parts if part))
