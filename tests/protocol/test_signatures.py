"""Keys that anybody can sign under are no keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huisuan.protocol.signatures import is_signed_by, parse_public_key, public_half

PRIME = 2**255 - 19
EIGHTH = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
_Y = int.from_bytes(EIGHTH, "little")
#: y of every point of order 1, 2, 4 and 8, and those that are read as one of them without being below the prime
SMALL = [0, 1, PRIME - 1, _Y, PRIME - _Y, PRIME, PRIME + 1]


def encodings() -> list[str]:
    """Each with both signs."""
    return [(y | sign << 255).to_bytes(32, "little").hex() for y in SMALL for sign in (0, 1)]


def test_the_points_are_of_small_order() -> None:
    """By the curve's own equation: the point of order 8, doubled, is one of order 4, whose y is 0."""
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    x_squared = (_Y * _Y - 1) * pow(d * _Y * _Y + 1, -1, PRIME) % PRIME
    assert (_Y * _Y + x_squared) % PRIME == 0  # the y of the double is 0: order 4


@pytest.mark.parametrize("key", encodings())
def test_a_point_of_small_order_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="small order"):
        parse_public_key(key)


def test_a_signature_that_needs_no_key_is_none() -> None:
    """Under the neutral point the neutral point with 0 signs everything, for whoever does not look at the key."""
    neutral, message = "01" + "00" * 31, b"whatever"
    forged = neutral + "00" * 32
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(neutral)).verify(bytes.fromhex(forged), message)
    assert not is_signed_by(neutral, forged, message)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32])
def test_what_is_no_key_at_all_signs_nothing(text: str) -> None:
    assert not is_signed_by(text, "00" * 64, b"")


def test_a_key_of_somebody_is_one() -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    assert is_signed_by(public_half(key), key.sign(b"word").hex(), b"word")
