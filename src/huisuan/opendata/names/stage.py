"""All names of a text: its sentences through the tagger, each once, and what cues say; chunk by chunk. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from huisuan.opendata.names.cues import BEFORE_NAMES, cued_names
from huisuan.opendata.names.lac_model import load_tagger, model_digest, model_name
from huisuan.opendata.scanning.finding_kinds import Confidence, FindingKind
from huisuan.opendata.scanning.numbers import TextMatch
from huisuan.opendata.scanning.scan import RULES
from huisuan.opendata.scanning.words import looks_like_name

_SENTENCE = re.compile(r"[^。！？；\n\t]+[。！？；]?")
_WINDOW = 120  # signs that the tagger is given at once
_OVERLAP = 40  # signs of the window before, where nothing divides them: longer than any name
_DIVIDE = re.compile(r"[，、,：:\s]")
_BROKEN = re.compile(r"(?<=[^\n]{24}[一-鿿，、])\n(?=[一-鿿])")
_HAN = re.compile("[一-鿿]")
_NAME = re.compile("[一-鿿]{2,4}|[一-鿿]{1,6}(?:·[一-鿿]{1,8}){1,3}")


def current_rules() -> str:
    """The rules that a scan is made by, and with them the whole digest of the model: a new model scans anew, too."""
    model = model_name()
    return f"{RULES}+{model}+{model_digest()}" if model else RULES


def rules_in_words(rules: str) -> str:
    """The version of rules as people read it: without the digest of the model."""
    return "+".join(rules.split("+")[:2])


def find_names(text: str) -> list[TextMatch]:
    """The names in a folded text, in its order, none twice in one place."""
    joined = _Joined(text)
    places: dict[str, list[int]] = defaultdict(list)
    for found in _SENTENCE.finditer(joined.text):
        for start, end in _windows(found[0]):
            if _HAN.search(found[0], start, end):
                places[found[0][start:end]].append(found.start() + start)
    tagged = (
        (at + start, at + end)
        for sentence, names in zip(places, _tagged(list(places)), strict=True)
        for start, end in names
        for at in places[sentence]
    )
    spans: dict[tuple[int, int], Confidence] = {}
    for start, end in _merged(tagged):
        spans[start, end] = Confidence.HIGH if looks_like_name(joined.text[start:end]) else Confidence.LOW
    for span in cued_names(joined.text):
        spans.setdefault(span, Confidence.LOW)
    return list(_apart(joined, spans))


def _windows(sentence: str) -> Iterator[tuple[int, int]]:
    """The pieces of a sentence that the tagger is given: cut where a sign divides it, and else with an overlap."""
    start = 0
    while len(sentence) - start > _WINDOW:
        cuts = [found.end() for found in _DIVIDE.finditer(sentence, start + _OVERLAP, start + _WINDOW)]
        end = cuts[-1] if cuts else start + _WINDOW
        yield start, end
        start = end if cuts else end - _OVERLAP
    yield start, len(sentence)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Names that overlap, seen in two windows, as one."""
    start = end = 0
    for begin, close in sorted(spans):
        if begin < end:
            end = max(end, close)
            continue
        if end:
            yield start, end
        start, end = begin, close
    if end:
        yield start, end


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
