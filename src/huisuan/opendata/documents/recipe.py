"""A document made anew from its scanned text: what was judged is masked, blurred or left out. Pure.

Values are stored nowhere: what was found is found again in the same text, and known by its fingerprint. What is not
found again takes its whole line with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from huisuan.opendata.mask_tokens import mask_token, normal_value
from huisuan.opendata.names.stage import find_values
from huisuan.opendata.scanning.caged import ReadText
from huisuan.opendata.scanning.finding_kinds import FindingKind, mask_value
from huisuan.opendata.scanning.folding import FoldedText, fold_text
from huisuan.opendata.scanning.numbers import find_numbers
from huisuan.opendata.scanning.scan import fingerprint_of
from huisuan.opendata.scanning.words import find_words, looks_like_name

_KEPT = "false_alarm"
_TURNS = 4  # of looking for names that show once others are gone
_NO_BREAKS = {ord("\n"): " ", ord("\r"): " "}
NameFinder = Callable[[Sequence[str]], Iterable[str]]


class JudgedText(NamedTuple):
    """A finding in running text and what is done about it; `row` 0: many lines of the part are names."""

    kind: str
    part: str
    row: int
    fingerprint: str
    action: str


class TextPiece(NamedTuple):
    """Text of a line; what is `whole` was judged a false alarm, and must not be cut over two lines."""

    text: str
    whole: bool


@dataclass
class MadePart:
    """A part of a document made anew: its lines by number, each in pieces."""

    part: str
    lines: list[tuple[int, list[TextPiece]]]


@dataclass
class MadeDocument:
    """A document made anew; how many findings were judged how, how many values became how many tokens."""

    parts: list[MadePart]
    judged: Counter[str] = field(default_factory=Counter)
    values: int = 0
    tokens: int = 0
    lines_left_out: int = 0

    @property
    def rows(self) -> int:
        """How many lines it has."""
        return sum(len(part.lines) for part in self.parts)


class _Span(NamedTuple):
    start: int
    end: int
    kind: str
    value: str
    action: str


@dataclass(frozen=True)
class DocumentKeys:
    """The keys that a document is made anew by: for tokens, and for the fingerprints by which findings are known."""

    mask: bytes
    fingerprint: bytes


class DocumentRecipe:
    """What is done to each line of a document, by what was judged of it."""

    def __init__(self, judged: Iterable[JudgedText], keys: DocumentKeys, find_names: NameFinder) -> None:
        self._judged: dict[str, list[JudgedText]] = defaultdict(list)
        self._tokens: dict[str, str] = {}
        for one in judged:
            self._judged[one.part].append(one)
        self._keys, self._find_names = keys, find_names

    def make(self, texts: Sequence[ReadText], label: Callable[[str], str]) -> MadeDocument:
        """The document; `label` is how names of parts are stored."""
        made = MadeDocument([])
        names = self._names(texts, label)
        for text in texts:
            judged = self._judged[label(text.part)]
            made.judged.update(f"{one.kind} {one.action}" for one in judged)
            lines, left_out = _PartText(text, judged, self._keys.fingerprint, names, self._written).make()
            part = MadePart(label(text.part), lines)
            made.lines_left_out += left_out + self._without_new_names(part)
            made.parts.append(part)
        made.values, made.tokens = len(self._tokens), len(set(self._tokens.values()))
        return made

    def _names(self, texts: Sequence[ReadText], label: Callable[[str], str]) -> frozenset[str]:
        """The names that stand in lines where a name was found, and in those that follow them."""
        rows = {(one.part, one.row) for part in self._judged.values() for one in part if one.kind == FindingKind.NAME}
        lines = [
            fold_text("\t".join(cells)).text
            for text in texts
            for number, cells in text.rows
            if (label(text.part), number) in rows or (label(text.part), number - 1) in rows
        ]
        return frozenset(self._find_names(lines)) if lines else frozenset()

    def _without_new_names(self, made: MadePart) -> int:
        """Mask names that show only now that others are gone; a line that shows one to the end is left out."""
        left_out = 0
        for turn in range(_TURNS):
            kept = {piece.text for _, pieces in made.lines for piece in pieces if piece.whole}
            text = "\n".join("".join(piece.text for piece in pieces) for _, pieces in made.lines)
            new = {name for name in self._find_names([fold_text(text).text]) if name not in kept}
            if not new:
                break
            lines = []
            for number, pieces in made.lines:
                if not any(name in piece.text for name in new for piece in pieces if not piece.whole):
                    lines.append((number, pieces))
                elif turn == _TURNS - 1:
                    left_out += 1
                else:
                    lines.append((number, [self._masked(piece, new) for piece in pieces]))
            made.lines = lines
        return left_out

    def _masked(self, piece: TextPiece, names: Collection[str]) -> TextPiece:
        text = piece.text
        for name in sorted(names, key=len, reverse=True):
            if not piece.whole and name in text:
                text = text.replace(name, self._written(FindingKind.NAME, name, "mask"))
        return TextPiece(text, piece.whole)

    def _written(self, kind: str, value: str, action: str) -> str:
        if action == "mask":
            token = mask_token(self._keys.mask, value)
            self._tokens[normal_value(value)] = token
            return token
        return mask_value(FindingKind(kind), value) if action == "generalise" else ""


class _PartText:
    """The text of one part, as the scan joined it."""

    def __init__(
        self, text: ReadText, judged: Sequence[JudgedText], key: bytes, names: frozenset[str],
        written: Callable[[str, str, str], str],
    ) -> None:  # fmt: skip
        self._numbers = [number for number, _ in text.rows]
        self._lines = ["\t".join(cells).translate(_NO_BREAKS) for _, cells in text.rows]
        self._starts = [0]
        for line in self._lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._text = "\n".join(self._lines)
        self._key, self._names, self._write = key, names, written
        self._asked = {(one.kind, one.row, one.fingerprint): one.action for one in judged if one.row}
        whole = [one for one in judged if not one.row and one.action != _KEPT]
        self._lists = [one for one in whole if one.kind != FindingKind.UNREAD_NAMES]
        self._is_dropped = len(whole) > len(self._lists)

    def make(self) -> tuple[list[tuple[int, list[TextPiece]]], int]:
        """The lines made anew, and how many were left out as a whole; all of a text that nobody read for names."""
        if self._is_dropped:
            return [], len(self._lines)
        folded = fold_text(self._text)
        spans, met = self._spans(folded), set()
        for span in spans:
            met.add((span.kind, self._row(span.start), fingerprint_of(self._key, span.kind, span.value)))
        lost = {
            row for (kind, row, mark), action in self._asked.items() if action != _KEPT and (kind, row, mark) not in met
        }
        lines = self._cut(spans)
        made, left_out = [], 0
        for number, pieces, line in zip(self._numbers, lines, self._lines, strict=True):
            listed = self._lists and looks_like_name(line.strip())
            if number in lost:
                left_out += 1
            elif listed:
                made.append(
                    (number, [TextPiece(self._write(FindingKind.NAME, line.strip(), self._lists[-1].action), False)])
                )
            else:
                made.append((number, pieces))
        return made, left_out

    def _spans(self, folded: FoldedText) -> list[_Span]:
        """What was judged, in the text as written, in its order."""
        found = []
        for match in (*find_numbers(folded.text), *find_words(folded.text), *find_values(folded.text, self._names)):
            start, end = folded.origin(match.start), folded.origin(match.end - 1) + 1
            asked = (str(match.kind), self._row(start), fingerprint_of(self._key, match.kind, match.value))
            action = self._asked.get(asked)
            if action is not None:
                found.append(_Span(start, end, str(match.kind), match.value, action))
        return sorted(found, key=lambda span: (span.start, -span.end))

    def _row(self, place: int) -> int:
        return self._numbers[max(bisect_right(self._starts, place) - 1, 0)]

    def _cut(self, spans: Sequence[_Span]) -> list[list[TextPiece]]:
        """The text with every span written as judged, by line; a span over two lines stands in the first."""
        pieces: list[TextPiece] = []
        at = 0
        for place, span in enumerate(spans):
            if span.action == _KEPT:
                if span.start >= at and not self._is_met(span, spans[place + 1 : place + 4]):
                    pieces.append(TextPiece(self._text[at : span.start], False))
                    pieces.append(TextPiece(self._text[span.start : span.end], True))
                    at = span.end
                continue
            if span.end <= at:
                continue
            gone = self._text[max(span.start, at) : span.end]
            if span.start >= at:
                pieces.append(TextPiece(self._text[at : span.start], False))
                pieces.append(TextPiece(self._write(span.kind, span.value, span.action), False))
            pieces.append(TextPiece("\n" * gone.count("\n"), False))
            at = span.end
        pieces.append(TextPiece(self._text[at:], False))
        return _by_line(pieces)

    def _is_met(self, kept: _Span, following: Sequence[_Span]) -> bool:
        """Whether a span that stays as it is cannot be one piece: it goes over a line, or another begins in it."""
        return "\n" in self._text[kept.start : kept.end] or any(one.start < kept.end for one in following)


def _by_line(pieces: Iterable[TextPiece]) -> list[list[TextPiece]]:
    lines: list[list[TextPiece]] = [[]]
    for piece in pieces:
        first, *others = piece.text.split("\n")
        lines[-1].append(TextPiece(first, piece.whole))
        lines += [[TextPiece(text, piece.whole)] for text in others]
    return [[piece for piece in line if piece.text] for line in lines]
