"""A centre with two pools, three parties, and sacct lines to import: shared by the tests of usage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stdnum.cn import uscc

from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport, import_usage
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Centre, UsageRecord
from huisuan.parties.models import Party

NOW = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
HEADER = (
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Eligible|Start|End|ElapsedRaw|Suspended|AllocTRES|"
    "ReqTRES|NNodes|NodeList|ExitCode|Restarts"
)
A800, H20, NPU = "A800-SXM4-80GB", "H20", "Ascend-910B3"


def code(number: int) -> str:
    """A valid USCC, another for each number."""
    front = f"91340100MA2N{number:05d}"
    return front + str(uscc.calc_check_digit(front))


def party(number: int, **fields: Any) -> Party:
    """A party of Hefei."""
    plain = {"name": f"公司{number}", "kind": "enterprise", "region_id": "340100"}
    return Party.objects.get_or_create(uscc=code(number), defaults={**plain, **fields})[0]


def centre(name: str = "c1", *partitions: str, timezone: str = "Asia/Shanghai") -> Centre:
    """A centre; by default with A800 in `gpu`, 910B3 in `npu`, and both A800 and H20 in `mix`."""
    plan = CentrePlan(
        name="测试中心",
        operator=party(99).uscc,
        region="340100",
        timezone=timezone,
        partitions=partitions or (f"gpu={A800}:4x8:a800", f"npu={NPU}:4x8", f"mix={A800}:1x8", f"mix={H20}:1x8"),
    )
    return add_centre(name, plan)


def line(job: object = 1001, tres: str = "cpu=8,gres/gpu:a800=8,gres/gpu=8", **fields: object) -> dict[str, str]:
    """One line of sacct's, by field: an hour of eight cards unless said otherwise."""
    plain: dict[str, object] = {
        "JobIDRaw": job, "JobID": job, "Cluster": "ah", "User": "zhang", "Account": "lab", "Partition": "gpu",
        "State": "COMPLETED", "Submit": "2024-03-01T08:00:00", "Eligible": "2024-03-01T08:00:00",
        "Start": "2024-03-01T09:00:00", "End": "2024-03-01T10:00:00", "ElapsedRaw": "", "Suspended": "00:00:00",
        "AllocTRES": tres, "ReqTRES": tres, "NNodes": 1, "NodeList": "gpu01", "ExitCode": "0:0", "Restarts": "",
    }  # fmt: skip
    return {name: str(value) for name, value in (plain | fields).items()}


def sacct(*lines: dict[str, str] | str, header: str = HEADER) -> bytes:
    """A file of these lines."""
    names = header.split("|")
    rows = [each if isinstance(each, str) else "|".join(each[name] for name in names) for each in lines]
    return "\n".join([header, *rows, ""]).encode()


def imported(content: bytes, at: str = "c1", **options: Any) -> UsageReport:
    """Import a file of sacct's."""
    dry_run = options.pop("dry_run", False)
    file = UsageFile(**{"content": content, "name": "sacct.txt", "format": "sacct", **options})
    return import_usage(at, file, NOW, dry_run=dry_run)


def records(at: str = "c1") -> list[UsageRecord]:
    """The current records of a centre, by sequence."""
    return list(current_usage().filter(centre__code=at).select_related("accelerator", "party"))


def only(at: str = "c1") -> UsageRecord:
    """The one record of a centre."""
    (record,) = records(at)
    return record
