"""A small province for tests of the pages: two users, one of them elsewhere's neighbour, two centres, a settled year.

Everything comes in by the real doors: accounting files are imported, tariffs set, the year settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.test import Client
from stdnum.cn import uscc

from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.models import Job, JobLog
from huisuan.parties.models import Party, Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from huisuan.settlement.models import Bill, Entitlement, SettlementRun
from huisuan.settlement.runs.settle import settle
from support.relations import relate

NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
CARD = "A800-SXM4-80GB"
HEADER = (
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End"
    "|ElapsedRaw|Suspended|AllocTRES|ReqTRES|ExitCode"
)
POLICY = "anhui-agi-2023"


def code(number: int) -> str:
    """A valid USCC, another for each number."""
    front = f"91340100MA2P{number:05d}"
    return front + str(uscc.calc_check_digit(front))


def line(job: int, account: str, start: str, hours: int, cards: int) -> str:
    """A finished job as sacct prints it."""
    begun = datetime.fromisoformat(start)
    end, tres = begun + timedelta(hours=hours), f"cpu=8,gres/gpu:a800={cards}"
    seconds = hours * 3600
    times = f"{start}|{start}|{end:%Y-%m-%dT%H:%M:%S}|{seconds}|00:00:00"
    return f"{job}|{job}|ah|zhang|{account}|gpu|COMPLETED|{times}|{tres}|{tres}|0:0"


@dataclass
class World:
    """What the tests name."""

    people: dict[str, Person]
    alpha: Party
    beta: Party
    run: SettlementRun
    jobs: dict[str, Job]

    def browser(self, who: str, language: str = "zh-hans") -> Client:
        """A browser in which someone is signed in ("" for nobody)."""
        client = Client()
        client.cookies["django_language"] = language
        if who:
            client.force_login(self.people[who], backend="django.contrib.auth.backends.ModelBackend")
        return client

    def entitlement(self, party: Party) -> Entitlement:
        """What a party is owed."""
        return Entitlement.objects.get(run=self.run, party=party)

    def bill(self, party: Party, month: int, centre: str = "hf") -> Bill:
        """A party's bill of a month of 2024."""
        return Bill.objects.get(run=self.run, party=party, centre__code=centre, month=date(2024, month, 1))


def party(number: int, name: str, kind: str = "enterprise", region: str = "340100", english: str = "") -> Party:
    """An organisation."""
    return Party.objects.create(uscc=code(number), name=name, name_en=english, kind=kind, region_id=region)


def build() -> World:
    """Make it."""
    alpha = party(1, "=阿尔法智能有限公司", english="Alpha Intelligence")
    beta = party(2, "贝塔大学", "university", "340200")
    operators = {
        "hf": party(8, "合肥运营公司", "centre_operator"),
        "wh": party(9, "芜湖运营公司", "centre_operator", "340200"),
    }
    for name, operator in operators.items():
        add_centre(
            name,
            CentrePlan(
                name=f"{operator.region.name_zh}智算中心",
                operator=operator.uscc,
                region=operator.region_id,
                engine="local" if name == "hf" else None,
                partitions=(f"gpu={CARD}:4x8:a800", *(["cpu=CPU-SLOT:1x4"] if name == "hf" else [])),
            ),
        )
        set_tariff(name, CARD, "1000", date(2024, 1, 1), date(2024, 7, 1))
        set_tariff(name, CARD, "1201", date(2024, 7, 1))
    relate(alpha, operators["wh"])
    tenants = f"account,uscc\nalpha,{alpha.uscc}\nbeta,{beta.uscc}\n".encode()
    usage = {
        "hf": [
            *(line(100 + n, "alpha", f"2024-{n % 6 + 1:02d}-05T08:00:00", 7 + n % 3, 4) for n in range(60)),
            line(200, "alpha", "2024-03-31T20:00:00", 10, 8),  # crosses into April
            line(201, "alpha", "2024-08-01T00:00:00", 1, 3),
            line(300, "beta", "2024-05-02T00:00:00", 10, 8),
            line(400, "nobody", "2024-05-03T00:00:00", 5, 2),
        ],
        "wh": [line(500, "alpha", "2024-06-01T00:00:00", 4, 8)],  # alpha's own centre
    }
    for name, lines in usage.items():
        content = "\n".join([HEADER, *lines, ""]).encode()
        report = import_usage(name, UsageFile(content, f"sacct-{name}.txt", "sacct", tenants=(tenants, "t.csv")), NOW)
        assert report.exit_code == 0, report.refused
    run = settle(POLICY, 2024, now=NOW, by="省专班").run
    return World(_people(alpha, beta, operators["hf"]), alpha, beta, run, _jobs(alpha, beta))


def _people(alpha: Party, beta: Party, operator: Party) -> dict[str, Person]:
    homes = {
        "alpha": ("user", alpha, None),
        "beta": ("user", beta, None),
        "centre": ("centre", operator, None),
        "city": ("city", None, Region.objects.get(code="340100")),
        "province": ("province", None, None),
        "auditor": ("auditor", None, None),
    }
    made = {}
    for name, (role, home, city) in homes.items():
        password = PASSWORD if role == "user" else None  # hashing is slow on purpose
        made[name] = Person.objects.create_person(name, password, role=role, name=f"{name} 用户", party=home, city=city)
    return made


def _jobs(alpha: Party, beta: Party) -> dict[str, Job]:
    made = {}
    for number, (name, owner) in enumerate({"alpha": alpha, "beta": beta}.items()):
        viewer = Viewer(role="user", name=name, party_id=owner.pk)
        asked = JobRequest.model_validate({"command": ["python", "train.py"], "name": f"={name} 训练"})
        made[name] = submit_job(asked, viewer, NOW, bytes([number]) * 10)
        JobLog.objects.create(job=made[name], offset=0, content="第一步 <完成>\n".encode())
    return made
