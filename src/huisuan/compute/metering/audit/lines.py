# ruff: noqa: S608 (our own SQL)
"""Raw lines against the hashes over them, and records against the raw lines that they were read from."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from huisuan.base.errors import Refused
from huisuan.base.hashing import bytes_sha256
from huisuan.base.text_length import shortened
from huisuan.compute.accelerators import Card, CardNames
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.metering.agent_usage.usage_line import UsageLineFields, epoch_second, parse_usage_line
from huisuan.compute.metering.audit.batches import batch_name
from huisuan.compute.metering.audit.folder import CardVocabulary, OpenedExport
from huisuan.compute.metering.audit.records import MOST, record_name
from huisuan.compute.metering.audit.sources import _SourceFile, iterate_files
from huisuan.compute.metering.intake.sacct import parse_sacct
from huisuan.compute.metering.ledger.record_hash import TYPES
from huisuan.protocol.batch_chain import digest_over, line_digest

#: fields of a record that an agent's line says, by what the line calls them
LINE_SAYS = (
    "job_id",
    "run",
    "cards",
    "nodes",
    "node_count",
    "started",
    "ended",
    "suspended_seconds",
    "state",
    "exit_code",
)
#: fields of a record that a line of sacct says, where its file has them
SACCT_SAYS = ("job_id", "cards", "started", "ended", "suspended_seconds", "state")
_READING = """
SELECT line_no, model, job_id, run, cards, nodes, node_count, started, ended, suspended, state, exit_code FROM reading
"""
_AGENT_BATCHES = """
SELECT source, number, agent, agent_number, agent_previous, agent_digest FROM batch
WHERE source IS NOT NULL AND agent IS NOT NULL ORDER BY number
"""
_PLACE = {"source": "VARCHAR", "line_no": "BIGINT"}
#: what is put into the tables `line` and `parsed_line`, some at a time
HASH_BATCH = DuckRelation("hash_batch", {**_PLACE, "sha256": "VARCHAR"})
PARSED_BATCH = DuckRelation(
    "parsed_batch", {**_PLACE, "lease": "BIGINT", "model": "VARCHAR"} | {name: TYPES[name] for name in LINE_SAYS}
)
_AT_ONCE = 200_000  # rows that are held before they go into the tables


def check_lines(opened: OpenedExport) -> None:
    """Every source is whole, every record what its raw line says, every agent's line a record or accounted for."""
    if {"source", "batch"} & opened.unreadable:
        return
    lines = Lines(opened)
    for file in iterate_files(opened):
        lines.add(file)
    lines.store()
    if "record" not in opened.unreadable:
        _raw(opened)
        _against_lines(opened)


class Lines:
    """Parses files one after the other into the tables `line` (hashes) and `parsed_line` (fields of a record)."""

    def __init__(self, opened: OpenedExport) -> None:
        self.opened = opened
        opened.con.execute(
            f"CREATE TABLE line ({HASH_BATCH.definition}); CREATE TABLE parsed_line ({PARSED_BATCH.definition})"
        )
        grouped = "SELECT source, list(DISTINCT source_line) FROM record GROUP BY source"
        self.places: dict[str, list[int]] = dict(opened.rows(grouped))  # lines that records go back to
        self.batches: dict[str, list[tuple[Any, ...]]] = {}
        for source, *batch in opened.rows(_AGENT_BATCHES):
            self.batches.setdefault(source, []).append(tuple(batch))
        # every line of an agent's has to be met again: not in a month's export, which lacks the other months' records
        whole = opened.month is None and not {"record", "flags.json"} & opened.unreadable
        self.metered = {digest for (digest,) in opened.rows("SELECT raw_sha256 FROM record")} if whole else None
        self.flagged = {flag.get("about") for flag in opened.flags}
        self.hashes: list[tuple[str, int, str]] = []
        self.parsed: list[tuple[Any, ...]] = []

    def add(self, file: _SourceFile) -> None:
        """Take in a file."""
        if file.format == "agent":
            self._agent_file(file)
        else:
            lines = file.content.split(b"\n")
            places = [at for at in self.places.get(file.source, []) if 1 <= at <= len(lines)]
            self.hashes += [(file.source, at, bytes_sha256(lines[at - 1])) for at in places]
        if file.format == "sacct":
            self._sacct_file(file)
        if len(self.hashes) + len(self.parsed) > _AT_ONCE:
            self.store()

    def store(self) -> None:
        """Put what was read into the tables."""
        con = self.opened.con
        HASH_BATCH.load(con, self.hashes)
        PARSED_BATCH.load(con, self.parsed)
        con.execute("INSERT INTO line FROM hash_batch")
        con.execute("INSERT INTO parsed_line FROM parsed_batch")
        self.hashes, self.parsed = [], []

    def _agent_file(self, file: _SourceFile) -> None:
        """The batches that brought this file: their digest, which the agent signed, over the lines as they are here."""
        raw = file.content.decode("utf-8", "replace").split("\n")[:-1]
        digests = [line_digest(line) for line in raw]
        batches = self.batches.get(file.source, [])
        for number, agent, agent_number, previous, stated in batches:
            if digest_over(agent, agent_number, previous, digests).hex() != stated:
                text = "原始行与站点代理签名的摘要不符：有行被改、被删、被加或换了次序"
                self.opened.find(batch_name(number), text)
        for at, (line, hashed) in enumerate(zip(raw, digests, strict=True), start=1):
            fields = parse_usage_line(line)
            self.hashes.append((file.source, at, hashed.hex()))
            if not isinstance(fields, str):
                self.parsed.append((file.source, at, fields["lease"], None, *_fields(fields)))
            if batches and self.metered is not None and not self._is_accounted_for(hashed.hex(), fields):
                self.opened.find(batch_name(batches[0][0]), f"第 {at} 行没有成为记录，也没有留下疑点")

    def _is_accounted_for(self, sha256: str, fields: UsageLineFields | str) -> bool:
        """Whether a line became a record, is flagged, or says what a record says already."""
        if sha256 in (self.metered or ()) or sha256 in self.flagged:
            return True
        if isinstance(fields, str):
            return False
        same = " AND ".join(f"{field} IS NOT DISTINCT FROM ?" for field in LINE_SAYS)
        return bool(self.opened.rows(f"SELECT 1 FROM record WHERE {same} LIMIT 1", list(_fields(fields))))

    def _sacct_file(self, file: _SourceFile) -> None:
        """Read the accounting file anew, as it was read when it was imported."""
        names = parse_card_names(self.opened.manifest.cards)
        try:
            lines = split_source(file.content, file.source)
            parsed = parse_sacct(lines, names, ZoneInfo(file.timezone), trust_all_lines=True)
        except (Refused, ValueError, KeyError, OSError) as error:
            self.opened.find(file.where, f"读不成记账文件：{shortened(str(error).splitlines()[0], 200)}")
            return
        with parsed.con as con:
            self.parsed += [(file.source, at, None, *row) for at, *row in con.execute(_READING).fetchall()]


def _fields(line: UsageLineFields) -> tuple[Any, ...]:
    exit_code = "" if line["exit_code"] is None else str(line["exit_code"])
    return (
        line["uid"], line["run"], line["cards"], line["nodes"], line["node_count"], epoch_second(line["started_at"]),
        epoch_second(line["ended_at"]), line["suspended_seconds"], line["state"].upper(), exit_code,
    )  # fmt: skip


def _raw(opened: OpenedExport) -> None:
    rows = opened.rows("""
        SELECT r.sequence, l.sha256 IS NULL FROM record r
        LEFT JOIN line l ON l.source = r.source AND l.line_no = r.source_line
        WHERE l.sha256 IS DISTINCT FROM r.raw_sha256 ORDER BY 1
    """)
    for sequence, missing in rows[:MOST]:
        opened.find(record_name(sequence), "它的原始行不在导出里" if missing else "它的原始行与记下的 SHA-256 不符")


def _against_lines(opened: OpenedExport) -> None:
    """What a record says against what its line says."""
    opened.con.execute("CREATE TABLE format AS SELECT DISTINCT source, format FROM source")
    differs = " || ".join(
        f"CASE WHEN s.{field} IS DISTINCT FROM r.{field} AND (f.format = 'agent' OR {field in SACCT_SAYS}) "
        f"THEN ' {field}=' || coalesce(s.{field}::VARCHAR, '?') ELSE '' END"
        for field in LINE_SAYS
    )
    rows = opened.rows(f"""
        SELECT r.sequence, s.source IS NULL, {differs} AS differs
        FROM record r JOIN format f USING (source)
        LEFT JOIN parsed_line s ON s.source = r.source AND s.line_no = r.source_line
            AND (s.model IS NULL OR s.model = r.model)
        WHERE f.format IN ('agent', 'sacct') AND (s.source IS NULL OR {differs} <> '') ORDER BY 1
    """)
    for sequence, unread, difference in rows[:MOST]:
        opened.find(
            record_name(sequence), _unread(opened, sequence) if unread else f"与原始行不符，原始行说的是{difference}"
        )
    if len(rows) > MOST:
        opened.find("用量记录", f"另有 {len(rows) - MOST:,} 条与原始行不符")
    ((others,),) = opened.rows(
        "SELECT count(*) FROM record JOIN format USING (source) WHERE format NOT IN ('agent', 'sacct')"
    )
    if others:
        opened.notes.append(
            f"{others:,} 条记录来自轨迹文件：原始行已核对，但读法（列、零点、平移）不在导出里，没有重新读"
        )


def _unread(opened: OpenedExport, sequence: int) -> str:
    models = opened.rows(
        "SELECT DISTINCT s.model, r.model FROM record r JOIN parsed_line s ON s.source = r.source "
        "AND s.line_no = r.source_line WHERE r.sequence = ?",
        [sequence],
    )
    if not models:
        return "它的原始行读不出这样一条记录"
    read = "、".join(str(model) for model, _ in models)
    return f"型号是 {models[0][1]}，而按现在登记的卡名原始行读作 {read}"


# --- what cards are called


def card_names_to_dict(names: CardNames) -> dict[str, Any]:
    """What cards are called at a centre, as an export carries it."""
    return {
        "catalogue": [[card.id, card.model, card.vendor] for card in names.catalogue],
        "by_partition": [[name, [card.model for card in cards]] for name, cards in sorted(names.by_partition.items())],
        "local": [[name, [card.model for card in cards]] for name, cards in sorted(names.local.items())],
        "local_by_partition": [
            [*key, [card.model for card in cards]] for key, cards in sorted(names.local_by_partition.items())
        ],
    }


def parse_card_names(data: CardVocabulary) -> CardNames:
    """The same, read back."""
    cards = [Card(*entry) for entry in data.catalogue]
    by_model = {card.model: card for card in cards}

    def meant(models: list[str]) -> list[Card]:
        return [by_model.get(model) or Card(0, model, "") for model in models]

    return CardNames(
        cards,
        {name: meant(models) for name, models in data.by_partition},
        {name: meant(models) for name, models in data.local},
        {(partition, name): meant(models) for partition, name, models in data.local_by_partition},
    )
