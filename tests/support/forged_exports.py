"""A forger at work on an export: holds the keys that an attack gives it, and makes everything agree that those can.

What it can do is all that the holder of a key can: the platform's key makes leaves, chains, receipts, seals and
manifests anew; an agent's key batches and countersignatures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.metering.audit.folder import canonical, export_digest, file_sha256
from huisuan.compute.metering.ledger.chain import Header, next_chain_value, receipt_message
from huisuan.compute.metering.ledger.merkle import merkle_root
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS, HashedRecord, leaves_digest, record_leaf
from huisuan.protocol.batch_chain import START, digest_over, falls_before, line_digest, seal_digest, statement_sha256
from huisuan.protocol.signatures import public_half

Row = dict[str, Any]


class Forger:
    """Works on one export's folder, with the platform's key and those of some agents."""

    def __init__(self, folder: Path, platform: Ed25519PrivateKey, agents: dict[str, Ed25519PrivateKey]) -> None:
        self.folder, self.platform, self.agents = folder, platform, agents

    # --- files as they are

    def rows(self, name: str) -> list[Row]:
        """The rows of a file."""
        path = self.folder / name
        found: list[Row] = json.loads(path.read_text()) if path.suffix == ".json" else pq.read_table(path).to_pylist()
        return found

    def write(self, name: str, rows: list[Row]) -> None:
        """Write a file anew, well-formed."""
        path = self.folder / name
        if path.suffix == ".json":
            path.write_text(json.dumps(rows, ensure_ascii=False))
        else:
            pq.write_table(pa.Table.from_pylist(rows, pq.read_table(path).schema), path)

    def change(self, name: str, change: Callable[[list[Row]], object]) -> None:
        """Change a file's rows."""
        rows = self.rows(name)
        change(rows)
        self.write(name, rows)

    def manifest(self, change: Callable[[Row], object] = lambda manifest: None) -> None:
        """Write the manifest over the files as they are now, signed by the platform's key."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        names = sorted({each.name for each in self.folder.iterdir()} - {"manifest.json", "manifest.sig"})
        manifest["files"] = {name: file_sha256(self.folder / name) for name in names}
        change(manifest)
        text = canonical(manifest)
        (self.folder / "manifest.json").write_text(text)
        (self.folder / "manifest.sig").write_text(self.platform.sign(export_digest(text)).hex())

    # --- everything anew

    def lines(self, source: str, change: Callable[[list[Row]], object]) -> str:
        """Change an agent's lines, with all that goes back to them; gives the new name of the source."""
        row = next(each for each in self.rows("sources.parquet") if each["source"] == source)
        raw = pa.decompress(row["content"], row["raw_bytes"], codec="zstd", asbytes=True).decode()
        said = [json.loads(line) for line in raw.splitlines()]
        change(said)
        texts = [json.dumps(each, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for each in said]
        content = "".join(f"{text}\n" for text in texts).encode()
        new = hashlib.sha256(content).hexdigest()

        def sources(rows: list[Row]) -> None:
            for each in rows:
                if each["source"] == source:
                    packed = pa.compress(content, codec="zstd", asbytes=True)
                    each.update(source=new, raw_bytes=len(content), content=packed, line_count=len(texts))
                    each["lines"] = len(texts)

        def records(rows: list[Row]) -> None:
            for each in rows:
                if each["source"] == source:
                    text = texts[each["source_line"] - 1]
                    each.update(source=new, raw_sha256=hashlib.sha256(text.encode()).hexdigest())

        def batches(rows: list[Row]) -> None:
            for each in rows:
                if each["source"] == source:
                    each["source"] = new

        self.change("sources.parquet", sources)
        self.change("records.parquet", records)
        self.change("batches.parquet", batches)
        return new

    def remake(self, *, seals: bool = True) -> None:
        """Make everything agree with the records, lines and batches as they are now, as far as the keys reach."""
        records = self._leaves()
        batches = self._batches({row["sequence"]: bytes.fromhex(row["leaf"]) for row in records})
        if seals:
            self._seals(records, batches)
        last = batches[-1] if batches else {"number": 0, "last": 0, "chain": START}

        def head(manifest: Row) -> None:
            manifest["head"] = {"batches": last["number"], "last_sequence": last["last"], "chain": last["chain"]}
            for each in manifest["agents"]:
                if each["name"] in self.agents:
                    each["key"] = public_half(self.agents[each["name"]])

        self.manifest(head)

    def _leaves(self) -> list[Row]:
        records = self.rows("records.parquet")
        for row in records:
            row["card_seconds"] = row["cards"] * (row["ended"] - row["started"] - row["suspended_seconds"])
            row["leaf"] = record_leaf(HashedRecord(*(row[name] for name in RECORD_FIELDS))).hex()
        self.write("records.parquet", records)
        return records

    def _batches(self, leaves: dict[int, bytes]) -> list[Row]:
        batches, chain = self.rows("batches.parquet"), START
        heads: dict[str, tuple[int, str]] = {}
        digests = self._line_digests()
        for row in batches:
            held = [leaves[number] for number in range(row["first"], row["last"] + 1) if number in leaves]
            row["leaves"] = leaves_digest(held)
            key = self.agents.get(row["agent"] or "")
            if key is not None:
                number, previous = heads.get(row["agent"], (0, START))
                row.update(agent_number=number + 1, agent_previous=previous, agent_key=public_half(key))
                said = digest_over(row["agent"], number + 1, previous, digests[row["source"]])
                row.update(agent_digest=said.hex(), signature=key.sign(said).hex())
            if row["agent"]:
                heads[row["agent"]] = (row["agent_number"], row["agent_digest"])
            row["previous"], row["chain"] = (
                chain,
                next_chain_value(chain, Header(*(row[name] for name in Header._fields))),
            )
            row["receipt"] = self.platform.sign(receipt_message(row["chain"])).hex()
            chain = row["chain"]
        self.write("batches.parquet", batches)
        return batches

    def _line_digests(self) -> dict[str, list[bytes]]:
        found = {}
        for row in self.rows("sources.parquet"):
            raw = pa.decompress(row["content"], row["raw_bytes"], codec="zstd", asbytes=True).decode()
            found[row["source"]] = [line_digest(line) for line in raw.split("\n")[:-1]]
        return found

    def _seals(self, records: list[Row], batches: list[Row]) -> None:
        seals, before = self.rows("seals.json"), None
        for seal in seals:
            said = json.loads(seal["statement"])
            last = [row for row in batches if row["number"] <= said["batches"]][-1]
            said.update(batches=last["number"], chain=last["chain"], last_sequence=last["last"])
            self._hold(said, records, before)
            for part in said["agents"]:
                theirs = [row for row in batches if row["agent"] == part["name"] and row["number"] <= last["number"]]
                if theirs:
                    part.update(key=theirs[-1]["agent_key"], digest=theirs[-1]["agent_digest"])
                    part["batches"] = theirs[-1]["agent_number"]
            said["previous"] = statement_sha256(before["statement"]) if before else None
            text = canonical(said)
            seal.update({name: said[name] for name in ("records", "late", "card_seconds", "root", "last_sequence")})
            seal.update(statement=text, signature=self.platform.sign(seal_digest(text)).hex())
            if (key := self.agents.get(seal["countersigned_by"] or "")) is not None:
                seal["countersignature"] = key.sign(seal_digest(text)).hex()
            before = seal
        self.write("seals.json", seals)

    def _hold(self, said: Row, records: list[Row], before: Row | None) -> None:
        last = json.loads(before["statement"]) if before else None

        def late(row: Row) -> bool:
            return last is not None and falls_before(row["started"], row["ended"], last["ends"])

        inside = [
            row
            for row in sorted(records, key=lambda row: row["sequence"])
            if row["sequence"] <= said["last_sequence"]
            and falls_before(row["started"], row["ended"], said["ends"])
            and not (last and row["sequence"] <= last["last_sequence"] and late(row))
        ]
        said.update(
            records=len(inside), late=sum(late(row) for row in inside),
            card_seconds=sum(row["card_seconds"] for row in inside),
            root=merkle_root(bytes.fromhex(row["leaf"]) for row in inside).hex(),
        )  # fmt: skip
