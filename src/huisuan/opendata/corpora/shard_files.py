"""Shards: the kept lines of a corpus in JSONL and Parquet, the same bytes from the same lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from huisuan.opendata.corpora.pages import shard_of

SHARD_FORMS = {"jsonl": "application/x-ndjson; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
LINE_FIELDS = ("text", "entry", "version", "release", "page", "sha256", "licence")
MARK_FIELD = "grant"


@dataclass(frozen=True)
class ShardFile:
    """A shard in one form: `sources` are lines by release."""

    number: int
    form: str
    content: bytes
    lines: int
    sources: Mapping[int, int]


def make_shards(lines: Iterable[Mapping[str, Any]], shards: int) -> list[ShardFile]:
    """The shards of the lines in both forms; one without a line is not made."""
    by_shard: dict[int, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_shard.setdefault(shard_of(line["sha256"], shards), []).append(line)
    found = []
    for number, own in sorted(by_shard.items()):
        sources: dict[int, int] = {}
        for line in own:
            sources[line["release"]] = sources.get(line["release"], 0) + 1
        for form, content in (("jsonl", as_jsonl(own)), ("parquet", as_parquet(own))):
            found.append(ShardFile(number, form, content, len(own), sources))
    return found


def as_jsonl(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """The lines, one JSON object each."""
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()


def as_parquet(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """The lines as a table."""
    import pyarrow
    from pyarrow import parquet

    whole = {"version": pyarrow.int32(), "release": pyarrow.int64(), "page": pyarrow.int64()}
    schema = pyarrow.schema([(name, whole.get(name, pyarrow.string())) for name in LINE_FIELDS])
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(list(lines), schema), buffer, compression="zstd")
    return buffer.getvalue()
