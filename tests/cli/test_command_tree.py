"""Every command of the tree, whatever there is: help, usage errors and `--json`; none of these touches the database."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from support.command_tree import GROUPS, LEAVES, Leaf, invoke

ROOT = Path(__file__).parents[2]
#: a word that a required parameter of this type takes; what is asked for must exist nowhere: these tests never run it
TAKEN = {int: "2024", datetime: "2024-01-01"}
#: why a command has no --json
NO_JSON = {"demo": "a show for people; scripts ask `huisuan settle show --json` and `huisuan trace --json` afterwards"}


@pytest.fixture(autouse=True)
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data directory that cannot be made: a command that asks for the database ends there, with another exit code."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "file" / "home"))


@pytest.mark.parametrize("words", GROUPS, ids=lambda words: " ".join(words) or "huisuan")
def test_the_help_of_a_group_names_each_of_its_commands_and_touches_nothing(words: tuple[str, ...]) -> None:
    below = {leaf.words[len(words)] for leaf in LEAVES if leaf.words[: len(words)] == words}
    for way, code in (("--help", 0), ("-h", 0), ("", 2)):
        result = invoke(*words, *filter(None, [way]))
        assert result.exit_code == code
        assert not [name for name in below if name not in result.output]


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_the_help_of_a_command_says_what_it_does_and_explains_each_parameter(leaf: Leaf) -> None:
    for way in ("--help", "-h"):
        result = invoke(*leaf.words, way)
        assert result.exit_code == 0, result.output
        assert leaf.command.help
        squeezed = "".join(result.output.split())
        assert "".join(leaf.command.help.splitlines()[0].split()) in squeezed.replace("││", "")
    assert not [parameter.name for parameter in leaf.command.params if not parameter.help and parameter.name != "help"]


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.required], ids=str)
def test_what_is_missing_is_named_and_is_wrong_usage_before_anything_is_touched(leaf: Leaf) -> None:
    for missing in leaf.required:
        given = [word for one in leaf.required if one is not missing for word in _given(one)]
        result = invoke(*leaf.words, *given)
        assert result.exit_code == 2, result.output
        assert _name(missing) in result.output


def _given(parameter: Any) -> list[str]:
    most = getattr(parameter.type_descriptor.parameter_info, "max", None)  # of a number within bounds
    value = str(most) if most is not None else TAKEN.get(parameter.type_descriptor.annotation, "x")
    values = [value] * max(1, parameter.nargs)
    return [parameter.opts[0], *values] if parameter.opts[0].startswith("-") else values


def _name(parameter: Any) -> str:
    """As the message names it."""
    return str(parameter.opts[0]) if parameter.opts[0].startswith("-") else str(parameter.display_name_raw)


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_every_command_answers_in_json_too_or_is_named_with_its_reason(leaf: Leaf) -> None:
    assert ("--json" in leaf.options) != (str(leaf) in NO_JSON)


def test_a_command_of_the_database_does_ask_for_it_once_its_words_are_understood() -> None:
    for words in (["party", "list"], ["meter", "verify", "no-such-centre"], ["trace", "E1"], ["settle", "list"]):
        result = invoke(*words)
        assert result.exit_code == 1
        assert "HUISUAN_HOME" in result.output, words


def test_what_needs_no_database_does_not_ask_for_it(tmp_path: Path) -> None:
    assert invoke("usage", "export-command", "--json").exit_code == 0
    countersigned = invoke("meter", "register", "--countersign", str(tmp_path / "none.json"), "--key", "k", "--by", "b")
    assert "none.json" in str(countersigned.exception)
    (tmp_path / "bundle").mkdir()
    assert "manifest.json" in str(invoke("meter", "verify", str(tmp_path / "bundle")).exception)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("share set 340100", "--most-cards"),
        ("share set 340100 --most-cards -1", "--most-cards"),
        ("share set 340100 --weight 0", "--weight"),
        ("restore", "--release"),
        ("restore x.backup --release", "--release"),
        ("login https://suan.example.cn --token t --username u", "--username"),
        ("meter register --countersign r.json", "--key"),
        ("simulate --trace t.csv", "--pool"),
        ("agent enrol https://suan.example.cn --token t --engine local --option rubbish", "--option"),
        ("job submit", "--"),
        ("law stack anhui-agi-2023/2.2", "--facts"),
        ("party show one two", "two"),
        ("party show --no-such-option one", "--no-such-option"),
        ("party no-such-command", "no-such-command"),
        ("no-such-group", "no-such-group"),
        ("tariff set c A 1 --from yesterday", "--from"),
        ("settle run --year soon", "--year"),
    ],
)
def test_words_that_cannot_be_meant_so_are_wrong_usage_before_anything_is_touched(words: str, named: str) -> None:
    result = invoke(*words.split())
    assert result.exit_code == 2, (result.exception, result.output)
    assert named in result.output


def test_the_version_is_that_of_the_package() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert invoke("--version").stdout == f"huisuan {told}\n"


@pytest.mark.slow
def test_the_shell_completes_commands_and_options_and_touches_nothing() -> None:
    for typed, at, wanted in (("huisuan party sh", 2, "show"), ("huisuan party show --js", 3, "--json")):
        asked = {"_HUISUAN_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(at)}
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv[0] = 'huisuan'; from huisuan.cli.main import main; main()"],
            env={**os.environ, **asked}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.split() == [wanted]
