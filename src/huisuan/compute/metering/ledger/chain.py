"""The platform's chain over a centre's ledger: batch by batch, each naming the one before. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from huisuan.base.hashing import bytes_sha256
from huisuan.compute.metering.ledger.record_hash import encode_fields
from huisuan.protocol.batch_chain import START

__all__ = ["START", "Header", "epoch_microseconds", "next_chain_value", "receipt_message"]
_WORD = "huisuan-ledger-1"
WORD_SENT = "huisuan-ledger-2"  # of a batch that says when its agent sent it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Header(NamedTuple):
    """What is said of a batch; what an agent did not send has no `agent_*` and no signature.

    `leaves` is the SHA-256 of its records' leaves in order, `source` that of its file, `agent_key` the agent's public
    key, `received` UTC microseconds since the epoch by the platform's clock, `sent` the same by the agent's; None for
    what no agent sent, or what came before it was kept.
    """

    centre: str
    number: int
    first: int
    last: int
    leaves: str
    source: str | None
    agent: str | None
    agent_key: str | None
    agent_number: int | None
    agent_previous: str | None
    agent_digest: str | None
    signature: str | None
    received: int
    sent: int | None = None


def next_chain_value(previous: str, header: Header) -> str:
    """The chain's next value, 64 hexadecimal digits: over the one before and everything that the header says."""
    word, values = (_WORD, header[:-1]) if header.sent is None else (WORD_SENT, tuple(header))
    return bytes_sha256(encode_fields(word, (previous, *values)))


def receipt_message(chain: str) -> bytes:
    """What the platform's receipt signs."""
    return bytes.fromhex(chain)


def epoch_microseconds(moment: datetime) -> int:
    """Since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)
