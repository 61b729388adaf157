"""`meter verify`: an exported ledger, or one proof, checked with public keys alone: no platform, no database.

What was changed, dropped, doubled or put in another order is found, and called by its name: file, batch, record, seal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huisuan.compute.metering.audit.batches import check_batches
from huisuan.compute.metering.audit.folder import Finding, Opened, Unusable, open_export
from huisuan.compute.metering.audit.leases import check_leases
from huisuan.compute.metering.audit.lines import check_lines
from huisuan.compute.metering.audit.records import check_records
from huisuan.compute.metering.audit.seals import check_proof, check_seals
from huisuan.compute.metering.bounds import CLOCK_SECONDS

CURRENT = "sequence NOT IN (SELECT supersedes FROM record WHERE supersedes IS NOT NULL)"


@dataclass
class Verdict:
    """What was checked, and what is not as it was written. Sums are over the records that nothing in them corrects."""

    centre: str
    month: str | None
    platform_key: str
    records: int = 0
    batches: int = 0
    agent_batches: int = 0
    seals: int = 0
    countersigned: int = 0
    card_seconds: int = 0
    by_model: dict[str, int] = field(default_factory=dict)
    open_flags: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {**vars(self), "findings": [vars(each) for each in self.findings], "whole": self.is_whole}


def verify(folder: Path, platform_key: str | None = None, *, clock_seconds: int = CLOCK_SECONDS) -> Verdict:
    """Check an export.

    Args:
        folder: what `meter export` wrote.
        platform_key: the platform's public key, 64 hexadecimal digits, from where you trust it; None takes the one in
            the export, which shows only that the export agrees with itself.
        clock_seconds: by which a centre's clock may differ, where the platform was set to another limit.

    Raises:
        Unusable: it is no export, or its manifest cannot be read.
    """
    opened = open_export(folder, platform_key)
    try:
        key = platform_key or opened.manifest.platform_key
        check_records(opened)
        chain = check_batches(opened, key)
        check_lines(opened)
        check_leases(opened, clock_seconds)
        countersigned = check_seals(opened, key, chain)
        return _verdict(opened, key, countersigned)
    finally:
        opened.con.close()


def _verdict(opened: Opened, key: str, countersigned: int) -> Verdict:
    ((records,),) = opened.rows("SELECT count(*) FROM record")
    ((batches, agent_batches),) = opened.rows("SELECT count(*), count(agent) FROM batch")
    by_model: dict[str, int] = dict(
        opened.rows(f"SELECT model, sum(card_seconds) FROM record WHERE {CURRENT} GROUP BY 1 ORDER BY 1")  # noqa: S608
    )
    return Verdict(
        centre=opened.manifest.centre, month=opened.month, platform_key=key, records=records, batches=batches,
        agent_batches=agent_batches, seals=len(opened.seals), countersigned=countersigned,
        card_seconds=sum(by_model.values()), by_model=by_model,
        open_flags=sum(not each.get("answered_at") for each in opened.flags),
        findings=opened.findings, notes=opened.notes,
    )  # fmt: skip


def verify_proof(path: Path, platform_key: str | None = None) -> list[str]:
    """What is wrong with a proof of one record (`meter proof --json`); nothing where it holds.

    Raises:
        Unusable: it is no proof.
    """
    try:
        return check_proof(json.loads(path.read_text(encoding="utf-8")), platform_key)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Unusable(f"{path} 不是 huisuan meter proof --json 写出的证明（{error}）") from None
