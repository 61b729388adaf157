"""What readers give, and what they may use."""

from __future__ import annotations

from dataclasses import dataclass

_SMALL_PART = 16 * 1024 * 1024  # bytes up to which nobody asks how well a part was packed


class LimitReached(Exception):
    """A file is larger than what is read of one; `name` says in which respect."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Unreadable(Exception):
    """A part that cannot be read; the text says why."""


@dataclass(frozen=True)
class Block:
    """A piece of a file: `part` says where it stands, `rows` are its lines by number, each a list of cells.

    A `table` begins with its header, as far as it has one; running text has one cell a line. `document` names the
    document whose text the lines are, as people read it ("": the file itself); None: a table, or what stands beside.
    """

    part: str
    rows: list[tuple[int, list[str]]]
    table: bool = False
    document: str | None = None


@dataclass(frozen=True)
class UnreadPart:
    """A part that nobody could read, and why: it is a finding, for it may hold anything."""

    part: str
    reason: str


@dataclass
class ReadBudget:
    """What may still be used of a file; each reader draws on it."""

    unpacked: int = 512 * 1024 * 1024  # bytes
    cells: int = 20_000_000
    parts: int = 10_000
    pages: int = 5_000
    depth: int = 3  # archives within archives
    ratio: int = 200  # unpacked to packed, of parts that are not small

    def unpack(self, size: int, *, of: int = 0, packed: int = 0) -> None:
        """Bytes that were unpacked of a part: `of` is how many of it so far, `packed` its size in the archive.

        Raises:
            LimitReached: too many, or out of all proportion.
        """
        self.unpacked -= size
        if self.unpacked < 0:
            raise LimitReached("解开后的大小")
        if of > _SMALL_PART and of > packed * self.ratio:
            raise LimitReached("压缩比")

    def take_cells(self, number: int) -> None:
        """Cells that were read.

        Raises:
            LimitReached: too many.
        """
        self.cells -= number
        if self.cells < 0:
            raise LimitReached("单元格数")

    def take_part(self) -> None:
        """A part of an archive.

        Raises:
            LimitReached: too many.
        """
        self.parts -= 1
        if self.parts < 0:
            raise LimitReached("部件数")

    def take_page(self) -> None:
        """A page.

        Raises:
            LimitReached: too many.
        """
        self.pages -= 1
        if self.pages < 0:
            raise LimitReached("页数")
