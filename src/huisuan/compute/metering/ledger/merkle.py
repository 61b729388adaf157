"""Merkle trees as RFC 9162 (section 2.1) defines them, SHA-256: a root over many entries, and the proof of one. Pure.

The RFC splits a list at the largest power of two; pairing neighbours level by level, and lifting the odd one out,
makes the same tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256().digest()  # the root over nothing


def merkle_root(entries: Iterable[bytes]) -> bytes:
    """The root over the entries in order, 32 bytes."""
    level = _leaf_hashes(entries)
    while len(level) > 1:
        level = _parent_level(level)
    return level[0] if level else EMPTY


def inclusion_proof(entries: Iterable[bytes], index: int) -> list[bytes]:
    """The inclusion proof of the entry at `index` (from 0): the hashes to join it with, from the leaf up.

    Raises:
        IndexError: there is no such entry.
    """
    return inclusion_proofs(entries, [index])[0]


def inclusion_proofs(entries: Iterable[bytes], indexes: Sequence[int]) -> list[list[bytes]]:
    """The inclusion proofs of several entries, in their order; the tree is built once.

    Raises:
        IndexError: there is no such entry.
    """
    level, places = _leaf_hashes(entries), list(indexes)
    found: list[list[bytes]] = [[] for _ in places]
    if any(not 0 <= index < len(level) for index in places):
        raise IndexError(places)
    while len(level) > 1:
        for at, index in enumerate(places):
            if (sibling := index ^ 1) < len(level):
                found[at].append(level[sibling])
        level, places = _parent_level(level), [index // 2 for index in places]
    return found


def root_from_proof(entry: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an entry at `index` of `size` and its proof lead to; None where the proof has not that shape."""
    if not 0 <= index < size:
        return None
    here, last, left = sha256(b"\0" + entry).digest(), size - 1, list(proof)
    while last:
        if index % 2 or index < last:  # else it is the odd one out, and is lifted
            if not left:
                return None
            beside = left.pop(0)
            here = sha256(b"\1" + (beside + here if index % 2 else here + beside)).digest()
        index, last = index // 2, last // 2
    return None if left else here


def _leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    return [sha256(b"\0" + entry).digest() for entry in entries]


def _parent_level(level: Sequence[bytes]) -> list[bytes]:
    made = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        made.append(level[-1])
    return made
