"""The platform's own Ed25519 key: what it signs, receipts and seals, can be checked with the public half alone."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.base.paths import ensure_folder, home


def sign(message: bytes) -> str:
    """The platform's signature over a message, in hex."""
    return _key().sign(message).hex()


def public() -> str:
    """The public key, 32 bytes in hex: what an auditor writes down once."""
    return _key().public_key().public_bytes_raw().hex()


def _key() -> Ed25519PrivateKey:
    named = os.environ.get("HUISUAN_PLATFORM_KEY")  # several machines of one platform share a key
    return _parsed(named, "HUISUAN_PLATFORM_KEY") if named else _kept(ensure_folder(home()) / "platform-key")


@cache
def _kept(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        _make(path)
    return _parsed(path.read_text(encoding="ascii"), str(path))


def _make(path: Path) -> None:
    """Made once: of two processes that try at the same time, the one that links first has made it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _parsed(text: str, where: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
    except ValueError:
        raise SystemExit(f"{where} 不是平台密钥（应为 64 位十六进制）：请从备份恢复，切勿另造一把") from None
