"""Which lines of a script sbatch reads, and how it cuts them into options. Pure.

Only lines that begin with #SBATCH in the first column, and only before the first command; what looks like one
elsewhere is a comment to sbatch, and is noted.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.compute.jobspec.core.parse_result import FilePlace, ParseReport, nearest
from huisuan.compute.jobspec.sbatch.options import BY_SHORT, OPTIONS, Option, Takes, matching_options

_MAGIC = "#SBATCH"


@dataclass(frozen=True)
class ScriptToken:
    """A word of a #SBATCH line, its quotes taken away."""

    at: FilePlace
    text: str


@dataclass(frozen=True)
class Given:
    """An option as the script gives it; `value` None where it has none."""

    at: FilePlace
    option: Option
    value: str | None


def given_options(script: str, report: ParseReport) -> list[Given]:
    """The options of a script, in order; a later one overrides an earlier one."""
    return list(_parsed(_tokens(script, report), report))


def _tokens(script: str, report: ParseReport) -> list[ScriptToken]:
    found: list[ScriptToken] = []
    commands = False
    for number, line in enumerate(script.split("\n"), start=1):
        if line.startswith(_MAGIC) and not commands:
            found += _words(line, number, report)
        elif line.lstrip().startswith(_MAGIC):
            why = "在第一条命令之后" if commands else "前面有空格"
            report.note(f"#SBATCH {why}，sbatch 不读它，平台也没有读", FilePlace(number, 1))
        elif line.strip() and not line.lstrip().startswith("#"):
            commands = True
    return found


def _words(line: str, number: int, report: ParseReport) -> Iterator[ScriptToken]:
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
            report.fault(FilePlace(number, begin + 1), f"引号 {quote} 没有收尾")
            return
        if line[begin] != "#":
            yield ScriptToken(FilePlace(number, begin + 1), text)


def _parsed(tokens: list[ScriptToken], report: ParseReport) -> Iterator[Given]:
    rest = deque(tokens)
    while rest:
        token = rest.popleft()
        if token.text.startswith("--") and len(token.text) > 2:
            name, equals, value = token.text[2:].partition("=")
            option = _long(token, name, report)
            if option and option.takes is Takes.NOTHING and equals:
                report.fault(token.at, f"--{option.name} 不带值")
            elif option:
                yield from _with_value(token, option, value if equals else None, rest, report)
        elif re.fullmatch(r"-[A-Za-z].*", token.text, re.DOTALL):
            yield from _short(token, rest, report)
        else:
            report.fault(token.at, f"“{token.text}”不是选项：选项以 - 或 -- 开头")


def _long(token: ScriptToken, name: str, report: ParseReport) -> Option | None:
    meant = matching_options(name)
    if len(meant) == 1:
        return meant[0]
    if meant:
        report.fault(token.at, f"--{name} 可以是 {'、'.join(f'--{option.name}' for option in meant)}：请写全")
    else:
        report.fault(token.at, f"sbatch 没有选项 --{name}{nearest(name, OPTIONS)}")
    return None


def _short(token: ScriptToken, rest: deque[ScriptToken], report: ParseReport) -> Iterator[Given]:
    letters = token.text[1:]
    for place, letter in enumerate(letters):
        option = BY_SHORT.get(letter)
        if option is None:
            report.fault(token.at, f"sbatch 没有选项 -{letter}")
            return
        if option.takes is Takes.VALUE:
            yield from _with_value(token, option, letters[place + 1 :] or None, rest, report)
            return
        yield Given(token.at, option, None)


def _with_value(
    token: ScriptToken, option: Option, value: str | None, rest: deque[ScriptToken], report: ParseReport
) -> Iterator[Given]:
    if value is None and option.takes is Takes.VALUE:
        if not rest or rest[0].at.line != token.at.line:
            # sbatch would take the next line's first word for the value: a slip that it only finds later, if at all
            report.fault(token.at, f"--{option.name} 之后缺少值")
            return
        value = rest.popleft().text
    yield Given(token.at, option, value)
