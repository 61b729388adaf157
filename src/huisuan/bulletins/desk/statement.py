"""The statement of an issue: signed by the platform, checked by anybody without a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256, file_sha256
from huisuan.compute.metering.audit.folder import canonical, is_signed

ISSUE_KIND, STATEMENT = "huisuan-bulletin-issue-1", "statement.json"
_LARGEST = 1024 * 1024


def issue_message(statement: str) -> bytes:
    """32 bytes over a statement in canonical JSON: what is signed."""
    return bytes.fromhex(bytes_sha256(statement.encode()))


def issue_paper(statement: str, signature: str, public_key: str) -> bytes:
    """A statement as it is handed out beside the files of the bulletin."""
    whole = {"statement": json.loads(statement), "signature": signature, "public_key": public_key}
    return (json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def read_issue(folder: Path, key: str = "") -> Mapping[str, Any] | None:
    """What the platform signed of the bulletin in a folder, checked against its files; None: no statement lies there.

    `key` is the platform's public key, written down before.

    Raises:
        InvalidRequest: it is no statement, is signed by another key, not signed, or is about other files.
        OSError: a file cannot be read.
    """
    path = folder / STATEMENT
    if not path.is_file():
        if key:
            raise InvalidRequest(f"{folder}：没有 {STATEMENT}，这份通报没有签名", code="bulletin.not_signed")
        return None
    said, signature, named = _parsed(path)
    if key and named != key:
        raise InvalidRequest(f"{path}：由另一把公钥签名，不是 --key 的那一把", code="bulletin.other_key")
    if said.get("kind") != ISSUE_KIND or not is_signed(named, signature, issue_message(canonical(said))):
        raise InvalidRequest(f"{path}：签名不符，内容被改过，或不是平台签的", code="bulletin.signature_wrong")
    for name, digest in said["files"].items():
        file = folder / Path(name).name
        if not file.is_file() or file_sha256(file) != digest:
            raise InvalidRequest(f"{file}：不是签发的那一份，或没有这个文件", code="bulletin.file_is_another")
    return said


def _parsed(path: Path) -> tuple[dict[str, Any], str, str]:
    try:
        whole = json.loads(path.read_bytes()[:_LARGEST])
        said, signature, key = whole["statement"], whole["signature"], whole["public_key"]
        whole_one = isinstance(said["files"], dict) and isinstance(signature, str) and isinstance(key, str)
        if whole_one:
            return dict(said), signature, key
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InvalidRequest(
        f"{path}：不是签发通报的声明（JSON，有 statement、signature、public_key）", code="bulletin.no_statement"
    )
