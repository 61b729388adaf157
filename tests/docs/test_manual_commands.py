"""Every command of the manual is one that there is, with options that it takes; those that stand alone are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from huisuan.cli.main import assemble
from support.manual import ALONE, PAGES, Shown, shown

COMMANDS = [command for page in PAGES for command in shown(page)]
#: why the others are not run here: what they need, and that they are run by tests of their own
NEEDS = {
    "agent": "a centre's machine (tests/compute/test_agent*.py)",
    "centre": "a party (tests/compute/centres/test_services.py)",
    "job": "a platform that serves, and a job (tests/compute/jobs/cli/test_commands.py)",
    "login": "a platform that serves (tests/client)",
    "meter": "a sealed month, or another's files and keys (tests/compute/metering/cli/test_meter_commands.py)",
    "migrate": "a database of its own (tests/serving)",
    "party": "a register to import (tests/system/chain)",
    "person": "people (tests/parties)",
    "settings": "a proposal and two people (tests/settlement/adoption/test_adoption.py)",
    "settle": "a year of use (tests/system/chain)",
    "share": "a party (tests/compute)",
    "tariff": "a centre (tests/compute/centres/test_tariffs.py)",
    "token": "people (tests/parties)",
    "trace": "a settled year (tests/system/chain)",
    "up": "a machine to itself (tests/serving)",
    "usage": "a centre and an accounting file (tests/compute/metering/cli/test_usage_commands.py)",
    "backup": "a platform of its own (tests/serving)",
    "restore": "a platform of its own (tests/serving)",
    "demo": "a machine to itself (make demo)",
}


def leaf(words: tuple[str, ...]) -> tuple[Any, str, list[str]]:
    """The command that words name, its name, and the words after it."""
    found, left, names = typer.main.get_command(assemble()), list(words), ["huisuan"]
    while hasattr(found, "get_command"):
        assert left, f"{' '.join(names)} is a group"
        names.append(left.pop(0))
        found = found.get_command(None, names[-1])  # type: ignore[arg-type]
        assert found is not None, f"there is no {' '.join(names)}"
    return found, " ".join(names), left


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_the_command_and_its_options_are_there(command: Shown) -> None:
    found, name, left = leaf(command.words)
    try:
        found.make_context(name, left)
    except Exception as error:
        # a sentence may leave out what is obvious there, or name it; a name that there is not is wrong everywhere
        if command.whole or type(error).__name__ not in ("MissingParameter", "BadParameter"):
            raise AssertionError(f"{command}: {getattr(error, 'message', error)}") from error


def test_every_group_is_run_or_says_what_it_needs() -> None:
    assert {command.words[0] for command in COMMANDS} <= ALONE | NEEDS.keys()


def test_the_commands_of_a_page_are_found_in_blocks_and_in_sentences(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`huisuan law list`\n```sh\n$ huisuan law facts \\\n  p 2.2 # why\nhuisuan a b > f; huisuan c [--d 日]\n```\n"
    )
    assert [(one.words, one.whole) for one in shown(page)] == [
        (("law", "facts", "p", "2.2"), True), (("a", "b"), True), (("c",), True), (("law", "list"), False),
    ]  # fmt: skip
