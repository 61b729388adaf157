"""What reading a job file comes to: a request, or everything that is wrong with it, each at its line and column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobspec.core.request_rules import LONGEST_NOTE, MOST_NOTES
from huisuan.protocol.resources import JobRequest

_MOST_FAULTS = 20


@dataclass(frozen=True, order=True)
class FilePlace:
    """Where in a file, both counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong at a place, with the rule and what to do."""

    at: FilePlace
    text: str

    def format(self, name: str) -> str:
        """The fault with its place, as people read it."""
        return f"{name} 第 {self.at.line} 行第 {self.at.column} 列：{self.text}"


class FileRefused(InvalidRequest):
    """A job file that cannot be read; `faults` are all that were found, in the file's order."""

    def __init__(self, name: str, faults: Iterable[Fault]) -> None:
        self.name, self.faults = name, sorted(faults)
        on_one_line = [fault.format(name) for fault in self.faults[:_MOST_FAULTS]]
        left = len(self.faults) - len(on_one_line)
        super().__init__("\n".join([*on_one_line, *([f"……另有 {left} 处"] if left else [])]), code="job_file.invalid")


@dataclass(frozen=True)
class ParsedJob:
    """What a job file asks for.

    `workdir` is a folder on the submitter's machine, as the file writes it, that wants to be packed and uploaded;
    `wanted` are the variables whose values the file leaves to the submitter.
    """

    request: JobRequest
    workdir: str | None = None
    wanted: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What of the file could not be carried over."""
        return self.request.notes


@dataclass
class ParseReport:
    """What was found while a file is parsed: faults, notes on what cannot be carried over, and wanted variables."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)

    def fault(self, at: FilePlace, text: str) -> None:
        """Record a fault at a place."""
        self.faults.append(Fault(at, text))

    def note(self, text: str, at: FilePlace | None = None) -> None:
        """Record what is not carried over; a repeated note is kept once."""
        where = f"第 {at.line} 行 " if at else ""
        on_one_line = f"{where}{text}"
        on_one_line = on_one_line if len(on_one_line) <= LONGEST_NOTE else on_one_line[: LONGEST_NOTE - 1] + "…"
        if on_one_line not in self.notes:
            self.notes.append(on_one_line)

    def done(self, asked: dict[str, Any], workdir: str | None = None) -> ParsedJob:
        """The request, if nothing was wrong.

        Raises:
            FileRefused: something was.
        """
        if self.faults:
            raise FileRefused(self.name, self.faults)
        kept = self.notes[:MOST_NOTES]
        if len(self.notes) > MOST_NOTES:
            kept = [*self.notes[: MOST_NOTES - 1], f"另有 {len(self.notes) - MOST_NOTES + 1} 处不能照搬的内容"]
        request = JobRequest.model_validate({**asked, "notes": kept})
        return ParsedJob(request, workdir, tuple(dict.fromkeys(self.wanted)))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names that come near, as the end of a sentence."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"；是不是 {' 或 '.join(near)}？" if near else ""


def on_one_line(text: str, most: int = 60) -> str:
    """A value as a message quotes it, on one line and not too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
