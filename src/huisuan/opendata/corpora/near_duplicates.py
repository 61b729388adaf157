"""Near duplicates by MinHash over characters, never words: Chinese has no spaces. Pure; the same on every machine.

A text is the set of its runs of five characters. Each run is hashed once, to 64 bits; seven of them choose one of 128
bins, and each bin keeps its least value (one permutation hashing, Li, Owen and Zhang 2012). A bin that stayed empty
takes the value of another, chosen by its number alone (Shrivastava 2017), so that equal sets give equal signatures.
Texts that agree in one of 32 bands of four bins are candidates; the exact Jaccard similarity of their sets decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

RUN_LENGTH = 5  # characters
BINS, BANDS = 128, 32
SHORTEST_COMPARED = 200  # characters: shorter texts that are alike may say different things; only equal ones are one
Hashes = NDArray[numpy.uint64]

_BIN_BITS = 7
_EMPTY = numpy.uint64(0xFFFFFFFFFFFFFFFF)
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_PIECE = 1 << 19  # characters at once: what stays in a processor's cache


def run_hashes(text: str) -> Hashes:
    """The distinct hashes of a text's runs, in order."""
    points = numpy.frombuffer(text.encode("utf-32-le", "surrogatepass"), numpy.uint32)
    return numpy.unique(_hashed(points)) if len(points) >= RUN_LENGTH else numpy.empty(0, numpy.uint64)


def jaccard(one: Hashes, other: Hashes) -> float:
    """How alike two sets are, 0 to 1, each in order and without repetitions."""
    together = len(numpy.intersect1d(one, other, assume_unique=True))
    return together / (len(one) + len(other) - together or 1)


def band_keys(texts: Sequence[str]) -> Hashes:
    """For each text the keys of its bands: a row of 32. Texts shorter than a run of characters have keys of zero."""
    found = numpy.zeros((len(texts), BANDS), numpy.uint64)
    begin = 0
    while begin < len(texts):
        end, size = begin, 0
        while end < len(texts) and (end == begin or size + len(texts[end]) <= _PIECE):
            size += len(texts[end])
            end += 1
        found[begin:end] = _keys(texts[begin:end])
        begin = end
    return found


def _keys(texts: Sequence[str]) -> Hashes:
    least = _filled(_least_by_bin(texts)).reshape(len(texts), BANDS, BINS // BANDS)
    keys = numpy.zeros((len(texts), BANDS), numpy.uint64)
    for place in range(BINS // BANDS):
        keys = _mixed(keys * numpy.uint64(_FACTORS[0]) + least[:, :, place])
    keys[[at for at, text in enumerate(texts) if len(text) < RUN_LENGTH]] = 0
    return keys


def _least_by_bin(texts: Sequence[str]) -> Hashes:
    points = numpy.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), numpy.uint32)
    least = numpy.full(len(texts) * BINS, _EMPTY, numpy.uint64)
    if len(points) < RUN_LENGTH:
        return least.reshape(len(texts), BINS)
    hashes = _hashed(points)
    lengths = numpy.fromiter(map(len, texts), numpy.int64, len(texts))
    runs = numpy.maximum(lengths - RUN_LENGTH + 1, 0)
    begins = numpy.cumsum(lengths) - lengths
    owner = numpy.repeat(numpy.arange(len(texts)), runs)
    # runs that reach over the end of a text into the next are left out
    within = numpy.arange(len(owner)) - numpy.repeat(numpy.cumsum(runs) - runs, runs) + numpy.repeat(begins, runs)
    own = hashes[within]
    places = owner * BINS + (own >> numpy.uint64(64 - _BIN_BITS)).astype(numpy.int64)
    numpy.minimum.at(least, places, own << numpy.uint64(_BIN_BITS))
    return least.reshape(len(texts), BINS)


def _filled(least: Hashes) -> Hashes:
    """Each empty bin filled from the first full one of its own order of the others."""
    first = least.copy()
    rows, bins = numpy.nonzero((first == _EMPTY) & (first != _EMPTY).any(axis=1, keepdims=True))
    turn = 0
    while len(rows):
        turn += 1
        chosen = (_mixed((bins + turn * BINS).astype(numpy.uint64)) >> numpy.uint64(64 - _BIN_BITS)).astype(numpy.int64)
        values = first[rows, chosen]
        full = values != _EMPTY
        least[rows[full], bins[full]] = values[full] + numpy.uint64(turn)
        rows, bins = rows[~full], bins[~full]
    return least


def _hashed(points: NDArray[numpy.uint32]) -> Hashes:
    """The hash of each run of characters."""
    wide = points.astype(numpy.uint64)
    count = len(wide) - RUN_LENGTH + 1
    total = wide[:count] * numpy.uint64(_FACTORS[0])
    for place in range(1, RUN_LENGTH):
        total += wide[place : place + count] * numpy.uint64(_FACTORS[place])
    return _mixed(total)


def _mixed(values: Hashes) -> Hashes:
    """Every bit of a value spread over all of them (the finaliser of SplitMix64)."""
    values = values ^ (values >> numpy.uint64(30))
    values *= numpy.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> numpy.uint64(27)
    values *= numpy.uint64(0x94D049BB133111EB)
    values ^= values >> numpy.uint64(31)
    return values
