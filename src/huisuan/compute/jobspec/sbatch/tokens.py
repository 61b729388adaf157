"""Which lines of a script sbatch reads, and how it cuts them into options. Pure.

Only lines that begin with #SBATCH in the first column, and only before the first command; what looks like one
elsewhere is a comment to sbatch, and is told.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.compute.jobspec.core.parse_result import Place, Reading, nearest
from huisuan.compute.jobspec.sbatch.options import BY_SHORT, OPTIONS, Option, Takes, named

_MAGIC = "#SBATCH"


@dataclass(frozen=True)
class Token:
    """A word of a #SBATCH line, its quotes taken away."""

    at: Place
    text: str


@dataclass(frozen=True)
class Given:
    """An option as the script gives it; `value` None where it has none."""

    at: Place
    option: Option
    value: str | None


def given_options(script: str, reading: Reading) -> list[Given]:
    """The options of a script, in order; a later one overrides an earlier one."""
    return list(_parsed(_tokens(script, reading), reading))


def _tokens(script: str, reading: Reading) -> list[Token]:
    found: list[Token] = []
    commands = False
    for number, line in enumerate(script.split("\n"), start=1):
        if line.startswith(_MAGIC) and not commands:
            found += _words(line, number, reading)
        elif line.lstrip().startswith(_MAGIC):
            why = "在第一条命令之后" if commands else "前面有空格"
            reading.note(f"#SBATCH {why}，sbatch 不读它，平台也没有读", Place(number, 1))
        elif line.strip() and not line.lstrip().startswith("#"):
            commands = True
    return found


def _words(line: str, number: int, reading: Reading) -> Iterator[Token]:
    """The words of one line, cut as sbatch cuts them (tried on a real one).

    Quotes keep spaces and #, a backslash keeps any sign but a space outside quotes, # ends the line even in a word.
    """
    place = len(_MAGIC)
    while place < len(line):
        if line[place].isspace():
            place += 1
            continue
        begin, text, quote, escaped = place, "", "", False
        while place < len(line) and (quote or not line[place].isspace()):
            sign = line[place]
            if escaped:
                text, escaped = text + sign, False
            elif sign == "\\":
                escaped = True
            elif quote and sign == quote:
                quote = ""
            elif not quote and sign in "'\"":
                quote = sign
            elif not quote and sign == "#":
                place = len(line)
            else:
                text += sign
            place += 1
        if quote:
            reading.fault(Place(number, begin + 1), f"引号 {quote} 没有收尾")
            return
        if line[begin] != "#":
            yield Token(Place(number, begin + 1), text)


def _parsed(tokens: list[Token], reading: Reading) -> Iterator[Given]:
    rest = deque(tokens)
    while rest:
        token = rest.popleft()
        if token.text.startswith("--") and len(token.text) > 2:
            name, equals, value = token.text[2:].partition("=")
            option = _long(token, name, reading)
            if option and option.takes is Takes.NOTHING and equals:
                reading.fault(token.at, f"--{option.name} 不带值")
            elif option:
                yield from _with_value(token, option, value if equals else None, rest, reading)
        elif re.fullmatch(r"-[A-Za-z].*", token.text, re.DOTALL):
            yield from _short(token, rest, reading)
        else:
            reading.fault(token.at, f"“{token.text}”不是选项：选项以 - 或 -- 开头")


def _long(token: Token, name: str, reading: Reading) -> Option | None:
    meant = named(name)
    if len(meant) == 1:
        return meant[0]
    if meant:
        reading.fault(token.at, f"--{name} 可以是 {'、'.join(f'--{one.name}' for one in meant)}：请写全")
    else:
        reading.fault(token.at, f"sbatch 没有选项 --{name}{nearest(name, OPTIONS)}")
    return None


def _short(token: Token, rest: deque[Token], reading: Reading) -> Iterator[Given]:
    letters = token.text[1:]
    for place, letter in enumerate(letters):
        option = BY_SHORT.get(letter)
        if option is None:
            reading.fault(token.at, f"sbatch 没有选项 -{letter}")
            return
        if option.takes is Takes.VALUE:
            yield from _with_value(token, option, letters[place + 1 :] or None, rest, reading)
            return
        yield Given(token.at, option, None)


def _with_value(
    token: Token, option: Option, value: str | None, rest: deque[Token], reading: Reading
) -> Iterator[Given]:
    if value is None and option.takes is Takes.VALUE:
        if not rest or rest[0].at.line != token.at.line:
            # sbatch would take the next line's first word for the value: a slip that it only finds later, if at all
            reading.fault(token.at, f"--{option.name} 之后缺少值")
            return
        value = rest.popleft().text
    yield Given(token.at, option, value)
