"""Every command of the manual is one that there is, with options that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.manual import PAGES, Shown, shown

COMMANDS = [command for page in PAGES for command in shown(page)]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_the_command_and_its_options_are_there(command: Shown) -> None:
    # a sentence may leave out what is obvious there, or name it; a name that there is not is wrong everywhere
    assert command.is_complete or not command.whole


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_of_a_page_stands_where_it_is_not_looked_for(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    hidden = [line for line in lines if line.startswith("    ") and line.strip().startswith("huisuan ")]
    assert not hidden


def test_the_commands_of_a_page_are_found_in_blocks_and_in_sentences(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`huisuan law list` `.venv/bin/huisuan person list`\n```sh\n$ huisuan law facts \\\n  p 2.2 # why\n"
        "huisuan a b > f; huisuan c [--d 日]\n```\n"
    )
    assert [(one.words, one.whole, one.into) for one in shown(page)] == [
        (("law", "facts", "p", "2.2"), True, ""), (("a", "b"), True, "f"), (("c",), True, ""),
        (("law", "list"), False, ""), (("person", "list"), False, ""),
    ]  # fmt: skip
