"""The sentences of messages in Chinese and English: a code with what stands in its holes becomes text. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

ENGLISH = "en"
_HOLE = re.compile(r"\{([a-z_]+)\}")
#: what would end a line or turn the reading direction: no name may forge a second line, in a page or in a mail
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

Values = Mapping[str, str | int]


class UnknownText(ValueError):
    """A code that `texts.toml` has not, or values that are not what its holes ask for: a mistake in our own code."""


@dataclass(frozen=True)
class MessageText:
    """One sentence in both languages, and the kind under which people choose how often they want it."""

    kind: str
    zh: str
    en: str

    @property
    def holes(self) -> frozenset[str]:
        """What values it needs."""
        return frozenset(_HOLE.findall(self.zh))


@cache
def message_texts() -> dict[str, MessageText]:
    """All sentences by code.

    Raises:
        UnknownText: the two languages of one have not the same holes.
    """
    found = tomllib.loads(files("huisuan.messages").joinpath("texts.toml").read_text("utf-8"))
    texts = {code: MessageText(**entry) for code, entry in found.items()}
    for code, text in texts.items():
        if text.holes != frozenset(_HOLE.findall(text.en)):
            raise UnknownText(f"{code}: its English has other holes")
    return texts


def text_of(code: str, values: Values) -> MessageText:
    """The sentence of a code, after a look at whether these values fill it.

    Raises:
        UnknownText: no such code, or holes are missing or too many.
    """
    text = message_texts().get(code)
    if text is None:
        raise UnknownText(f"{code}: texts.toml has no such sentence")
    if text.holes != frozenset(values):
        raise UnknownText(f"{code}: holes {sorted(text.holes)}, values {sorted(values)}")
    return text


def render_message(code: str, values: Values, language: str) -> str:
    """The sentence with its values, on one line, in English for "en" and in Chinese for every other language.

    A code that this version does not know (a newer one wrote it) is shown as it stands.
    """
    text = message_texts().get(code)
    if text is None:
        return code
    sentence = text.en if language == ENGLISH else text.zh
    return _CONTROL.sub(" ", _HOLE.sub(lambda hole: str(values.get(hole[1], "—")), sentence)).strip()
