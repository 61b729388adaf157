"""The bytes of a usage record that its hash covers: every column that bears on money or proof. Pure.

Written so that any language can write them again: after a word that says what follows, each field in order, ended by
`;`. A whole number in decimal digits; a text as its length in characters (code points), `:`, the text; nothing at all
where there is no value. All of it in UTF-8. No field can run into the next, whatever a user puts into a job's name.
Times are UTC seconds. When a record arrived stands once in the header of its batch, not here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

_WORD = "huisuan-record-1"


class HashedRecord(NamedTuple):
    """A usage record as it is hashed, exported and checked; the fields' order is that of the bytes.

    `party` is the USCC or None, `source` the SHA-256 of the file or batch that it came in, `submitted`, `started` and
    `ended` UTC seconds since the epoch.
    """

    centre: str
    sequence: int
    supersedes: int | None
    cluster: str
    job_id: str
    run: int
    array_index: int | None
    user: str
    account: str
    party: str | None
    contract: str
    partition: str
    model: str
    requested_cards: int | None
    cards: int
    nodes: str
    node_count: int
    submitted: int | None
    started: int
    ended: int
    suspended_seconds: int
    card_seconds: int
    state: str
    exit_code: str
    source_zone: str
    raw_sha256: str
    content_sha256: str
    source: str
    source_line: int


RECORD_FIELDS = HashedRecord._fields
#: column -> its type in DuckDB
TYPES = {
    name: "VARCHAR" if "str" in str(kind) else "INTEGER" if name in ("run", "array_index", "cards") else "BIGINT"
    for name, kind in HashedRecord.__annotations__.items()
}


def encode_text(value: str | None) -> str:
    """A text as the bytes hold it: how many characters, and itself; only `;` for none."""
    return ";" if value is None else f"{len(value)}:{value};"


def encode_number(value: int | None) -> str:
    """A whole number as the bytes hold it."""
    return ";" if value is None else f"{value};"


def encode_fields(word: str, values: Iterable[str | int | None]) -> bytes:
    """The bytes of a thing that is hashed: what it is, and its values."""
    encoded = (encode_number(value) if isinstance(value, int) else encode_text(value) for value in values)
    return f"{word};{''.join(encoded)}".encode()


def encode_run_fields(
    cluster: str, job_id: str, run: int, array_index: int | None, user: str, account: str, party: str | None,
    contract: str, partition: str, model: str, requested_cards: int | None, cards: int,
) -> str:  # fmt: skip
    """The middle of a record's bytes: what stays the same for all slices of a run."""
    return (
        f"{encode_text(cluster)}{encode_text(job_id)}{run};{encode_number(array_index)}{encode_text(user)}{encode_text(account)}{encode_text(party)}"
        f"{encode_text(contract)}{encode_text(partition)}{encode_text(model)}{encode_number(requested_cards)}{cards};"
    )


def leaf_of_slice(
    centre: str, sequence: int, supersedes: int | None, of_run: str, nodes: str, node_count: int,
    submitted: int | None, started: int, ended: int, suspended_seconds: int, card_seconds: int, state: str,
    exit_code: str, source_zone: str, raw_sha256: str, content_sha256: str, source: str, source_line: int,
) -> bytes:  # fmt: skip
    """SHA-256 of a record's bytes, its `stem` in their middle."""
    return hashlib.sha256(
        f"{_WORD};{len(centre)}:{centre};{sequence};{encode_number(supersedes)}{of_run}{len(nodes)}:{nodes};{node_count};"
        f"{encode_number(submitted)}{started};{ended};{suspended_seconds};{card_seconds};{len(state)}:{state};"
        f"{len(exit_code)}:{exit_code};{len(source_zone)}:{source_zone};{len(raw_sha256)}:{raw_sha256};"
        f"{len(content_sha256)}:{content_sha256};{len(source)}:{source};{source_line};".encode()
    ).digest()


def record_leaf(record: HashedRecord) -> bytes:
    """SHA-256 of a record's bytes, 32 bytes."""
    fields: list[Any] = list(record)
    return leaf_of_slice(*[*fields[:3], encode_run_fields(*fields[3:15]), *fields[15:]])


def leaf_sql() -> str:
    """The same for DuckDB: an expression over columns named as the fields, giving 64 hexadecimal digits."""
    parts = []
    for name, kind in TYPES.items():
        column = f'"{name}"'
        if kind == "VARCHAR":
            parts.append(f"coalesce(length({column}) || ':' || {column}, '') || ';'")
        else:
            parts.append(f"coalesce({column}::VARCHAR, '') || ';'")
    return f"sha256('{_WORD};' || {' || '.join(parts)})"


def leaves_digest(leaves: Iterable[bytes]) -> str:
    """SHA-256, in hex, of many leaves in order: what a batch's header names."""
    whole = hashlib.sha256()
    for leaf in leaves:
        whole.update(leaf)
    return whole.hexdigest()
