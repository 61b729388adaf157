# ruff: noqa: S608 (names of our own; paths are quoted)
"""An exported folder: its names, its signed manifest, its files opened as tables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from pydantic import BaseModel, Field

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import file_sha256
from huisuan.base.text_length import shortened
from huisuan.compute.duck.workbench import lasting_workbench, literal
from huisuan.compute.metering.ledger.chain import Header
from huisuan.compute.metering.ledger.record_hash import TYPES
from huisuan.protocol.signatures import is_signed_by

EXPORT_KIND = "huisuan-export-1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
RECORDS, LEAVES, BATCHES, SOURCES = "records.parquet", "leaves.parquet", "batches.parquet", "sources.parquet"
SEALS, FLAGS, LEASES = "seals.json", "flags.json", "leases.parquet"

NUMBER_COLUMNS = ("number", "first", "last", "agent_number", "received", "sent")
_BATCH = {
    name: "BIGINT" if name in NUMBER_COLUMNS else "VARCHAR"
    for name in (*Header._fields, "previous", "chain", "receipt")
}
SOURCE = {
    "source": "VARCHAR", "name": "VARCHAR", "format": "VARCHAR", "timezone": "VARCHAR", "line_count": "BIGINT",
    "first_line": "BIGINT", "lines": "BIGINT", "raw_bytes": "BIGINT", "content": "BLOB",
}  # fmt: skip
#: the placements of the platform's jobs at the centre, by its clock
LEASE = {
    "uid": "VARCHAR", "lease": "BIGINT", "run": "BIGINT", "placed": "BIGINT", "until": "BIGINT", "cards": "BIGINT",
    "model": "VARCHAR",
}  # fmt: skip
#: table -> file, columns with their types
_TABLES = {
    "record": (RECORDS, TYPES | {"leaf": "VARCHAR"}),
    "other": (LEAVES, {"sequence": "BIGINT", "leaf": "VARCHAR"}),
    "batch": (BATCHES, _BATCH),
    "source": (SOURCES, SOURCE),
    "lease": (LEASES, LEASE),
}
#: columns that may be empty
_EMPTY = {
    "supersedes", "array_index", "party", "requested_cards", "submitted", "agent", "agent_key", "agent_number",
    "agent_previous", "agent_digest", "signature", "sent", "until",
}  # fmt: skip


class ExportedAgent(BaseModel):
    """An agent of the centre's, and its key."""

    name: str
    key: str


class LedgerHead(BaseModel):
    """The end of the ledger."""

    batches: int
    last_sequence: int
    chain: str


class CardVocabulary(BaseModel):
    """What cards are called at the centre."""

    catalogue: list[tuple[int, str, str]]
    by_partition: list[tuple[str, list[str]]]
    local: list[tuple[str, list[str]]]
    local_by_partition: list[tuple[str, str, list[str]]]


class Manifest(BaseModel):
    """What an export says of itself; `touched` are a month's batches."""

    kind: Literal["huisuan-export-1"]
    centre: str
    month: Annotated[str, Field(pattern=r"^2\d{3}-(0[1-9]|1[0-2])$")] | None
    platform_key: str
    agents: list[ExportedAgent]
    head: LedgerHead
    touched: list[int] | None
    cards: CardVocabulary
    files: dict[str, str]

    @property
    def keys(self) -> dict[str, str]:
        """Key by agent."""
        return {agent.name: agent.key for agent in self.agents}


class Unusable(InvalidRequest):
    """Nothing can be checked; says why."""


@dataclass(frozen=True)
class AuditFinding:
    """Something that is not as it was written: where (a file, a batch, a record, a seal), and what."""

    where: str
    what: str


@dataclass
class OpenedExport:
    """An export as it is being checked. Tables that could not be read are there, empty."""

    folder: Path
    manifest: Manifest
    con: duckdb.DuckDBPyConnection
    seals: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    findings: list[AuditFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def month(self) -> str | None:
        """The one month that it holds; None: the whole ledger."""
        return self.manifest.month

    @property
    def touched(self) -> set[int] | None:
        """In a month's export, the batches that hold records of the month; None: all of them."""
        return None if self.month is None else set(self.manifest.touched or ())

    def find(self, where: str, what: str) -> None:
        """Write down a finding."""
        self.findings.append(AuditFinding(where, what))

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """What a query over the tables gives."""
        return self.con.execute(query, parameters or []).fetchall()


def canonical(data: Any) -> str:
    """JSON that is written in one way only."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def export_digest(manifest: str) -> bytes:
    """32 bytes over a manifest: what the platform signs."""
    return hashlib.sha256(f"{EXPORT_KIND}\n{manifest}".encode()).digest()


def is_signed(key: str | None, signature: str | None, message: bytes) -> bool:
    """Whether it is the key's signature over the message; both in hex. What is no key or no signature is none.

    There is one way to write a signature, as there is of everything that is signed: capitals and blanks, which
    `fromhex` takes, are a change like any other.
    """
    try:
        signed = bytes.fromhex(signature or "")
    except ValueError:
        return False
    return signed.hex() == signature and is_signed_by(key or "", signature, message)


def open_export(folder: Path, platform_key: str | None) -> OpenedExport:
    """Read the manifest, compare the files with it, open them.

    Raises:
        Unusable: there is no manifest that can be read.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = Manifest.model_validate_json(text)
    except FileNotFoundError:
        raise Unusable(
            f"{folder} 里没有 {MANIFEST}：这不是 huisuan meter export 写出的目录", code="export.no_manifest"
        ) from None
    except (OSError, ValueError) as error:
        why = str(error).splitlines()
        raise Unusable(
            f"{folder / MANIFEST} 读不出来（{' '.join(why[1:3]) or why[0]}）：清单已损坏，请重新索取",
            code="export.manifest_damaged",
        ) from None
    opened = OpenedExport(folder, manifest, lasting_workbench())
    _check_manifest(opened, text, platform_key)
    _check_files(opened)
    _open_tables(opened)
    opened.seals, opened.flags = _json_list(opened, SEALS), _json_list(opened, FLAGS)
    return opened


def _check_manifest(opened: OpenedExport, text: str, platform_key: str | None) -> None:
    key = platform_key or opened.manifest.platform_key
    if platform_key is None:
        opened.notes.append(f"平台公钥取自导出本身：{key}；请与平台公布的核对，或用 --platform-key 指定")
    elif platform_key != opened.manifest.platform_key:
        opened.find(MANIFEST, "所载平台公钥不是您指定的那一把")
    path = opened.folder / SIGNATURE
    try:
        signature = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        signature = ""
    if not is_signed(key, signature, export_digest(text)):
        opened.find(f"{MANIFEST}、{SIGNATURE}", "签名与清单、平台公钥不符：两个文件之一被改过，或不是这个平台写的")


def _check_files(opened: OpenedExport) -> None:
    listed = opened.manifest.files
    there = {path.name for path in opened.folder.iterdir()} - {MANIFEST, SIGNATURE}
    for name in sorted(set(listed) - there):
        opened.find(name, "清单里有，目录里没有")
    for name in sorted(there - set(listed)):
        opened.find(name, "目录里有，清单里没有")
    for name in sorted(there & set(listed)):
        if file_sha256(opened.folder / name) != listed[name]:
            opened.find(name, "SHA-256 与清单不符：导出之后被改过")


def _open_tables(opened: OpenedExport) -> None:
    for table, (file, columns) in _TABLES.items():
        nullable = _EMPTY | ({"source"} if table == "batch" else set())
        made = ", ".join(f'"{name}" {kind}{"" if name in nullable else " NOT NULL"}' for name, kind in columns.items())
        opened.con.execute(f"CREATE TABLE {table} ({made})")
        path = opened.folder / file
        if not path.exists():
            continue
        try:
            read = opened.rows(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})")
            there = {column[0] for column in read}  # a column that came later is empty in an older export
            picked = ", ".join(f'"{name}"' if name in there or name not in nullable else "NULL" for name in columns)
            opened.con.execute(f"INSERT INTO {table} SELECT {picked} FROM read_parquet({literal(str(path))})")
        except duckdb.Error as error:
            opened.unreadable.add(table)
            opened.find(file, f"读不出来：{shortened(str(error).splitlines()[0], 200)}")


def _json_list(opened: OpenedExport, name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads((opened.folder / name).read_text(encoding="utf-8"))
        return [dict(entry) for entry in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        opened.unreadable.add(name)
        opened.find(name, f"读不出来：{error}")
        return []
