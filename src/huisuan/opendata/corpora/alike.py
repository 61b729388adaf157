"""Which pages are near duplicates of an earlier one that is kept: candidates by bands, decided by their sets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy

from huisuan.opendata.corpora.near_duplicates import Hashes, jaccard

_KNOWN = 4096  # sets of hashes that are kept at hand


def find_alike(keys: Hashes, hashes_of: Callable[[int], Hashes], similarity: int) -> dict[int, int]:
    """For each row of keys that is left out, the earlier row that it is like: the first one kept, in their order.

    A row is compared only with kept ones, so that a thousand copies cost a thousand comparisons. `similarity` in
    hundredths.
    """
    kept: list[dict[int, list[int]]] = [{} for _ in range(keys.shape[1])]
    hashes, alike = _Remembered(hashes_of), {}
    shared = _shared_keys(keys)
    for row in numpy.flatnonzero(shared.any(axis=1)).tolist():
        bands = [(band, int(keys[row, band])) for band in numpy.flatnonzero(shared[row]).tolist()]
        candidates = sorted({other for band, key in bands for other in kept[band].get(key, ())})
        twin = next((each for each in candidates if is_alike(hashes(row), hashes(each), similarity)), None)
        if twin is not None:
            alike[row] = twin
            continue
        for band, key in bands:
            kept[band].setdefault(key, []).append(row)
    return alike


def is_alike(one: Hashes, other: Hashes, similarity: int) -> bool:
    """Whether two sets are as alike as that, in hundredths."""
    return jaccard(one, other) * 100 >= similarity


def kept_first(rows: Iterable[int], edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """The same from all pairs that are alike: what `find_alike` finds, where the pairs were compared elsewhere."""
    before: dict[int, list[int]] = {}
    for one, other in edges:
        before.setdefault(max(one, other), []).append(min(one, other))
    alike: dict[int, int] = {}
    for row in sorted(rows):
        twin = next((each for each in sorted(before.get(row, ())) if each not in alike), None)
        if twin is not None:
            alike[row] = twin
    return alike


def _shared_keys(keys: Hashes) -> numpy.typing.NDArray[numpy.bool_]:
    """Which keys stand in more than one row of their band."""
    found = numpy.zeros(keys.shape, numpy.bool_)
    for band in range(keys.shape[1]):
        _, places, counts = numpy.unique(keys[:, band], return_inverse=True, return_counts=True)
        found[:, band] = counts[places] > 1
    return found


class _Remembered:
    """The sets of hashes of the rows asked for last."""

    def __init__(self, hashes_of: Callable[[int], Hashes]) -> None:
        self.hashes_of = hashes_of
        self.known: dict[int, Hashes] = {}

    def __call__(self, row: int) -> Hashes:
        if row not in self.known:
            if len(self.known) >= _KNOWN:
                self.known.pop(next(iter(self.known)))
            self.known[row] = self.hashes_of(row)
        return self.known[row]
