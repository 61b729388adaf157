"""What the demo puts on the stage. Running it again changes nothing that stands."""

from __future__ import annotations

import csv
import re
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyotp

from huisuan.base.errors import Conflict, Unavailable
from huisuan.base.paths import home
from huisuan.client import Client
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport, import_usage
from huisuan.compute.metering.intake.synthetic_sacct import generate_year
from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals
from huisuan.compute.models import Tariff
from huisuan.parties.csv_import import import_parties
from huisuan.parties.identity import second_factor
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.identity.people import generate_password
from huisuan.parties.models import Party, Person, PersonAction, Region, Role
from huisuan.parties.relation_import import import_relations
from huisuan.protocol.resources import Job, UsageRecord
from huisuan.settlement.runs.settle import SettleResult, settle, settle_year

_YEAR = 2024
JOBS, USERS, SEED = 50_000, 40, 20_240_101
_TENANT = "trace"
TENANT_COLUMNS, TIME_COLUMNS = ("user", "vc", "cluster"), ("timestamp", "submit_time")
_DAY_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}")
_METERED_WITHIN_SECONDS = 30  # seconds
_POLICY = "anhui-agi-2023"
HEFEI, HUAIBEI, WUHU = "hefei-demo", "huaibei-demo", "wuhu-demo"
_STACKED_YEAR, _STACKED_JOBS, _STACKED_USERS = 2025, 400, 20  # the year that three policies pay for
UNIVERSITY = "12340100MADEM0121P"
YUNXIU = "91340100MADEM0911Y"

DEMO_CENTRES = {
    HEFEI: CentrePlan(
        name="庐州智算中心（示例）", name_en="Luzhou Compute Centre (demo)", operator="91340100MADEM0917H",
        region="340100", demo=True,
        partitions=("a800=A800-SXM4-80GB:96x8:a800", "npu=Ascend-910B3:64x8:910b3"),
    ),
    HUAIBEI: CentrePlan(
        name="相山智算中心（示例）", name_en="Xiangshan Compute Centre (demo)", operator="91340600MADEM0918E",
        region="340600", engine="local", demo=True,
        partitions=(
            "a100=A100-SXM4-80GB:2x8:a100", "ascend=Ascend-910B3:1x8:ascend910b", "scav=Ascend-910B3:1x8:ascend910b",
            "trial=CPU-SLOT:1x4",
        ),
    ),
    WUHU: CentrePlan(
        name="江城智算中心（示例）", name_en="Jiangcheng Compute Centre (demo)", operator="91340100MADEM0917H",
        region="340200", demo=True,
        partitions=("a800=A800-SXM4-80GB:96x8:a800", "npu=Ascend-910B3:64x8:910b3"),
    ),
}  # fmt: skip
#: centre, model, fen per card-hour, first day, day after the last
TARIFFS = (
    (HEFEI, "A800-SXM4-80GB", 1280, date(2023, 1, 1), date(2024, 7, 1)),
    (HEFEI, "A800-SXM4-80GB", 1150, date(2024, 7, 1), None),
    (HEFEI, "Ascend-910B3", 980, date(2023, 1, 1), None),
    (HUAIBEI, "A100-SXM4-80GB", 1180, date(2023, 1, 1), None),
    (HUAIBEI, "Ascend-910B3", 950, date(2023, 1, 1), None),
    (HUAIBEI, "CPU-SLOT", 12, date(2023, 1, 1), None),
    (WUHU, "A800-SXM4-80GB", 1180, date(2025, 1, 1), None),
    (WUHU, "Ascend-910B3", 960, date(2025, 1, 1), None),
)
#: what the demo really runs: a name and a program for the interpreter of this installation
PROGRAMS = (
    ("素数", "print(sum(all(n % d for d in range(2, int(n ** 0.5) + 1)) for n in range(2, 60_000)), '个素数')"),
    ("矩阵", "n = 90; m = [[i ^ j for j in range(n)] for i in range(n)]; "
             "print(sum(sum(a * b for a, b in zip(r, c)) for r in m for c in zip(*m)))"),
    ("失败", "import sys; print('这个作业有意以 3 退出'); sys.exit(3)"),
)  # fmt: skip


def refuse_real_data() -> None:
    """Keep the demo out of a database that is in earnest.

    Raises:
        Refused: there are parties that are not the demo's.
    """
    if Party.objects.filter(demo=False).exists():
        raise Conflict(
            "这个数据库里有真实的主体，演示不在其中进行：请用 HUISUAN_HOME=另一个目录 huisuan demo",
            code="demo.real_parties",
        )


def enter_parties() -> None:
    """A dozen invented parties and the relations between them."""
    import_parties(_bundled("parties.csv"), "parties.csv", demo=True)
    import_relations(_bundled("relations.csv"), "relations.csv")


def open_centres() -> None:
    """Three centres with their tariffs; the second runs jobs on this machine."""
    for code, plan in DEMO_CENTRES.items():
        add_centre(code, plan)
    for centre, model, fen, starts, ends in TARIFFS:
        stands = Tariff.objects.filter(centre__code=centre, accelerator__model=model, valid_from=starts)
        if not stands.exists():
            set_tariff(centre, model, str(fen), starts, ends)


def make_accounts() -> list[tuple[Person, str]]:
    """Accounts for every role, and their password of this run; who needs a second factor has one.

    Of the province there are two: what one proposes, the other adopts.
    """
    password = generate_password()
    university, yunxiu = Party.objects.get(uscc=UNIVERSITY), Party.objects.get(uscc=YUNXIU)
    operator = Party.objects.get(uscc=DEMO_CENTRES[HEFEI].operator or "")
    places: dict[str, dict[str, Any]] = {
        "yunxiu": {"role": Role.USER, "party": yunxiu}, "gaoxiao": {"role": Role.USER, "party": university},
        "luzhou": {"role": Role.CENTRE, "party": operator},
        "hefei": {"role": Role.CITY, "city": Region.objects.get(code="340100")},
        "zhuanban": {"role": Role.PROVINCE}, "zhuanban2": {"role": Role.PROVINCE},
        "shenji": {"role": Role.AUDITOR}, "guanli": {"role": Role.OPERATOR},
    }  # fmt: skip
    accounts, now, actor = [], datetime.now(UTC), Actor("huisuan demo")
    for username, place in places.items():
        person, created = Person.objects.update_or_create(
            username=username, defaults={"name": username, "demo": True, "is_active": True, **place}
        )
        person.set_password(password)
        person.must_change_password = False
        person.save()
        if created:
            record_event(person, PersonAction.ADDED, actor, now, person.role)
        if person.needs_second_factor and not second_factor.has_factor(person):
            secret = second_factor.new_totp_secret()
            second_factor.enrol_factor(person, secret, pyotp.TOTP(secret).at(now), actor, now)
        accounts.append((person, password))
    return accounts


def with_password(person: Person | None, accounts: list[tuple[Person, str]]) -> list[tuple[Person, str]]:
    """An account for somebody who was there without one, with the password of this run."""
    if person is None:
        return []
    password = accounts[0][1]
    person.set_password(password)
    person.must_change_password = False
    person.save()
    return [(person, password)]


def run_jobs(client: Client) -> list[tuple[Job, UsageRecord]]:
    """Really run a few jobs on this machine, each until its usage is metered; each with its record."""
    submitted = [
        client.submit_job([sys.executable, "-c", program], name=name, cards=cards, model="CPU-SLOT", party=YUNXIU)
        for cards, (name, program) in enumerate(PROGRAMS, start=1)
    ]
    return [(client.wait(job.uid), _metered(client, job.uid)) for job in submitted]


def _metered(client: Client, uid: str) -> UsageRecord:
    """The usage record of a job that is over; the agent sends it within a second or two.

    Raises:
        Refused: it did not come.
    """
    deadline = time.monotonic() + _METERED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if records := client.usage(job=uid):
            return records[0]
        time.sleep(0.1)
    raise Unavailable(
        f"作业 {uid} 已结束，{_METERED_WITHIN_SECONDS} 秒内没有收到它的用量记录", code="demo.usage_missing"
    )


def import_accounting() -> Iterator[UsageReport]:
    """A year of 50,000 generated jobs, and what a real Slurm really printed."""
    now = datetime.now(UTC)
    generated = "\n".join(generate_year(_YEAR, JOBS, USERS, SEED)).encode()
    tenants = (_bundled("tenants-hefei.csv"), "tenants-hefei.csv")
    yield import_usage(HEFEI, UsageFile(generated, f"generated-{_YEAR}.txt", "sacct", tenants=tenants), now)
    real = _bundled("sacct-slurm-22.05.txt")
    tenants = (_bundled("tenants-huaibei.csv"), "tenants-huaibei.csv")
    yield import_usage(HUAIBEI, UsageFile(real, "sacct-slurm-22.05.txt", "sacct", tenants=tenants), now)


def import_stacked_year() -> UsageReport:
    """A year of generated jobs in Wuhu, which the city pays for beside the province."""
    lines = "\n".join(generate_year(_STACKED_YEAR, _STACKED_JOBS, _STACKED_USERS, SEED, cluster="wh")).encode()
    tenants = (_bundled("tenants-hefei.csv"), "tenants-hefei.csv")
    file = UsageFile(lines, f"generated-{_STACKED_YEAR}.txt", "sacct", tenants=tenants)
    return import_usage(WUHU, file, datetime.now(UTC))


def add_example_policy() -> None:
    """Put an invented policy into this home, marked as an example: no calculator answers by it."""
    bundled = Path(str(files("huisuan.cli.demo"))) / "policies"
    shutil.copytree(
        bundled, home() / "policies", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )


def import_trace(path: Path) -> UsageReport:
    """A public trace as use of the first centre's cards; its tenants are given to the demo's parties in turn.

    Its days are moved by whole weeks into the demo's year, in which the policy holds; the raw lines stay as they are.

    Raises:
        Refused: no such file, or not a trace.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path}：{error.strerror}", code="file.unreadable") from None
    rows = list(csv.DictReader(content.decode("utf-8", "replace").splitlines()))
    parties = [party.uscc for party in Party.objects.filter(kind__in=("enterprise", "university", "institute"))]
    tenants = sorted({row[name] for name in TENANT_COLUMNS for row in rows if row.get(name)}) or [_TENANT]
    mapped = "user,uscc\n" + "".join(f"{each},{parties[at % len(parties)]}\n" for at, each in enumerate(tenants))
    file = UsageFile(
        content, path.name, "trace", model="A800-SXM4-80GB", epoch=f"{_YEAR}-01-01T00:00:00",
        shift_days=_shift(rows), tenant=_TENANT, tenants=(mapped.encode(), "tenants"),
    )  # fmt: skip
    return import_usage(HEFEI, file, datetime.now(UTC))


def _shift(rows: list[dict[str, str]]) -> int:
    """Whole weeks, in days, that bring the first job of a trace into the demo's year; 0 where it counts seconds."""
    texts = [
        row[name][:10] for name in TIME_COLUMNS for row in rows if _DAY_PATTERN.fullmatch((row.get(name) or "")[:10])
    ]
    if not texts:
        return 0
    behind = date(_YEAR, 1, 1) - date.fromisoformat(min(texts))
    return -(-behind.days // 7) * 7


def settle_demo_year() -> SettleResult:
    """Settle the demo's year under sentence 2.2; its use is counted by day, so that no chart is empty at first."""
    update_all_daily_totals()
    return settle(_POLICY, _YEAR, now=datetime.now(UTC), by="demo")


def settle_stacked_year() -> list[SettleResult]:
    """Settle the year after under all that is in force: the province, the city and the example, in one run."""
    return settle_year(_STACKED_YEAR, now=datetime.now(UTC), by="demo")


def _bundled(name: str) -> bytes:
    return (files("huisuan.cli.demo") / name).read_bytes()
