"""The text of a web page, and what stands beside it: attributes, comments, scripts, styles, names of tags."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import unquote

_LINE_TAGS = frozenset(
    ("p", "div", "br", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "title", "table", "section",
     "article", "dt", "dd", "option", "pre", "blockquote")
)  # fmt: skip
_SCRIPTS = frozenset(["script", "style"])
_NOTES = frozenset(["rt", "rp", "rtc"])  # of ruby: they stand over the text, not in it
_NUMBER_IN_NAME = re.compile(r"\d{7}", re.ASCII)
_ESCAPED = re.compile(r"\\(?:u\{?([0-9A-Fa-f]{4,6})\}?|x([0-9A-Fa-f]{2})|([0-9A-Fa-f]{1,6})\s?)", re.ASCII)
_JOINED = re.compile(r"""["'`]\s*\+\s*["'`]""")
_DATA = re.compile(r"\s*data:[^,]*;base64,", re.IGNORECASE)
_LAST_SIGN = 0x10FFFF


class WebPage(HTMLParser):
    """`lines` of text, runs within a paragraph joined; `beside` what is no text; `unread` what nobody could read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.beside: list[str] = []
        self.unread: list[str] = []
        self._pieces: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins; what its attributes say is beside the text."""
        if tag in _LINE_TAGS:
            self.flush()
        self._inside = tag if tag in _SCRIPTS or tag in _NOTES else ""
        for name, value in attrs:
            if value and _DATA.match(value):
                self.unread.append("嵌入的内容（data:）")
            elif value and len(value) > 5:
                self._add(value)
            if _NUMBER_IN_NAME.search(name):
                self.beside.append(name)
        if _NUMBER_IN_NAME.search(tag):
            self.beside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """A tag ends."""
        self._inside = ""
        if tag in _LINE_TAGS:
            self.flush()

    def handle_data(self, data: str) -> None:
        """Text, or what runs."""
        if self._inside in _SCRIPTS:
            for line in data.splitlines():
                self._add(line)
        elif self._inside:
            self.beside.append(data)
        else:
            self._pieces.append(data)

    def handle_comment(self, data: str) -> None:
        """A comment."""
        self.beside += data.splitlines()

    def handle_decl(self, decl: str) -> None:
        """A document type."""
        self.beside.append(decl)

    def handle_pi(self, data: str) -> None:
        """An instruction."""
        self.beside.append(data)

    def unknown_decl(self, data: str) -> None:
        """A section such as CDATA."""
        self.beside += data.splitlines()

    def flush(self) -> None:
        """End the line."""
        line = "".join(self._pieces).strip()
        if line:
            self.lines.append(line)
        self._pieces = []

    def _add(self, written: str) -> None:
        """A value or a line of a script as it is written and, where it is written in escapes, as it is meant."""
        self.beside.append(written)
        meant = _JOINED.sub("", _ESCAPED.sub(_sign_of, unquote(written)))
        if meant != written:
            self.beside += meant.splitlines()


def _sign_of(found: re.Match[str]) -> str:
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if number <= _LAST_SIGN else ""


def read_page(text: str) -> WebPage:
    """The lines of a page, and what stands beside them."""
    page = WebPage()
    page.feed(text)
    page.close()
    page.flush()
    return page
