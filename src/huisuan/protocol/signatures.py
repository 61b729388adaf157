"""Ed25519 signatures: the agent's requests and batches, the platform's receipts and seals."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

REQUEST = b"huisuan-sync-1\n"  # before a request's body, so that a signed batch can never pass for one

TUNNEL = b"huisuan-tunnel-1\n"  # before the relay's challenge

#: y of the points of small order, in every encoding that is read as one of them: nobody holds the key to such a point,
#: and one signature passes under it for one message in eight or for all
_SMALL_ORDER = frozenset(
    bytes.fromhex(each)
    for each in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


def make_key(path: Path) -> Ed25519PrivateKey:
    """A new private key, written for its owner's eyes only; one that stands there is replaced."""
    key = Ed25519PrivateKey.generate()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.private_bytes_raw().hex())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key of that file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it holds no key.
    """
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))


def public_half(key: Ed25519PrivateKey) -> str:
    """The public key, 32 bytes in hex."""
    return key.public_key().public_bytes_raw().hex()


def sign_request(key: Ed25519PrivateKey, body: bytes) -> str:
    """The signature of a request's body, in hex."""
    return key.sign(REQUEST + body).hex()


def sign_tunnel(key: Ed25519PrivateKey, challenge: str, uid: str, lease: int) -> str:
    """The signature, in hex, by which an agent proves to the relay that it is itself, for one tunnel."""
    return key.sign(_tunnel_words(challenge, uid, lease)).hex()


def tunnel_is_signed_by(public_key: str, signature: str, challenge: str, uid: str, lease: int) -> bool:
    """Whether the tunnel to that session was signed by that key, over the relay's own challenge."""
    return is_signed_by(public_key, signature, _tunnel_words(challenge, uid, lease))


def _tunnel_words(challenge: str, uid: str, lease: int) -> bytes:
    return TUNNEL + f"{challenge}\n{uid}\n{lease}".encode()


def parse_public_key(text: str) -> Ed25519PublicKey:
    """The public key of 32 bytes in hex.

    Raises:
        ValueError: it is none, or a point of small order: anybody can sign under it.
    """
    content = bytes.fromhex(text)
    if content[:-1] + bytes([content[-1] & 0x7F] if content else []) in _SMALL_ORDER:
        raise ValueError("a point of small order is nobody's key")
    return Ed25519PublicKey.from_public_bytes(content)


def is_signed_by(public_key: str, signature: str, message: bytes) -> bool:
    """Whether the signature (hex) over the message is by that key (hex); False for what is no key or signature."""
    try:
        parse_public_key(public_key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def request_is_signed_by(public_key: str, signature: str, body: bytes) -> bool:
    """Whether a request's body was signed by that key."""
    return is_signed_by(public_key, signature, REQUEST + body)
