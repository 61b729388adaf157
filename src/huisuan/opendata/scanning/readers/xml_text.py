"""The text of an XML part, with expat: by paragraph, so that runs are joined, or every text and attribute by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from xml.parsers import expat

from huisuan.opendata.scanning.readers.blocks import Unreadable


def parse_xml(
    content: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    aside: Callable[[str], None],
) -> None:
    """Call back for each element (names without prefix) and text; comments, instructions and long names go `aside`.

    Raises:
        Unreadable: not well formed, or with a document type, which may define entities without end.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise Unreadable("XML 含有文档类型声明（DTD），不予读取")

    def begin(name: str, attributes: dict[str, str]) -> None:
        for word in (name, *attributes):
            if _NUMBER_IN_NAME.search(word):
                aside(word)
        start(name.rpartition(":")[2], attributes)

    parser.StartDoctypeDeclHandler = refuse
    parser.CommentHandler = aside
    parser.ProcessingInstructionHandler = lambda target, data: aside(f"{target} {data}")
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    parser.CharacterDataHandler = text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Unreadable(f"XML 不合法（第 {error.lineno} 行）") from None


_OF_FONTS = 0xF000  # where fonts of symbols repeat the signs of ASCII
_NUMBER_IN_NAME = re.compile(r"\d{7}", re.ASCII)
#: attributes that hold marks of editing and geometry: passed over as long as they look like it
_NO_TEXT = re.compile(r"rsid|paraId|textId|guid|Boundary|Delta[XY]|CTM|uid$", re.IGNORECASE)
_NO_TEXT_VALUE = re.compile(
    r"[0-9A-F]{8}|\{?[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}?|(?:(?:g |-?\d{1,3}(?:\.\d{0,4})?)(?: |$))+",
    re.IGNORECASE | re.ASCII,
)


def written_attributes(attributes: dict[str, str], shortest: int) -> list[str]:
    """What somebody may have written into attributes, in as many characters as `shortest` or more."""
    return [
        value
        for key, value in attributes.items()
        if len(value) >= shortest and not (_NO_TEXT.search(key) and _NO_TEXT_VALUE.fullmatch(value))
    ]


class ParagraphText:
    """Collects lines: text within a paragraph is joined, whatever runs it is cut into."""

    def __init__(
        self, paragraphs: Collection[str], breaks: Collection[str] = (), *, shortest: int = 6,
        without: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.lines: list[str] = []
        self._paragraphs, self._breaks, self._shortest = frozenset(paragraphs), frozenset(breaks), shortest
        self._without, self._within_left_out = frozenset(without), False
        self._pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; what its attributes say is a line of its own."""
        self._within_left_out = name in self._without
        if name == "sym":  # a sign by its number in a font
            self._pieces.append(_sign_of(attributes))
        if name in self._breaks:
            self._pieces.append("\t")
        if self._shortest:
            self.lines += written_attributes(attributes, self._shortest)

    def end(self, name: str) -> None:
        """An element ends; with a paragraph, its line."""
        self._within_left_out = False
        if name in self._paragraphs:
            self.flush()

    def text(self, text: str) -> None:
        """Text of a run."""
        if not self._within_left_out:
            self._pieces.append(text)

    def aside(self, text: str) -> None:
        """What stands in a comment, an instruction or a name: lines of their own."""
        if self._shortest:
            self.lines += text.splitlines()

    def flush(self) -> None:
        """End the line."""
        line = "".join(self._pieces).strip("\r\n")
        if line.strip():
            self.lines.append(line)
        self._pieces = []


def _sign_of(attributes: dict[str, str]) -> str:
    code = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "char"), "")
    if re.fullmatch("[0-9A-Fa-f]{1,4}", code) is None:
        return ""
    number = int(code, 16)
    return chr(number - _OF_FONTS if _OF_FONTS <= number < _OF_FONTS + 0x100 else number)


def paragraphs_of(
    content: bytes, paragraphs: Collection[str], breaks: Collection[str] = (), *, shortest: int = 6,
    without: Collection[str] = (),
) -> list[str]:  # fmt: skip
    """The lines of a part, and what attributes say in as many characters as `shortest` or more (0: nothing).

    The text of elements `without` is left out.

    Raises:
        Unreadable: not well formed, or with a document type.
    """
    found = ParagraphText(paragraphs, breaks, shortest=shortest, without=without)
    parse_xml(content, found.start, found.end, found.text, found.aside)
    found.flush()
    return found.lines


def every_text_of(content: bytes, *, shortest: int = 6) -> list[str]:
    """Every text of a part, and every value of an attribute that is not shorter, each a line.

    Raises:
        Unreadable: not well formed, or with a document type.
    """
    found = ParagraphText((), shortest=shortest)

    def start(name: str, attributes: dict[str, str]) -> None:
        found.flush()
        found.start(name, attributes)

    parse_xml(content, start, lambda _: found.flush(), found.text, found.aside)
    found.flush()
    return found.lines


def attributes_of(content: bytes) -> list[str]:
    """What the attributes and comments of a part say, each a line.

    Raises:
        Unreadable: not well formed, or with a document type.
    """
    found = ParagraphText(())
    parse_xml(content, found.start, lambda _: None, lambda _: None, found.aside)
    return found.lines
