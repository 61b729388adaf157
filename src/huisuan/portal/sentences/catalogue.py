"""The sentences with their English, and how a stored Chinese text becomes English by them. Pure, and safe on any text.

A text is a sentence of the catalogue, or several joined by `：`, `；`, `、` or line breaks. What the catalogue does not
know stays Chinese: a name that somebody gave, a message of another program.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from huisuan.portal.sentences.template import Template

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
WIDE = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")  # Han letters and full-width signs
LONGEST = 4000  # characters; what is longer is no sentence of ours
MOST_LOOKS = 400  # how many pieces of one text are looked up, so that no text can make a page slow
_DEEPEST = 12  # sentences inside sentences
#: what joins sentences and lists, with its English
JOINTS = (("；", "; "), ("：", ": "), ("、", ", "), (" 或 ", " or "))


@dataclass(frozen=True)
class Catalogue:
    """Templates by the first character of their text; those that begin with a hole stand under the empty string."""

    by_first: dict[str, list[Template]]

    def find(self, text: str) -> Iterator[tuple[Template, dict[str, str]]]:
        """The sentences that a text can be, and what stands in their holes; the one with most fixed text first."""
        for template in self.by_first.get(text[:1], self.by_first[""]):
            if template.longest in text:
                values = template.match(text)
                if values is not None:
                    yield template, values


def subjects() -> dict[str, dict[str, str]]:
    """Chinese to English as the files have it, by file. TOML refuses a sentence that a file has twice."""
    folder = files("huisuan.portal.sentences")
    found = (each for each in folder.iterdir() if each.name.endswith(".toml"))
    return {each.name: tomllib.loads(each.read_text("utf-8")) for each in sorted(found, key=lambda each: each.name)}


@cache
def catalogue() -> Catalogue:
    """All sentences, heaviest first.

    Raises:
        BadTemplate: one cannot be used.
    """
    templates = [Template.of(*pair) for pairs in subjects().values() for pair in pairs.items()]
    heaviest = sorted(templates, key=lambda each: (-each.weight, len(each.holes)))
    firsts = {each.literals[0][:1] for each in heaviest} | {""}
    return Catalogue({first: [each for each in heaviest if each.literals[0][:1] in ("", first)] for first in firsts})


@lru_cache(maxsize=8192)
def translate(text: str) -> str:
    """The English of a text as far as the catalogue knows it; the rest stays Chinese."""
    if len(text) > LONGEST or not WIDE.search(text):
        return text
    translating = _Translating(catalogue())
    return "\n".join(translating.of(line).text for line in text.split("\n"))


@dataclass(frozen=True)
class _Put:
    """A text put into English; `whole`: nothing in it is left that should have been a sentence."""

    text: str
    whole: bool


@dataclass
class _Translating:
    """One text on its way; what was looked up once is not looked up again."""

    known: Catalogue
    seen: dict[str, _Put] = field(default_factory=dict)
    depth: int = 0

    def of(self, text: str) -> _Put:
        if not WIDE.search(text):
            return _Put(text, True)
        if text not in self.seen:
            if len(self.seen) >= MOST_LOOKS or self.depth >= _DEEPEST:
                return _Put(text, False)
            self.seen[text] = _Put(text, False)
            self.depth += 1
            self.seen[text] = self._best(text)
            self.depth -= 1
        return self.seen[text]

    def _best(self, text: str) -> _Put:
        """What leaves least Chinese: one sentence or several in a row; of equals, one that reads plainly."""
        plain, odd = [], []
        for template, values in self.known.find(text):
            put = self._filled(template, values)
            if not template.is_plain(values):
                odd.append(put)
            elif HAN.search(put.text):
                plain.append(put)
            else:
                return put
        return min([*plain, self._joined(text), *odd], key=lambda put: len(HAN.findall(put.text)))

    def _filled(self, template: Template, values: dict[str, str]) -> _Put:
        words = {hole.name: self.of(values[hole.name]) for hole in template.holes if hole.kind == "*"}
        filled = template.rendered({**values, **{name: put.text for name, put in words.items()}})
        return _Put(filled, all(put.whole for put in words.values()))

    def _joined(self, text: str) -> _Put:
        """Parts in English, if all of them are known; else, of sentences in a row, those that are."""
        best = _Put(text, False)
        for sign, joint in JOINTS:
            parts = text.split(sign, 1 if sign == "：" else -1)
            if not 1 < len(parts) <= MOST_LOOKS:
                continue
            put = [self.of(part) for part in parts]
            joined = joint.join(each.text for each in put)
            if all(each.whole for each in put):
                return _Put(joined, True)
            if sign in "；：" and best.text == text and [each.text for each in put] != parts:
                best = _Put(joined, False)
        return best
