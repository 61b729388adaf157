"""Whether a file says a name, however it is written; what could not be read to its end counts as saying it.

`python -m huisuan.programmes.scoring.names_in_file`, run in a child with limits (`bears_a_name` in identity.py): its
standard input is a line of JSON, the names, then the file. Prints `clean` where all text was read and no name is in
it, and anything else otherwise. Imports no Django.
"""

from __future__ import annotations

import html
import io
import json
import re
import resource
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from xml.parsers import expat

from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget
from huisuan.opendata.scanning.readers.pdf_text import read_pdf_blocks

CLEAN = "clean"
_MEMORY_BYTES, _CPU_SECONDS = 2 << 30, 30
_MOST_UNPACKED = 64 << 20  # bytes of a package that are looked at
_ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a limit


class _Unread(Exception):
    """A part whose text could not be read."""


def plain_text(text: str) -> str:
    """Full-width forms as plain ones, without signs that nobody sees."""
    return unicodedata.normalize("NFKC", text).translate(_invisible())


@cache
def _invisible() -> dict[int, None]:
    return {number: None for number in range(sys.maxunicode + 1) if unicodedata.category(chr(number)) == "Cf"}


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of the names in a plain text, in whatever case and spacing; None if there are none."""
    plain = [re.sub(r"\s", "", plain_text(name)) for name in names]
    signs = [r"\s*".join(map(re.escape, name)) for name in plain if name]
    return re.compile("|".join(signs), re.IGNORECASE) if signs else None


def is_clean(content: bytes, names: Iterable[str]) -> bool:
    """Whether all text of a file was read, and no name is in it. What is drawn within a document is not seen."""
    wanted = name_pattern(names)
    try:
        return not any(wanted and wanted.search(plain_text(text)) for text in _texts(content))
    except (_Unread, zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, MemoryError):
        return False


def _texts(content: bytes) -> Iterator[str]:
    """Every text of a file.

    Raises:
        Exception: some of it cannot be read.
    """
    if content.startswith(_PICTURES):
        raise _Unread
    yield from _readings(content)
    if content.startswith(b"PK"):
        yield from _package(content)
    elif b"%PDF-" in content[:1024]:
        for found in read_pdf_blocks(content, ReadBudget(unpacked=_MOST_UNPACKED)):
            if not isinstance(found, Block):
                raise _Unread
            yield "\n".join(cell for _, cells in found.rows for cell in cells)


def _readings(content: bytes) -> Iterator[str]:
    """Bytes as text in any encoding, and without marks of format, by which a name may be cut."""
    for encoding in _ENCODINGS:
        text = content.decode(encoding, "ignore")
        yield text
        yield html.unescape(re.sub(r"<[^<>]*>", "", text))


def _package(content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = package.infolist()
        if any(part.flag_bits & 1 or part.compress_type not in _PACKINGS for part in parts):
            raise _Unread
        if sum(part.file_size for part in parts) > _MOST_UNPACKED:
            raise _Unread
        for part in parts:
            yield part.filename
            inside = package.read(part)
            if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                yield from _xml(inside)
            elif not inside.startswith(_PICTURES):
                yield from _readings(inside)


def _xml(content: bytes) -> Iterator[str]:
    """What a part says between its marks, without a break, and in its attributes."""
    words: list[str] = []
    said: list[str] = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = words.append
    parser.CommentHandler = said.append
    parser.StartElementHandler = lambda _, attributes: said.extend(attributes.values())
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise _Unread from None
    yield "".join(words)
    yield "\n".join(said)


def main() -> None:
    """Say whether the file of the standard input is clean of the names in its first line."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    names = json.loads(sys.stdin.buffer.readline())
    sys.stdout.write(CLEAN if is_clean(sys.stdin.buffer.read(), names) else "named or unread")


if __name__ == "__main__":
    main()
