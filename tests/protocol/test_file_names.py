"""Names of any bytes as text on one line, and back; texts that are no path are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.protocol.file_names import BadPath, name_to_text, names_to_path, path_to_names, text_to_name

NAMES = st.binary(min_size=1, max_size=255).filter(
    lambda name: not {b"/"[0], 0} & set(name) and name not in (b".", b"..")
)


@given(st.lists(NAMES, max_size=8).map(tuple))
def test_any_names_become_a_printable_path_and_come_back_as_they_were(names: tuple[bytes, ...]) -> None:
    path = names_to_path(names)
    assert path.isprintable()
    assert path_to_names(path) == names


@given(st.text(max_size=60))
def test_a_text_is_a_path_of_the_same_names_or_refused(text: str) -> None:
    try:
        names = path_to_names(text)
    except BadPath:
        return
    assert path_to_names(names_to_path(names)) == names
    assert not {b"", b".", b".."} & set(names)


def test_what_could_fool_a_reader_or_a_file_system_is_escaped_or_refused() -> None:
    assert name_to_text("算\n\u202e\\".encode() + b"\xff") == "算\\x0a\\xe2\\x80\\xae\\\\\\xff"
    assert text_to_name("模型.bin") == "模型.bin".encode()
    for text in ("/a", "a//b", "a/../b", ".", "a\\x2f", "a\\x00", "\\", "\\xFF", "x" * 256, "\ud800"):
        with pytest.raises(BadPath):
            path_to_names(text)
