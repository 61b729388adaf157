"""`meter verify`: an exported ledger, or one proof, checked with public keys alone: no platform, no database.

What was changed, dropped, doubled or put in another order is found, and called by its name: file, batch, record, seal.
What an export cannot show of itself (whose keys they are, whether its end is the end) is shown by what the checker
holds from elsewhere, and the verdict says what nobody showed: only then is it called whole (decision 019).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huisuan.compute.metering.audit.batches import check_batches
from huisuan.compute.metering.audit.external_evidence import EvidenceReach, check_against_evidence
from huisuan.compute.metering.audit.folder import MANIFEST, AuditFinding, OpenedExport, Unusable, open_export
from huisuan.compute.metering.audit.leases import check_leases
from huisuan.compute.metering.audit.lines import check_lines
from huisuan.compute.metering.audit.records import check_records
from huisuan.compute.metering.audit.sample import SAMPLE_KIND, check_sample
from huisuan.compute.metering.audit.seals import check_inclusion, check_seals
from huisuan.compute.metering.audit.trust import Trust
from huisuan.compute.metering.checks.run_bounds import CLOCK_SECONDS

_NOTHING = Trust()
_CURRENT = "sequence NOT IN (SELECT supersedes FROM record WHERE supersedes IS NOT NULL)"


@dataclass
class AuditResult:
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
    shown_to: int = 0  # the last batch that something held from elsewhere names
    not_shown: list[str] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        """Nothing was found."""
        return not self.findings

    @property
    def is_whole(self) -> bool:
        """Nothing was found, and nothing is left that only the export itself says."""
        return self.is_consistent and not self.not_shown

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        words = {"consistent": self.is_consistent, "whole": self.is_whole}
        return {**vars(self), "findings": [vars(finding) for finding in self.findings], **words}


def verify_export(
    folder: Path, platform_key: str | None = None, *, trust: Trust = _NOTHING, clock_seconds: int = CLOCK_SECONDS
) -> AuditResult:
    """Check an export.

    Args:
        folder: what `meter export` wrote.
        platform_key: the platform's public key, 64 hexadecimal digits, from where you trust it; None takes the one in
            the export, which shows only that the export agrees with itself.
        trust: what is held from elsewhere and from before (`read_trust`).
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
        shown = check_against_evidence(opened, trust, key, chain)
        verdict = _verdict(opened, key, countersigned)
        verdict.shown_to = shown.batch
        verdict.not_shown = _not_shown(verdict, platform_key is not None, shown)
        return verdict
    finally:
        opened.con.close()


def _not_shown(verdict: AuditResult, has_platform_key: bool, shown: EvidenceReach) -> list[str]:
    """What nothing but the export itself says."""
    missing = []
    if not has_platform_key:
        missing.append("它是哪个平台写的：没有给出平台公钥（--platform-key）")
    if verdict.agent_batches and not shown.keys:
        missing.append(
            "批次是不是站点代理自己签的：没有给出中心亲自告知的公钥（--agent-key），也没有可信者会签的登记册"
            "（--register 与 --countersigner）；有平台密钥的人可以换掉代理的密钥，全部重签"
        )
    if not shown.ends:
        missing.append(
            "账本是不是到此为止：没有收据、较早的导出、封账书或登记册（--receipt、--earlier、--seal、--register）"
        )
    if not shown.months:
        missing.append("封账的月份是不是都在，中心是不是都在：没有登记册（--register）")
    return missing


def verify_all(
    folder: Path, platform_key: str | None = None, *, trust: Trust = _NOTHING, clock_seconds: int = CLOCK_SECONDS
) -> tuple[list[AuditResult], list[AuditFinding]]:
    """Check a folder of exports, one in each folder inside; and what the newest register lists that is not there.

    Raises:
        Unusable: there is no export in it, or one has no manifest that can be read.
    """
    folders = sorted(path for path in folder.iterdir() if (path / MANIFEST).exists())
    if not folders:
        raise Unusable(
            f"{folder} 里没有 {MANIFEST}，也没有装着导出的目录：这不是 huisuan meter export 写出的",
            code="export.no_manifest",
        )
    verdicts = [
        verify_export(export_folder, platform_key, trust=trust, clock_seconds=clock_seconds)
        for export_folder in folders
    ]
    there = {verdict.centre for verdict in verdicts}
    listed = trust.register.newest.centres if trust.register else []
    missing = [
        AuditFinding(f"中心 {centre.code}", "登记册里有这个中心，没有它的导出")
        for centre in listed
        if centre.code not in there
    ]
    return verdicts, missing


def _verdict(opened: OpenedExport, key: str, countersigned: int) -> AuditResult:
    ((records,),) = opened.rows("SELECT count(*) FROM record")
    ((batches, agent_batches),) = opened.rows("SELECT count(*), count(agent) FROM batch")
    by_model: dict[str, int] = dict(
        opened.rows(f"SELECT model, sum(card_seconds) FROM record WHERE {_CURRENT} GROUP BY 1 ORDER BY 1")  # noqa: S608
    )
    return AuditResult(
        centre=opened.manifest.centre, month=opened.month, platform_key=key, records=records, batches=batches,
        agent_batches=agent_batches, seals=len(opened.seals), countersigned=countersigned,
        card_seconds=sum(by_model.values()), by_model=by_model,
        open_flags=sum(not flag.get("answered_at") for flag in opened.flags),
        findings=opened.findings, notes=opened.notes,
    )  # fmt: skip


def verify_document(path: Path, platform_key: str | None = None) -> tuple[list[str], int | None]:
    """What is wrong with a proof of one record, or with a sample of many; and how many lines a sample has.

    Raises:
        Unusable: it is neither.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["kind"] == SAMPLE_KIND:
            return check_sample(document, platform_key), len(document["lines"])
        return check_inclusion(document, platform_key), None
    except (OSError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Unusable(
            f"{path} 不是 huisuan meter proof --json 写出的证明，也不是 huisuan audit sample 写出的样本（{error}）",
            code="proof.unreadable",
        ) from None
