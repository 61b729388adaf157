"""Evidence that a verifier holds from elsewhere and from before: loaded from files. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from huisuan.base.text_length import shortened
from huisuan.compute.metering.audit.folder import Unusable
from huisuan.compute.metering.audit.register import Register, load_register
from huisuan.protocol.agent import Hex64
from huisuan.protocol.signatures import parse_public_key


class HeldReceipt(BaseModel):
    """The platform's receipt of one batch, as its agent keeps it (`huisuan agent receipts`)."""

    agent: str
    number: int = Field(ge=1)
    digest: Hex64
    chain: Hex64
    receipt: str


class ReceiptFile(BaseModel):
    """Receipts of one centre's agent."""

    centre: str
    receipts: list[HeldReceipt]


@dataclass(frozen=True)
class AgentKeys:
    """Keys that centres gave to the verifier: public keys, or their SHA-256 (`sha256:…`)."""

    keys: frozenset[tuple[str, str]] = frozenset()  # centre ("": any), key or `sha256:` and fingerprint

    def of(self, centre: str) -> set[str]:
        """The keys and fingerprints that hold for a centre."""
        return {key for code, key in self.keys if code in ("", centre)}


@dataclass(frozen=True)
class Trust:
    """What is held: see `read_trust`."""

    agent_keys: AgentKeys = AgentKeys()
    receipts: Sequence[ReceiptFile] = ()
    earlier: Sequence[Path] = ()
    seals: Sequence[dict[str, Any]] = ()
    registers: Sequence[Register] = ()
    countersigners: Sequence[str] = ()

    @property
    def register(self) -> Register | None:
        """The newest register."""
        return max(self.registers, key=lambda register: register.newest.month, default=None)


def load_trust(
    *, agent_keys: Sequence[str] = (), receipts: Sequence[Path] = (), earlier: Sequence[Path] = (),
    seals: Sequence[Path] = (), registers: Sequence[Path] = (), countersigners: Sequence[str] = (),
) -> Trust:  # fmt: skip
    """Load what the verifier holds.

    Args:
        agent_keys: each a key, `sha256:` and its SHA-256, `CENTRE=` and one of them, or a file of such lines.
        receipts: files of `huisuan agent receipts`.
        earlier: folders of earlier exports.
        seals: files with a seal or several, as the platform gives them, or a proof.
        registers: files of `huisuan meter register`.
        countersigners: public keys that must have countersigned the newest register.

    Raises:
        Unusable: one of them cannot be read.
    """
    return Trust(
        AgentKeys(frozenset(pair for agent_key in agent_keys for pair in _agent_keys(agent_key))),
        [_receipts(path) for path in receipts], list(earlier), [seal for path in seals for seal in _seals(path)],
        [load_register(path) for path in registers], [_key(countersigner) for countersigner in countersigners],
    )  # fmt: skip


def _agent_keys(given: str) -> Iterator[tuple[str, str]]:
    centre, equals, rest = given.partition("=")
    if not equals:
        centre, rest = "", given
    if (key := _as_key(rest)) is not None:
        yield centre, key
        return
    try:
        lines = Path(given).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise Unusable(
            f'--agent-key "{given}"：不是公钥（64 位十六进制，或 sha256:指纹），也不是读得出的文件',
            code="agent_key.malformed",
        ) from None
    for number, line in enumerate(lines, start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        found = _as_key(words[-1])
        if found is None or len(words) > 2:
            raise Unusable(
                f'{given} 行 {number}: "{line.strip()}" 应写成“中心代码 公钥”，或只写公钥',
                code="agent_key.line_malformed",
            )
        yield words[0] if len(words) == 2 else "", found


def _as_key(text: str) -> str | None:
    text = text.strip().lower()
    return _held_key(text) if re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text) else None


def _key(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text.strip()):
        raise Unusable(f'"{text}" 不是公钥：应为 64 位十六进制', code="countersigner.key_malformed")
    return _held_key(text.strip())


def _held_key(key: str) -> str:
    """The key, if somebody can hold it alone; a fingerprint is looked at when its key is seen."""
    try:
        if not key.startswith("sha256:"):
            parse_public_key(key)
    except ValueError:
        raise Unusable(
            f'"{key}" 不能当公钥：它是低阶点，谁都能造出它的签名；请向对方重新索取公钥', code="public_key.small_order"
        ) from None
    return key


def _receipts(path: Path) -> ReceiptFile:
    try:
        return ReceiptFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = shortened(" ".join(str(error).split()), 200)
        raise Unusable(f"{path} 不是收据（huisuan agent receipts）：{why}", code="receipt.unreadable") from None


def _seals(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = found if isinstance(found, list) else [found.get("seal", found)]
        seals = [dict(row) for row in rows]
        if any("statement" not in seal for seal in seals):
            raise ValueError("没有 statement")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Unusable(
            f"{path} 不是封账书（huisuan meter seals --json）：{error}", code="seal.statement_unreadable"
        ) from None
    return seals
