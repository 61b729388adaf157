"""The commands that the manual shows: those of the sh blocks, and those between backticks in the text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer

from huisuan.cli.main import assemble

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "articles").glob("*.md"))]
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:[.\w/-]*/)?huisuan [^`]+)`")
ELLIPSIS = {"…", "..."}


@dataclass(frozen=True)
class Shown:
    """A command as it stands on a page. `whole`: from a block, to be typed so; else in a sentence, maybe short.

    `into`: the file that its output goes to.
    """

    page: str
    words: tuple[str, ...]
    whole: bool
    into: str = ""

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"

    @property
    def is_complete(self) -> bool:
        """Whether nothing that must be given is left out, as a sentence may."""
        found, name, left = leaf(self.words)
        try:
            found.make_context(name, left)
        except Exception as error:
            if type(error).__name__ in ("MissingParameter", "BadParameter") and not self.whole:
                return False
            raise AssertionError(f"{self}: {getattr(error, 'message', error)}") from error
        return True


@cache  # typer builds all its options anew each time it is asked: half a second
def _root() -> Any:
    """`huisuan`, as click sees it."""
    return typer.main.get_command(assemble())


def leaf(words: tuple[str, ...]) -> tuple[Any, str, list[str]]:
    """The command that words name, its name, and the words after it."""
    found, left, names = _root(), list(words), ["huisuan"]
    while hasattr(found, "get_command"):
        assert left, f"{' '.join(names)} is a group"
        names.append(left.pop(0))
        found = found.get_command(None, names[-1])  # type: ignore[arg-type]
        assert found is not None, f"there is no {' '.join(names)}"
    return found, " ".join(names), left


def shown(page: Path) -> list[Shown]:
    """The commands of a page, without `huisuan` itself; each once."""
    text = page.read_text("utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    found = [Shown(page.name, words, True, into) for line in lines for words, into in _commands(line)]
    found += [
        Shown(page.name, words, False, into)
        for line in INLINE.findall(BLOCK.sub("", text))
        for words, into in _commands(line)
    ]
    return list(dict.fromkeys(found))


def _commands(line: str) -> list[tuple[tuple[str, ...], str]]:
    """The commands of one line of shell, each with the file that its output goes to.

    Comments and optional [parts] are left out.
    """
    plain = re.sub(r"\[[^\]]*\]", "", line)
    try:
        words = shlex.split(plain.replace("；", " ； "), comments=True)
    except ValueError:
        return []
    found = []
    while starts := [at for at, word in enumerate(words) if word == "huisuan" or word.endswith("/huisuan")]:
        words = words[starts[0] + 1 :]
        end = next((at for at, word in enumerate(words) if word in {"|", ">", "&&", ";", "；", "&"}), len(words))
        command = [word for word in words[:end] if word not in ELLIPSIS]
        if command:
            found.append((tuple(command), words[end + 1].rstrip(";") if words[end:][:1] == [">"] else ""))
        words = words[end:]
    return found
