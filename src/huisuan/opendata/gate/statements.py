"""Statements that the platform signs at the gate, and how anybody checks them: no database, no Django."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256, file_sha256
from huisuan.compute.metering.audit.folder import canonical, is_signed

SCAN_KIND, RELEASE_KIND = "huisuan-gate-scan-1", "huisuan-gate-release-1"
_LARGEST = 1024 * 1024


def signed_message(statement: str) -> bytes:
    """32 bytes over a statement in canonical JSON: what is signed."""
    return bytes.fromhex(bytes_sha256(statement.encode()))


def release_paper(statement: str, signature: str, public_key: str) -> str:
    """A statement as it is handed out, beside the file that it is about."""
    whole = {"statement": json.loads(statement), "signature": signature, "public_key": public_key}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def verify_release(file: Path, statement: Path, key: str = "") -> dict[str, Any]:
    """Check a file against the statement of its release; `key` is the platform's, written down before.

    Raises:
        InvalidRequest: which of the checks failed.
        OSError: one of both cannot be read.
    """
    said, signature, named = _parsed(statement)
    if key and named != key:
        raise InvalidRequest(f"{statement}：由另一把公钥签名，不是 --key 的那一把", code="gate.statement_other_key")
    if not is_signed(named, signature, signed_message(canonical(said))):
        raise InvalidRequest(f"{statement}：签名不符，内容被改过，或不是平台签的", code="gate.statement_not_signed")
    if said.get("kind") != RELEASE_KIND:
        raise InvalidRequest(f"{statement}：不是放行声明", code="gate.statement_of_no_release")
    if file_sha256(file) != said.get("product_sha256"):
        raise InvalidRequest(f"{file}：不是这份声明放行的文件，SHA-256 不同", code="gate.file_is_another")
    return said


def _parsed(path: Path) -> tuple[dict[str, Any], str, str]:
    try:
        whole = json.loads(path.read_bytes()[:_LARGEST])
        said, signature, key = whole["statement"], whole["signature"], whole["public_key"]
        if isinstance(said, dict) and isinstance(signature, str) and isinstance(key, str):
            return said, signature, key
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InvalidRequest(f"{path}：不是放行声明（JSON，有 statement、signature、public_key）", code="gate.no_statement")
