"""The commands that the manual shows: those of the sh blocks, and those between backticks in the text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(huisuan [^`]+)`")
#: groups whose commands need no platform, and are run as they stand
ALONE = frozenset({"law", "policy", "simulate"})
ELLIPSIS = {"…", "..."}


@dataclass(frozen=True)
class Shown:
    """A command as it stands on a page. `whole`: from a block, to be typed so; else in a sentence, maybe short."""

    page: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def shown(page: Path) -> list[Shown]:
    """The commands of a page, without `huisuan` itself; each once."""
    text = page.read_text("utf-8")
    lines = [line for block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    found = [Shown(page.name, words, True) for line in lines for words in _commands(line)]
    found += [
        Shown(page.name, words, False) for line in INLINE.findall(BLOCK.sub("", text)) for words in _commands(line)
    ]
    return list(dict.fromkeys(found))


def _commands(line: str) -> list[tuple[str, ...]]:
    """The commands of one line of shell: comments, redirections and optional [parts] are left out."""
    plain = re.sub(r"\[[^\]]*\]", "", line)
    try:
        words = shlex.split(plain.replace("；", " ； "), comments=True)
    except ValueError:
        return []
    found = []
    while "huisuan" in words:
        words = words[words.index("huisuan") + 1 :]
        end = next((at for at, word in enumerate(words) if word in {"|", ">", "&&", ";", "；", "&"}), len(words))
        command = [word for word in words[:end] if word not in ELLIPSIS]
        if command:
            found.append(tuple(command))
        words = words[end:]
    return found
