"""What a home that is backed up is filled with, and what a restored one must show.

`python -m support.backed_up seed|state` does it to the home that HUISUAN_HOME names.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime

NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
POLICY, YEAR = "anhui-agi-2023", 2024
CONTRACT = b"%PDF-1.7 a contract"
LARGE, LARGE_BYTES = 8, 300_000  # files of evidence, as large as this each


def seed() -> None:
    """A sealed month, a settlement, files of evidence."""
    from huisuan.base.months import Month
    from huisuan.compute.centres.tariffs import set_tariff
    from huisuan.compute.metering.seals.seal_month import seal_month
    from huisuan.programmes.applications.evidence_store import evidence_store
    from huisuan.settlement.runs.settle import settle
    from support.usage_records import A800, centre, imported, line, party, sacct

    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    imported(sacct(line(1), line(2)), tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    seal_month("c1", Month(2024, 3), by="x", now=NOW, despite="x")
    settle(POLICY, YEAR, now=NOW, by="x")
    for content in (CONTRACT, *(bytes([number]) * LARGE_BYTES for number in range(LARGE))):
        evidence_store().store(content)


def state() -> None:
    """Print what must be the same to the last hash."""
    from huisuan.base.hashing import bytes_sha256
    from huisuan.compute.keys import platform_key
    from huisuan.compute.models import MeterBatch
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.applications.evidence_store import load_evidence
    from huisuan.settlement.models import Entitlement
    from huisuan.settlement.runs.queries import get_entitlement, run_to_dict
    from huisuan.settlement.runs.settle import settle
    from huisuan.settlement.runs.trace import trace_entitlement

    again = settle(POLICY, YEAR, now=NOW, by="x")
    viewer = Viewer(role="province", name="x")
    found = {
        "traces": [trace_entitlement(get_entitlement(viewer, owed.pk)) for owed in Entitlement.objects.all()],
        "run": run_to_dict(again.run),
        "new": again.new,
        "key": platform_key.public(),
        "chain": list(MeterBatch.objects.values_list("chain", "receipt")),
        "evidence": len(load_evidence(bytes_sha256(CONTRACT))),
    }
    sys.stdout.write(json.dumps(found, default=str))


if __name__ == "__main__":
    from huisuan.serving.database import prepare_database

    prepare_database()
    {"seed": seed, "state": state}[sys.argv[1]]()
