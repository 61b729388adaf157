"""A QR code read by ISO/IEC 18004 from its squares alone, apart from whatever drew it.

Of the sizes that an address needs (21 + 4 x 1..5 squares) and without correcting: what is drawn is read, or refused.
"""

from __future__ import annotations

from collections.abc import Iterator

Squares = list[list[bool]]
#: by the two bits of the format (M, L, H, Q) and size 2 to 6: codewords of data in each block
_BLOCKS = {
    0b00: ([28], [44], [32] * 2, [43] * 2, [27] * 4),
    0b01: ([34], [55], [80], [108], [68] * 2),
    0b10: ([16], [13] * 2, [9] * 4, [11] * 2 + [12] * 2, [15] * 4),
    0b11: ([22], [17] * 2, [24] * 2, [15] * 2 + [16] * 2, [19] * 4),
}
_FORMAT_MASK, _BYTES = 0b101010000010010, 0b0100


def read_square_code(squares: Squares) -> str:
    """What a code says.

    Raises:
        ValueError: it is of another size, or says something else than bytes.
    """
    edge = len(squares)
    version = (edge - 17) // 4
    if edge % 4 != 1 or not 2 <= version <= 6:
        raise ValueError(f"a code of {edge} squares")
    level, mask = _format(squares)
    bits = "".join(str(bit) for bit in _bits(squares, mask))
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)]
    data = "".join(f"{word:08b}" for word in _in_order(words, _BLOCKS[level][version - 2]))
    if int(data[:4], 2) != _BYTES:
        raise ValueError(f"a code in mode {data[:4]}")
    length = int(data[4:12], 2)
    return bytes(int(data[12 + 8 * at : 20 + 8 * at], 2) for at in range(length)).decode()


def _format(squares: Squares) -> tuple[int, int]:
    places = [(8, column) for column in (*range(6), 7, 8)] + [(row, 8) for row in (7, *range(5, -1, -1))]
    said = int("".join(str(int(squares[row][column])) for row, column in places), 2) ^ _FORMAT_MASK
    return said >> 13, said >> 10 & 0b111


def _bits(squares: Squares, mask: int) -> Iterator[int]:
    """The squares of data, two columns at a time from the right, up and down in turn."""
    edge = len(squares)
    right = [*range(edge - 1, 6, -2), *range(5, 0, -2)]
    for turn, column in enumerate(right):
        rows = range(edge) if turn % 2 else range(edge - 1, -1, -1)
        for row in rows:
            for at in (column, column - 1):
                if not _is_pattern(edge, row, at):
                    yield int(squares[row][at] ^ _masked(mask, row, at))


def _is_pattern(edge: int, row: int, column: int) -> bool:
    near, far = 9, edge - 8
    corner = (row < near and (column < near or column >= far)) or (row >= far and column < near)
    alignment = abs(row - (edge - 7)) <= 2 and abs(column - (edge - 7)) <= 2
    return corner or alignment or row == 6 or column == 6


def _masked(mask: int, row: int, column: int) -> bool:
    return [
        (row + column) % 2, row % 2, column % 3, (row + column) % 3, (row // 2 + column // 3) % 2,
        row * column % 2 + row * column % 3, (row * column % 2 + row * column % 3) % 2,
        ((row + column) % 2 + row * column % 3) % 2,
    ][mask] == 0  # fmt: skip


def _in_order(words: list[int], sizes: list[int]) -> list[int]:
    """The codewords of data block after block; they are drawn one of each block in turn."""
    blocks: list[list[int]] = [[] for _ in sizes]
    rest = iter(words)
    for turn in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if turn < size:
                block.append(next(rest))
    return [word for block in blocks for word in block]
