"""Two centres' ledgers as they came about, exported, and what a careful auditor kept while they did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.trust import Trust, load_trust
from huisuan.compute.metering.exports.evidence_bundle import export_ledger
from huisuan.compute.metering.seals.queries import list_seals, record_countersignature, seal_to_dict
from huisuan.compute.metering.seals.register import publish_register, register_file
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import SiteAgent
from huisuan.protocol.agent import BatchAnswer, SealWord
from huisuan.protocol.batch_chain import register_digest, seal_digest, statement_sha256
from huisuan.protocol.signatures import public_half
from support.metering import HOUR, T0, Agent, agent, leased, said
from support.usage_records import centre, imported, line, party, sacct

NOW = datetime(2024, 6, 10, 4, tzinfo=UTC)
APRIL_2, JUNE_2 = datetime(2024, 4, 2, 4, tzinfo=UTC), datetime(2024, 6, 2, 4, tzinfo=UTC)
LAST_DAY = T0.replace(day=31, hour=13)  # 21:00 in Shanghai
MAY_2 = datetime(2024, 5, 2, 4, tzinfo=UTC)


@dataclass
class Ledgers:
    """The exports in `folder` (`c1`, `c2`), the auditor's file, and every private key there is."""

    folder: Path
    kept: Path
    platform: Ed25519PrivateKey
    agent_name: str
    agent: Ed25519PrivateKey
    auditor: Ed25519PrivateKey

    def trust(self, **instead: object) -> Trust:
        """All that the auditor kept, or something else in its place."""
        kept = self.kept
        held: dict[str, object] = {
            "agent_keys": [f"c1={public_half(self.agent)}"], "receipts": [kept / "receipts.json"],
            "earlier": [kept / "earlier"], "seals": [kept / "seals.json"],
            "registers": [kept / "register-2024-03.json", kept / "register.json"],
            "countersigners": [public_half(self.auditor)],
        }  # fmt: skip
        return load_trust(**(held | instead))  # type: ignore[arg-type]


def live(folder: Path) -> Ledgers:
    """Let a year's spring go by at two centres, and keep what an auditor can keep."""
    exports, kept = folder / "exports", folder / "kept"
    kept.mkdir()
    site = agent()
    answers = _march(site)
    seal_month("c1", Month(2024, 3), by="专班", now=APRIL_2, despite="查无此作业")
    _signed(site)
    seal_month("c2", Month(2024, 3), by="专班", now=APRIL_2)
    publish_register(Month(2024, 3), APRIL_2)
    (kept / "register-2024-03.json").write_text(json.dumps(register_file()))
    export_ledger("c1", kept / "earlier", None, APRIL_2)
    answers += _later(site)
    auditor = Ed25519PrivateKey.generate()
    _keep(site, kept, answers, auditor)
    for code in ("c1", "c2"):
        export_ledger(code, exports / code, None, NOW)
    export_ledger("c1", kept / "april", Month(2024, 4), NOW)
    private = Ed25519PrivateKey.from_private_bytes(platform_key._key().private_bytes_raw())
    return Ledgers(exports, kept, private, site.name, site.private, auditor)


def _march(site: Agent) -> list[BatchAnswer]:
    SiteAgent.objects.create(
        centre=site.centre, key=site.key, boot="1", host="login01", version="0", engine="slurm", last_seen_at=NOW
    )
    for uid, cards in (("J1", 8), ("J2", 4)):
        leased(site.centre, uid, cards=cards, placed=LAST_DAY)
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t")
    imported(sacct(line(), line(1002, User="李 四"), line(1003, State="FAILED")), tenants=tenants)
    centre("c2")
    imported(sacct(line(7)), at="c2")
    hours = [said(started=LAST_DAY + hour * HOUR, slice=hour) for hour in range(3)]
    first = site.report(*hours[:2], said("nobody", LAST_DAY), now=APRIL_2)
    return [first, site.report(hours[2], said("J2", LAST_DAY, cards=4), hours[0], now=APRIL_2)]


def _later(site: Agent) -> list[BatchAnswer]:
    imported(sacct(line(1003, End="2024-03-01T10:30:00"), line(1004)))
    april = site.report(
        said(started=LAST_DAY + 3 * HOUR, slice=3), said("J2", LAST_DAY, hours=0.5, cards=4, corrects=True), now=MAY_2
    )
    for month in (4, 5):
        seal_month("c1", Month(2024, month), by="专班", now=JUNE_2, despite="查无此作业")
        seal_month("c2", Month(2024, month), by="专班", now=JUNE_2)
    _signed(site)
    publish_register(Month(2024, 5), JUNE_2)
    leased(site.centre, "J5", placed=NOW - 3 * HOUR)
    return [april, site.report(said("J5", NOW - 2 * HOUR), now=NOW)]


def _signed(site: Agent) -> None:
    for each in list_seals(site.centre).filter(countersigned=None):
        word = SealWord(
            month=f"{each.month:%Y-%m}", statement_sha256=statement_sha256(each.statement),
            signature=site.private.sign(seal_digest(each.statement)).hex(),
        )  # fmt: skip
        record_countersignature(site.centre, site.key, word, JUNE_2)


def _keep(site: Agent, kept: Path, answers: list[BatchAnswer], auditor: Ed25519PrivateKey) -> None:
    digests = list(site.key.batches.order_by("number").values_list("agent_digest", flat=True))
    receipts = [
        {"agent": site.name, "number": each.number, "digest": digests[each.number - 1], "chain": each.chain,
         "receipt": each.receipt} for each in answers
    ]  # fmt: skip
    (kept / "receipts.json").write_text(json.dumps({"centre": "c1", "receipts": receipts}))
    (kept / "seals.json").write_text(json.dumps([seal_to_dict(each) for each in list_seals(site.centre)], default=str))
    register = register_file()
    newest = register["entries"][-1]
    signature = auditor.sign(register_digest(newest["statement"])).hex()
    newest["countersignatures"].append({"by": "审计厅", "key": public_half(auditor), "signature": signature})
    (kept / "register.json").write_text(json.dumps(register))
