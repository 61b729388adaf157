"""All names of a text: its sentences through the tagger, each once, and what cues say; chunk by chunk. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from huisuan.opendata.names.cues import BEFORE_NAMES, cued_names
from huisuan.opendata.names.lac_model import load_tagger, model_name
from huisuan.opendata.scanning.finding_kinds import Confidence, FindingKind
from huisuan.opendata.scanning.numbers import TextMatch
from huisuan.opendata.scanning.scan import RULES
from huisuan.opendata.scanning.words import looks_like_name

_SENTENCE = re.compile(r"[^。！？；\n\t]{1,120}[。！？；]?")
_BROKEN = re.compile(r"(?<=[^\n]{24}[一-鿿，、])\n(?=[一-鿿])")
_HAN = re.compile("[一-鿿]")
_NAME = re.compile("[一-鿿]{2,4}|[一-鿿]{1,6}(?:·[一-鿿]{1,8}){1,3}")


def current_rules() -> str:
    """The rules that a scan is made by, and with them the model, if there is one: a new model scans anew, too."""
    model = model_name()
    return f"{RULES}+{model}"[:20] if model else RULES


def find_names(text: str) -> list[TextMatch]:
    """The names in a folded text, in its order, none twice in one place."""
    joined = _Joined(text)
    places: dict[str, list[int]] = defaultdict(list)
    for found in _SENTENCE.finditer(joined.text):
        if _HAN.search(found[0]):
            places[found[0]].append(found.start())
    spans: dict[tuple[int, int], Confidence] = {}
    for sentence, names in zip(places, _tagged(list(places)), strict=True):
        for start, end in names:
            sure = Confidence.HIGH if looks_like_name(sentence[start:end]) else Confidence.LOW
            spans.update({(at + start, at + end): sure for at in places[sentence]})
    for span in cued_names(joined.text):
        spans.setdefault(span, Confidence.LOW)
    return list(_apart(joined, spans))


def find_values(text: str, names: Collection[str]) -> list[TextMatch]:
    """Where these names stand in a folded text, the longest first."""
    joined, found = _Joined(text), []
    for name in sorted(names, key=len, reverse=True):
        at = joined.text.find(name)
        while at >= 0:
            found.append(joined.match(at, at + len(name), Confidence.HIGH))
            at = joined.text.find(name, at + 1)
    return found


class _Joined:
    """A text whose broken lines are joined: a long line that ends within a sentence, and one that goes on."""

    def __init__(self, text: str) -> None:
        breaks = [found.start() for found in _BROKEN.finditer(text)]
        self.text = _BROKEN.sub("", text) if breaks else text
        self._breaks = [place - number for number, place in enumerate(breaks)]  # places in the joined text

    def match(self, start: int, end: int, sure: Confidence) -> TextMatch:
        """A name, by its places in the text as it came."""
        begin = start + bisect_right(self._breaks, start)
        close = end - 1 + bisect_right(self._breaks, end - 1) + 1
        return TextMatch(FindingKind.NAME, begin, close, self.text[start:end], sure)


def names_in_lines(lines: Sequence[str]) -> set[str]:
    """The names that stand in these lines, each judged by itself."""
    return {match.value for match in find_names("\n".join(lines))}


def _tagged(sentences: Sequence[str]) -> list[list[tuple[int, int]]]:
    tagger = load_tagger()
    if tagger is None:
        return [[] for _ in sentences]
    return [
        [span for span in spans if _is_one(sentence[slice(*span)])]
        for sentence, spans in zip(sentences, tagger.names(sentences), strict=True)
    ]


def _is_one(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and text not in BEFORE_NAMES


def _apart(joined: _Joined, spans: dict[tuple[int, int], Confidence]) -> Iterator[TextMatch]:
    """Without overlaps: of two that meet the one that begins first, the longer one of those that begin together."""
    done = 0
    for (start, end), sure in sorted(spans.items(), key=lambda item: (item[0][0], -item[0][1])):
        if start >= done:
            done = end
            yield joined.match(start, end, sure)
