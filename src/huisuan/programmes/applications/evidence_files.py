"""Whether a file may be kept as evidence: what it is called, what it is, and that nothing in it runs or bursts. Pure.

The kind follows from the content and must agree with the extension. PDF, pictures, OFD, and XLSX and DOCX without
macros; a plain archive is none, for nobody can see what is in it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest
from huisuan.programmes.models.limits import LARGEST_BYTES

LARGEST_UNPACKED = 200 * 1024 * 1024
MOST_PARTS = 5_000
_LONGEST_NAME = 120
_CHUNK = 1 << 20
_LONGEST_TYPES = 4 << 20  # bytes of the list of content types: 5,000 parts need less than one MiB
#: all that office software writes. Of the others zipfile unpacks a whole chunk at once: 500 bytes become gigabytes.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MACROS = re.compile(r"vbaproject|vbadata|macrosheets|activex|\.(?:exe|dll|js|vbs|bat|cmd|ps1|jar|scr|hta|lnk)$", re.I)
READER_SECONDS = 60
NO_SECRETS = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}  # nothing of ours for who breaks the reader
#: what a browser or another program would take a picture or a document for
POLYGLOT = re.compile(rb"<script|<html|<!doctype html|<svg|<\?php|<iframe", re.I)
END_OF_ZIP = b"PK\x05\x06"
MOST_ZIP_COMMENT = 65_557
OOXML = "application/vnd.openxmlformats-officedocument."


class TooLarge(InvalidRequest):
    """A file larger than evidence may be."""


@dataclass(frozen=True)
class _FileKind:
    """A kind of file: its name, its extensions, its media type, and whether a content is of it."""

    name: str
    extensions: tuple[str, ...]
    media_type: str
    fits: Callable[[bytes], bool]
    main_part: str = ""  # of a kind that is a package: the part without which it is none


@dataclass(frozen=True)
class Accepted:
    """A file that may be kept: its name, and what it really is."""

    filename: str
    media_type: str


def _pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:]


def _png(content: bytes) -> bool:
    """Its chunks end with IEND, and the file with them."""
    at, kind = 8, b""
    while kind != b"IEND" and at + 12 <= len(content):
        kind = content[at + 4 : at + 8]
        at += 12 + int.from_bytes(content[at : at + 4])
    return content.startswith(b"\x89PNG\r\n\x1a\n") and kind == b"IEND" and at == len(content)


def _jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[3:]


def _package(content: bytes) -> bool:
    return content.startswith(b"PK\x03\x04")


_KINDS = (
    _FileKind("PDF", (".pdf",), "application/pdf", _pdf),
    _FileKind("PNG", (".png",), "image/png", _png),
    _FileKind("JPEG", (".jpg", ".jpeg"), "image/jpeg", _jpeg),
    _FileKind("OFD", (".ofd",), "application/ofd", _package, "OFD.xml"),
    _FileKind("XLSX", (".xlsx",), f"{OOXML}spreadsheetml.sheet", _package, "xl/workbook.xml"),
    _FileKind("DOCX", (".docx",), f"{OOXML}wordprocessingml.document", _package, "word/document.xml"),
)
EXTENSIONS = tuple(extension for kind in _KINDS for extension in kind.extensions)


def check_evidence(filename: str, content: bytes) -> Accepted:
    """The file as it may be kept.

    Raises:
        InvalidRequest: which file, what is wrong with it, what to do.
    """
    name = _name(filename)
    kind = _kind(name)
    if not content:
        raise InvalidRequest(f"“{name}”是空文件：请重新导出后上传", code="evidence.empty")
    if len(content) > LARGEST_BYTES:
        most = LARGEST_BYTES // (1024 * 1024)
        raise TooLarge(f"“{name}”超过 {most} MB：请压缩图片，或拆成几个文件", code="evidence.too_large")
    if not kind.fits(content):
        raise InvalidRequest(
            f"“{name}”的内容不是完整的 {kind.name}，与扩展名不符：请用原来的软件打开，重新导出为 {kind.name}",
            code="evidence.content_incomplete",
        )
    if POLYGLOT.search(content) or (not kind.main_part and END_OF_ZIP in content[-MOST_ZIP_COMMENT:]):
        raise InvalidRequest(
            f"“{name}”里还藏着网页、脚本或压缩包：请用原来的软件重新导出为 {kind.name}", code="evidence.hidden_content"
        )
    if kind.main_part:
        _check_package(name, kind, content)
    if kind.main_part or kind.name == "PDF":
        _check_active(name, kind, content)
    return Accepted(name, kind.media_type)


def _check_active(name: str, kind: _FileKind, content: bytes) -> None:
    """Have a child with limits look for what would run: whatever the file does to its reader, it does it there."""
    command = [sys.executable, "-P", "-m", "huisuan.programmes.applications.active_content", kind.name]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=READER_SECONDS, check=False, env=NO_SECRETS
        )
        found, broken = done.stdout.decode("utf-8", "replace"), done.returncode != 0
    except subprocess.TimeoutExpired:
        found, broken = "", True
    if found:
        raise InvalidRequest(
            f"“{name}”里有{found}：请用原来的软件打印或另存为不带它的 {kind.name}", code="evidence.active_content"
        )
    if broken:
        raise InvalidRequest(
            f"“{name}”已损坏、加了密码或过于复杂，打不开：请重新导出为 {kind.name}", code="evidence.unreadable"
        )


def _name(filename: str) -> str:
    name = unicodedata.normalize("NFC", filename).strip()
    if not name or name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|'):
        raise InvalidRequest(
            f'文件名“{_visible(name)}”不能用：不能带路径或 / \\ : * ? " < > |，不能以点开头；请改名',
            code="evidence.name_malformed",
        )
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in name):
        raise InvalidRequest(
            f"文件名“{_visible(name)}”里有看不见的字符（可能掩盖真正的扩展名）：请改名", code="evidence.name_malformed"
        )
    if len(name) > _LONGEST_NAME:
        raise InvalidRequest(f"文件名“{name[:40]}…”超过 {_LONGEST_NAME} 个字：请改短", code="evidence.name_too_long")
    return name


def _visible(name: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in name[:_LONGEST_NAME])


def _kind(name: str) -> _FileKind:
    for kind in _KINDS:
        if name.lower().endswith(kind.extensions):
            return kind
    accepted = "、".join(kind.name for kind in _KINDS)
    raise InvalidRequest(
        f"“{name}”不在可收的种类里：只收 {accepted}；压缩包请解开后逐个上传，带宏的文件请另存为不带宏的",
        code="evidence.kind_unknown",
    )


def _check_package(name: str, kind: _FileKind, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            _check_parts(name, kind, parts)
            for part in parts:
                _unpack(package, part)
            if b"macroenabled" in _content_types(package).lower():
                raise InvalidRequest(f"“{name}”带宏：请另存为不带宏的 {kind.name}", code="evidence.active_content")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise InvalidRequest(f"“{name}”已损坏，打不开：请重新导出为 {kind.name}", code="evidence.unreadable") from None


def _check_parts(name: str, kind: _FileKind, parts: list[zipfile.ZipInfo]) -> None:
    names = [part.filename for part in parts]
    if kind.main_part not in names:
        raise InvalidRequest(
            f"“{name}”的内容不是 {kind.name}，与扩展名不符：压缩包请解开后逐个上传", code="evidence.content_mismatch"
        )
    if any(part.flag_bits & 1 for part in parts):
        raise InvalidRequest(f"“{name}”加了密码：请去掉密码后上传", code="evidence.encrypted")
    if any(part.compress_type not in _PACKINGS for part in parts):
        raise InvalidRequest(
            f"“{name}”用了不常见的压缩方式：请用原来的软件重新导出为 {kind.name}", code="evidence.packing_unknown"
        )
    if any(MACROS.search(part) for part in names):
        raise InvalidRequest(
            f"“{name}”里有宏或可执行的内容：请另存为不带宏的 {kind.name}", code="evidence.active_content"
        )
    if any(part.startswith("/") or ".." in part.split("/") or "\\" in part for part in names):
        raise InvalidRequest(f"“{name}”里有指向包外的路径：请用原来的软件重新导出", code="evidence.path_outside")
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
        most = LARGEST_UNPACKED // (1024 * 1024)
        raise InvalidRequest(
            f"“{name}”解开后超过 {most} MB 或 {MOST_PARTS} 个部分：请拆成几个文件", code="evidence.too_large_unpacked"
        )


def _content_types(package: zipfile.ZipFile) -> bytes:
    """What the package says of its parts, empty where it says nothing.

    Raises:
        ValueError: it is longer than any office software makes it.
    """
    if "[Content_Types].xml" not in package.namelist():
        return b""
    with package.open("[Content_Types].xml") as opened:
        said = opened.read(_LONGEST_TYPES + 1)
    if len(said) > _LONGEST_TYPES:
        raise ValueError("content types too long")
    return said


def _unpack(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read a part to its end: what it says of its own size is checked against what comes out, with its checksum."""
    with package.open(part) as opened:
        while opened.read(_CHUNK):
            pass
