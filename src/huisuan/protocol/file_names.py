"""File names as text that can be shown, typed and sent: on one line, reversible, whatever bytes a name is made of.

A name on Linux is bytes. Here a name in UTF-8 stands as it is; a byte that is no UTF-8, a control or formatting
character (a line end, a mark that turns the direction of writing) and a private one stand as `\\xNN`, a backslash as
two. A path is such names joined by `/`, relative, never empty, `.` or `..`.
"""

from __future__ import annotations

import re
import unicodedata

from huisuan.base.text_length import shortened

MOST_PATH_BYTES = 4096  # as Linux has it
MOST_NAME_BYTES = 255
MOST_DEPTH = 100  # names in one path
_ESCAPE = re.compile(r"\\(?:(\\)|x([0-9a-f]{2}))|(\\)|[^\\]+", re.DOTALL)
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class BadPath(ValueError):
    """A text that is no path of this form; the message says why, in Chinese."""


def name_to_text(name: bytes) -> str:
    """A name of a file as text."""
    return "".join(map(_to_text, name.decode("utf-8", "surrogateescape")))


def text_to_name(text: str) -> bytes:
    """The name that a text stands for.

    Raises:
        BadPath: a backslash begins no escape, or the text is no Unicode.
    """
    found = bytearray()
    for match in _ESCAPE.finditer(text):
        backslash, code, lone = match.groups()
        if lone:
            raise BadPath(f"{text}：反斜杠要写成两个，或写成 \\xNN（一个字节，两位小写十六进制）")
        try:
            found += b"\\" if backslash else bytes([int(code, 16)]) if code else match[0].encode()
        except UnicodeEncodeError:
            raise BadPath(f"{text!r} 不是合法的文字") from None
    return bytes(found)


def path_to_names(text: str) -> tuple[bytes, ...]:
    """The names of which a relative path is made; none for "".

    Raises:
        BadPath: it is absolute, leads upwards, or no file can have such a name.
    """
    if not text:
        return ()
    if len(text) > 4 * MOST_PATH_BYTES:
        raise BadPath("路径太长")
    names = tuple(text_to_name(part) for part in text.split("/"))
    if any(name in (b"", b".", b"..") for name in names):
        raise BadPath(f"{text}：应是相对路径，不含空的一段、. 或 ..")
    if any(b"\0" in name or b"/" in name or len(name) > MOST_NAME_BYTES for name in names):
        raise BadPath(f"{shortened(text, 80)}：没有文件能叫这个名字（一段至多 {MOST_NAME_BYTES} 字节，不含 NUL 与 /）")
    if len(names) > MOST_DEPTH or sum(map(len, names)) + len(names) > MOST_PATH_BYTES:
        raise BadPath("路径太长")
    return names


def names_to_path(names: tuple[bytes, ...]) -> str:
    """Such names as a path."""
    return "/".join(map(name_to_text, names))


def _to_text(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
