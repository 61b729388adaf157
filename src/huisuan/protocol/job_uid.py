"""Names of jobs: unique, sortable by time, in small letters that scheduler, file and host names all take."""

from __future__ import annotations

from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
RANDOM_BYTES = 10


def job_uid(at: datetime, randomness: bytes) -> str:
    """26 characters: 48 bits of milliseconds since 1970, then 80 random bits.

    Raises:
        ValueError: not ten random bytes.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"expected {RANDOM_BYTES} random bytes")
    number = int(at.timestamp() * 1000) << 80 | int.from_bytes(randomness)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
