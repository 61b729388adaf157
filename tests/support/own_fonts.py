"""A font as an office owns it: the one that is shipped, under another name."""

from __future__ import annotations

import struct
from importlib.resources import files

_FAMILY, _UNIQUE, _FULL, _POSTSCRIPT = 1, 3, 4, 6  # names of the OpenType table `name`


def shipped_as(family: str) -> bytes:
    """Noto Serif SC whose table of names says another, shorter family; nothing else is touched."""
    font = files("pylopdf_fonts_zh_cn").joinpath("NotoSerifSC-Regular.otf").read_bytes()
    made, said = bytearray(font), family.encode("utf-16-be")
    tables = range(12, 12 + 16 * struct.unpack_from(">H", font, 4)[0], 16)
    at = next(struct.unpack_from(">I", font, one + 8)[0] for one in tables if font[one : one + 4] == b"name")
    _, count, strings = struct.unpack_from(">3H", font, at)
    for place in range(at + 6, at + 6 + 12 * count, 12):
        platform, _, _, name, length, offset = struct.unpack_from(">6H", font, place)
        if name in (_FAMILY, _UNIQUE, _FULL, _POSTSCRIPT):
            assert platform == 3  # UTF-16, as all of this font's names are
            assert len(said) <= length
            struct.pack_into(">H", made, place + 8, len(said))
            made[at + strings + offset : at + strings + offset + len(said)] = said
    return bytes(made)
