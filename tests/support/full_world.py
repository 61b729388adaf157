"""The small province of the page tests with something on every page: jobs in every state, seals, flags, drafts, people.

What people and files write in it is Chinese on purpose; `written` says what that is, so that a test of English pages
can tell it from what the platform says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyotp
from django.utils import timezone

from huisuan.base.csv_lines import FileReport, LineFault
from huisuan.base.months import Month
from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.budgets.services import set_budget
from huisuan.compute.jobs.again import request_of, save_template
from huisuan.compute.jobs.held_cancels import hold_cancel
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.metering.imports.import_file import UsageFile, UsageReport, import_usage
from huisuan.compute.metering.imports.requests import report_to_keep
from huisuan.compute.metering.seals.register import publish_register
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import (
    Accelerator,
    AccountClaim,
    Centre,
    InteractiveSession,
    Invitation,
    Job,
    JobTemplate,
    MaintenanceWindow,
    MeterFlag,
    Seal,
    SealRequest,
    SourceFile,
    UsageImport,
)
from huisuan.documents.issuing import About, issue_document
from huisuan.documents.letters import Letter, Part
from huisuan.documents.models import Document, DocumentKind
from huisuan.law.policy.load import load_policy
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.models import CatalogueVersion, DataRequest, RequestAnswer
from huisuan.opendata.requests.services import AskedData, GivenAnswer, answer_request, request_data, set_answer_term
from huisuan.parties import members
from huisuan.parties.identity import people, second_factor
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import MemberInvitation, Party, Person, Project, Token
from huisuan.parties.projects import close_project, create_project
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Draft, Evidence, Office
from huisuan.programmes.offices.queries import offices_known
from huisuan.protocol.resources import JobRequest
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor as Proposer
from huisuan.settlement.adoption.services import propose_settings, withdraw_proposal
from huisuan.settlement.impact.compare import compare_year
from huisuan.settlement.impact.register_preview import ChangedResult
from huisuan.settlement.models import (
    ComparisonRequest,
    RegisterFileRequest,
    ScenarioRequest,
    SettingsProposal,
    SettlementRequest,
    SettlementRun,
    Through,
)
from huisuan.treasury.models import AppropriationLine
from support import catalogue, portal
from support.bulletins import appealed, issued_bulletin
from support.catalogue import as_csv, line
from support.full_programmes import NAMED, build_programmes
from support.gate import at_the_gate
from support.jobs import Voice
from support.metering import Agent, said
from support.registers import REGISTERED, registered_park

ACTOR = Actor("李运维")
DESPITE, ANSWER = "历史记录，已与中心核对", "扩容未登记，下月补"
OFFICE = "安徽省科学技术厅"
WRITTEN = (
    DESPITE,
    ANSWER,
    "省专班",
    "李运维",
    "内存不足",
    "上调算力补助比例",
    "约一百万",
    "是",
    "企业",
)
PROPOSAL = 'authority = "省专班"\nvalid_from = 2024-01-01\ntitle = "上调算力补助比例"\n[settings]\n"2.2.rate" = "15%"\n'
NODES = [
    *({"name": f"gpu{n}", "partition": "gpu", "local_card": "a800", "cards": 8, "used": n} for n in range(3)),
    {"name": "gpu3", "partition": "gpu", "local_card": "a800", "cards": 8, "used": 0, "state": "down"},
    {"name": "x1", "partition": "new", "local_card": "weird", "cards": 4, "used": 0},
]


@dataclass
class Full:
    """The world, and the numbers of what the addresses of its pages need."""

    world: portal.World
    jobs: dict[str, Job]
    draft: Draft
    evidence: Evidence
    proposals: list[int]
    member: Person
    invitation: str  # its secret

    def names(self) -> list[str]:
        """What somebody named, wherever it is stored."""
        stored = (
            (Party, "name"), (Person, "name"), (Centre, "name"), (Job, "name"), (SourceFile, "name"),
            (Evidence, "filename"), (Draft, "label"), (Token, "label"), (SettlementRun, "requested_by"),
            (SettlementRequest, "requested_by"), (Seal, "sealed_by"), (Invitation, "invited_by"),
            (Project, "name"), (MemberInvitation, "note"), (MaintenanceWindow, "reason"), (SettingsProposal, "title"),
            (JobTemplate, "name"), (DataRequest, "title"), (DataRequest, "purpose"), (DataRequest, "department"),
            (RequestAnswer, "ground"), (RequestAnswer, "text"), (Office, "name"),
            (AppropriationLine, "opened_by"),
        )  # fmt: skip
        named = [str(name) for model, field in stored for name in model.objects.values_list(field, flat=True)]
        papers = Document.objects.select_related("series")
        named += [text for paper in papers for text in (paper.full_number, paper.series.office, paper.title)]
        listed = CatalogueVersion.objects.values_list("title", "summary", "theme", "department", "contact", "licence")
        columns = [list(each.values()) for row in CatalogueVersion.objects.all() for each in row.columns]
        return [*named, *NAMED, *REGISTERED, *offices_known()] + [
            text for row in [*listed, *columns] for text in row if text
        ]


def build() -> Full:
    """Make it; the clock of what must look recent is the real one, as the pages read it."""
    world = portal.build()
    world.people["operator"] = Person.objects.create_person("operator", None, role="operator", name="李运维")
    now = timezone.now()
    _documents(world)
    _register_files(world)
    build_programmes(world)
    import_catalogue(as_csv([line()]), "清单.csv", by="test", now=now)
    _requested(world, now)
    at_the_gate(world.alpha)
    appealed(issued_bulletin(now), world.people["city"], now)
    registered_park(world.people["province"])
    jobs = _jobs(world, now)
    _metered(world)
    draft, evidence = _draft(world)
    return Full(world, jobs, draft, evidence, _proposals(), _member(world, now), _firm(world, now))


def _requested(world: portal.World, now: datetime) -> None:
    """Data that a firm asked for: planned, then listed; refused; and one that waits."""
    set_answer_term(20, now.date() + timedelta(days=1), "皖数资〔2026〕1 号", "省专班", now)
    province, day = world.people["province"], timedelta(days=1)
    asked = [AskedData(f"公交到站数据{n}", "训练出行模型", "合肥市交通局", "340100") for n in range(3)]
    made = [request_data(each, world.people["alpha"], now) for each in asked]
    answer_request(made[0].pk, GivenAnswer(plan=(now + 90 * day).date(), text="随年度目录列入"), province, now)
    answer_request(made[0].pk, GivenAnswer(entry=catalogue.code()), province, now)
    answer_request(made[1].pk, GivenAnswer(access="closed", ground="条例第十四条", text="涉及个人"), province, now)


def _documents(world: portal.World) -> None:
    """A notice, and the one that replaced it."""
    letter, by = Letter("申报通知", (Part("现予通知。"),)), world.people["province"]
    first = issue_document(DocumentKind.CALL, OFFICE, letter, by, portal.NOW)
    issue_document(DocumentKind.CALL, OFFICE, letter, by, portal.NOW, About(replaces=first))


def _jobs(world: portal.World, now: datetime) -> dict[str, Job]:
    """One in each state that an agent can bring about, and one that waits for another."""
    voice = Voice(Centre.objects.get(code="hf"))
    voice.says(now, nodes=NODES, sent_at=now + timedelta(seconds=5))
    viewer = Viewer(role="user", name="alpha", party_id=world.alpha.pk)
    made = dict(world.jobs)

    def submit(number: int, **asked: object) -> Job:
        request = JobRequest.model_validate({"command": ["python", "train.py"], "name": f"训练 {number}", **asked})
        return submit_job(request, viewer, now, (1000 * number).to_bytes(10))

    def tell(job: Job, state: str, **told: object) -> None:
        job.refresh_from_db()
        word = {"uid": job.uid, "run": job.run, "lease": job.lease, "state": state, **told}
        voice.says(now, observed=[word])

    made["failed"] = submit(1, retries=1, notify_url="https://hooks.example.cn/secret")
    tell(made["failed"], "running", started_at=now)
    tell(made["failed"], "failed", started_at=now, ended_at=now, exit_code=137, reason="内存不足")
    made["cancelled"] = cancel_job(submit(2).uid, viewer, now)
    made["held"] = submit(3, cards=4, model="CPU-SLOT", after=[made["alpha"].uid])
    made["array"] = submit(4, array=[0, 1, 2], notify_url="https://hooks.example.cn/secret")
    made["waiting"] = submit(5, cards=4, model="CPU-SLOT")
    _session(world, submit(6), now)
    save_template("夜间微调", request_of(made["waiting"], now), viewer, now)
    hold_cancel([submit(7, cards=4, model="CPU-SLOT").uid], viewer, now + timedelta(days=1))  # longer than any crawl
    return made


def _session(world: portal.World, job: Job, now: datetime) -> None:
    """A session that its owner may enter."""
    slot = Accelerator.objects.get(model="CPU-SLOT")
    Job.objects.filter(pk=job.pk).update(
        session_kind="jupyter", state="running", lease=1, centre=Centre.objects.get(code="hf"), accelerator=slot,
        started_at=now,
    )  # fmt: skip
    InteractiveSession.objects.create(
        job=job, owner=world.people["alpha"], kind="jupyter", seconds=7200, idle_seconds=1800, ready_at=now
    )


def _metered(world: portal.World) -> None:
    """Sealed months, a register, flags of several kinds, a correction that waits, a refused line, an invitation."""
    for number in (1, 2, 3):
        seal_month("hf", Month(2024, number), by="省专班", now=portal.NOW, despite=DESPITE)
    publish_register(Month(2024, 12), portal.NOW)
    for hours in (3, 1):
        row = portal.line(880001, "acc", "2024-02-05T09:00:00", hours, 1)
        import_usage("hf", UsageFile(f"{portal.HEADER}\n{row}\n".encode(), f"更正 {hours}.txt", "sacct"), portal.NOW)
    site = Agent(Centre.objects.get(code="wh"), name="77777777-2222-3333-4444-555555555555")
    site.report(said("nobody"), said(world.jobs["alpha"].uid, hours=-1))
    answered = MeterFlag.objects.filter(centre__code="hf").order_by("pk")[0]
    answered.answered_at, answered.answered_by, answered.answer = portal.NOW, "省专班", ANSWER
    answered.save()
    invite_agent("hf", "李运维", timezone.now())


def _draft(world: portal.World) -> tuple[Draft, Evidence]:
    browser = world.browser("alpha")
    typed = {"fact-in_anhui": "是", "fact-kind": "企业", "fact-spend": "约一百万", "label": "项目甲"}
    answer = browser.post(f"/drafts/new/{portal.POLICY}/2.2", typed)
    assert answer.status_code == 302
    draft = Draft.objects.latest("id")
    evidence = Evidence.objects.create(
        draft=draft, fact="spend", filename="账单.pdf", media_type="application/pdf", size=10, sha256="ab" * 32,
        uploaded_by=world.people["alpha"], uploaded_at=portal.NOW,
    )  # fmt: skip
    return draft, evidence


def _proposals() -> list[int]:
    """One compared and open, one withdrawn."""
    made = []
    for who in ("zhang", "wang"):
        draft = parse_draft(load_policy(portal.POLICY), "f.toml", PROPOSAL)
        made.append(propose_settings(portal.POLICY, draft, Proposer(who, Through.WEB), portal.NOW))
    compare_year(made[0], 2024, "zhang", portal.NOW)
    withdraw_proposal(made[1].pk, Proposer("wang", Through.COMMAND), portal.NOW)
    SettlementRequest.objects.create(
        policy=portal.POLICY, year=2023, requested_by="省专班", requested_at=portal.NOW, state="failed",
        ended_at=portal.NOW, reason="年份 2023 不能结算：应在 2000 与 2022 之间",
    )  # fmt: skip
    for state, reason in (("cancelled", "已取消，什么都没有写入：2024 年还没有结算结果"), ("running", "")):
        over = None if state == "running" else portal.NOW
        SettlementRequest.objects.create(
            policy=portal.POLICY, year=2022, requested_by="省专班", requested_at=portal.NOW, state=state, step="usage",
            number=2, steps=6, attempts=2, cancelled_by="李运维" if reason else "", ended_at=over,
            reason=reason,
        )  # fmt: skip
    SealRequest.objects.create(
        centre=Centre.objects.get(code="hf"), first=date(2024, 1, 1), last=date(2024, 2, 1), despite=DESPITE,
        requested_by="省专班", requested_at=portal.NOW, state="cancelled", ended_at=portal.NOW,
        reason="已取消：2024-01 起一个月也没有封",
    )  # fmt: skip
    SealRequest.objects.create(
        centre=Centre.objects.get(code="wh"), first=date(2024, 6, 1), last=date(2024, 7, 1), requested_by="省专班",
        requested_at=portal.NOW, state="running", step="2024-06", number=1, steps=2,
    )  # fmt: skip
    for at, state in ((0, "done"), (1, "running"), (2, "failed")):
        UsageImport.objects.create(
            centre=Centre.objects.get(code="hf"), name="sacct.txt", sha256=f"{at}" * 64, size=10, format="sacct",
            dry_run=state == "done", requested_by="省专班", requested_at=portal.NOW, state=state, step="解析", number=2,
            steps=4, ended_at=None if state == "running" else portal.NOW, report=_report() if state == "done" else None,
            reason="sacct.txt 已不在平台的磁盘上：请重新上传" if state == "failed" else "",
        )  # fmt: skip
    _long_work(made[0])
    AccountClaim.objects.create(
        centre=Centre.objects.get(code="hf"), kind="account", name="lab", party=None, previous=None, by="省专班",
        at=portal.NOW,
    )  # fmt: skip
    MaintenanceWindow.objects.create(
        centre=Centre.objects.get(code="hf"), partitions=["gpu"], starts_at=datetime(2099, 1, 1, tzinfo=UTC),
        ends_at=datetime(2099, 1, 2, tzinfo=UTC), reason=DESPITE, declared_by="省专班", declared_at=portal.NOW,
    )  # fmt: skip
    return [each.pk for each in SettingsProposal.objects.order_by("pk")]


def _report() -> dict[str, Any]:
    """Of a file of which every count but those of the stored is something."""
    fault = LineFault(2, "uscc", "x", "不是已登记的主体", "请先用 huisuan party import 导入它")
    report = UsageReport(
        "hf", "sacct.txt", lines=9, new=3, superseding=1, unchanged=1, running=1, waiting=1, unclaimed=2, flagged=1,
        no_cards={"asked": 1}, tenants=FileReport(new=1, faults=[fault]), dry_run=True,
        refused=[(4, '列 State: "SLEEPING" 不是已知的作业状态；请核对这一行')],
    )  # fmt: skip
    return report_to_keep(report)


def _long_work(proposal: SettingsProposal) -> None:
    """Comparisons and budgets that the worker is at, and some that ended without a result."""
    said = {"requested_by": "省专班", "requested_at": portal.NOW}
    over = {**said, "ended_at": portal.NOW}
    running = {**said, "state": "running", "step": "answers", "number": 2, "steps": 3}
    ComparisonRequest.objects.create(proposal=proposal, year=2023, **running)
    reason = "已取消，什么都没有写入：以前的比较仍在"
    ComparisonRequest.objects.create(
        proposal=proposal, year=2024, state="cancelled", cancelled_by="李运维", reason=reason, **over
    )
    plain = {
        "policy": portal.POLICY, "on": date(2024, 12, 31), "as_known": date(2025, 1, 1), "parties": 200, "scenario": {},
        "address": "year=2024",
    }  # fmt: skip
    ScenarioRequest.objects.create(key="1" * 64, seed=1, **plain, **running | {"step": "2.2"})
    lately = {**said, "ended_at": timezone.now()}  # older ones are forgotten as soon as somebody asks for another
    refused = "推演提出后政策文件或参数有了改动：请重新推演"
    ask = ScenarioRequest.objects.create
    ask(key="2" * 64, seed=2, state="failed", reason=refused, **plain, **lately)
    ask(key="3" * 64, seed=3, state="cancelled", reason="已取消，没有结果", **plain, **lately)


def _register_files(world: portal.World) -> None:
    """Files of the register: one that the worker is at, one that was cancelled, one that would change past results."""
    said = {"requested_by": "省专班", "requested_at": portal.NOW, "name": "register.csv", "content": b"uscc"}
    over = {**said, "ended_at": timezone.now()}
    ask = RegisterFileRequest.objects.create
    ask(kind="relations", state="running", step="2024 2.2", number=2, steps=3, **said)
    ask(kind="successions", state="cancelled", cancelled_by="李运维", reason="已取消：什么都没有写入", **over)
    changed = ChangedResult(
        2024, portal.POLICY, "2.2", world.run.pk, world.alpha.uscc, "eligible", 200, "not_eligible", 0
    ).to_dict()
    fault = LineFault(2, "owner", "x", "不是已登记的主体", "请先用 huisuan party import 导入它")
    report = FileReport(new=1, faults=[fault]).as_json()
    over["requested_by"] = Viewer.for_person(world.people["province"]).name
    ask(kind="relations", state="done", report=report, changed=[changed], digest="1" * 64, seen="2" * 64, **over)


def _firm(world: portal.World, now: datetime) -> str:
    """A firm with colleagues, one of them removed, a project with budgets, and an open invitation; its secret."""
    owner = Viewer.for_person(world.people["alpha"])
    for name in ("colleague", "removed"):
        people.add_person(
            name, Position("user", party=world.alpha.uscc, member_role="viewer"), ACTOR, now, name="钱同事"
        )
    members.remove_member(owner, "removed", ACTOR, now)
    for code in ("speech", "closed"):
        create_project(owner, code, "语音识别", now)
    close_project(owner, "closed", now)
    set_budget(owner, "speech", "month", "fen", 100_000, now, hard=True)
    set_budget(owner, None, "year", "card_seconds", 36_000_000, now, hard=False)
    return members.invite_member(owner, ACTOR, now, member_role="viewer", note="孙同事").secret


def _member(world: portal.World, now: datetime) -> Person:
    """Somebody with a token and a history of every kind of change."""
    home = Position("user", party=world.alpha.uscc)
    member = people.add_person("member", home, ACTOR, now, name="赵成员")[0]
    issue_token(member, "笔记本", ACTOR, now)
    people.set_password(member, None, ACTOR, now)
    people.disable_person(member, ACTOR, now)
    people.enable_person(member, ACTOR, now)
    people.change_position(member, Position("city", city="340100"), ACTOR, now)
    people.end_sessions(member, ACTOR, now)
    issue_token(world.people["alpha"], "集群", ACTOR, now)
    secret = second_factor.new_totp_secret()
    second_factor.enrol_factor(world.people["auditor"], secret, pyotp.TOTP(secret).at(now), ACTOR, now)
    return member
