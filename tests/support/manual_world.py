"""A platform for the commands of the manual: what a page takes as given, and what its placeholders stand for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pyotp
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections

from huisuan.compute.keys import platform_key
from huisuan.compute.models import AccountClaim, Centre, Job, JobLog, MaintenanceWindow, MeterFlag
from huisuan.compute.site_agent.config import KEY, STATE_FILE, Config, write_config
from huisuan.compute.site_agent.state import AgentState
from huisuan.documents.models import Document
from huisuan.opendata.models import DataRequest, GateFile
from huisuan.parties.identity import second_factor
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.models import Party, Person, Token
from huisuan.programmes.models import Post
from huisuan.protocol.signatures import load_key, make_key, public_half
from huisuan.settlement.models import Entitlement, SettingsProposal
from huisuan.settlement.runs.requests import request_settlement
from huisuan.treasury.models import AppropriationLine
from support.accounts import make_token
from support.attested_policy import write_attested_policy
from support.catalogue import as_csv
from support.catalogue import line as open_data_line
from support.command_tree import invoke
from support.docx_templates import template
from support.gate import built_corpus, resident_ids, scan_now, steward
from support.metering import HOUR, T0, Agent, leased, said
from support.registers import HEADER as PARK_HEADER
from support.registers import park
from support.usage_records import A800, code, line, sacct

PASSWORD = "correct horse battery"
USER, OPERATOR = code(1), code(2)
TRACE = "job_id,user,vc,gpu_num,submit_time,duration\n1,u,v,8,2020-09-01 00:00:00,60\n2,u,v,1,2020-09-01 00:00:05,9\n"
FILES = {
    "名单.xlsx": "区,数\n庐阳,3\n",  # what a file holds decides, not its ending
    "补助.csv": "姓名,年龄,区县,金额\n" + "".join(f"王{n},{30 + n % 3},340102,{n}\n" for n in range(12)),
    "批复.pdf": "同意。\n",
    "园区.csv": f"{PARK_HEADER}\n{park()}\n",
    "园区二季度.csv": f"{PARK_HEADER}\n{park(agi='70')}\n",
    "信用名单.csv": f"uscc,effect,source,reason,valid_from\n{USER},note,省信用办,行政处罚,2024-01-01\n",
    "停车场登记.csv": "序号,身份证号\n" + "".join(f"{n},{each}\n" for n, each in enumerate(resident_ids(4))),
    "开放清单.csv": as_csv([open_data_line()]).decode(),
    "venus-2020-09.csv": TRACE,
    "cluster_log.csv": TRACE,
    "centres.toml": '[[centres]]\ncode = "hefei"\nmodel = "A800-SXM4-80GB"\nnodes = 1\ncards_per_node = 8\n',
    "mine.toml": (files("huisuan.compute.placement") / "weights.toml").read_text("utf-8"),
    "claims.csv": (
        "claimant,claim,enterprise,compliant,purchases,contract,paid_on\n"
        "甲公司,一,true,true,160000000,HT-A,2025-03-01\n甲公司,二,true,true,160000000,HT-B,2025-03-02\n"
    ),
    "owed.csv": "claimant,claim,amount_fen\n甲公司,一,50000000\n乙公司,一,50000000\n",
    "印发文本.txt": "合肥市支持算力发展若干措施\n第一条 为了支持算力发展，制定本措施。\n"
    "第二条 对使用算力的企业给予不超过10%的补助。\n",
    "projects.csv": "key_technology,city_paid,city\ntrue,100000000,340100\n",
    "parties.csv": "uscc,name,kind,region\n"
    f"{USER},合肥某公司,enterprise,340100\n{OPERATOR},运营方,centre_operator,340100\n",
    "relations.csv": "owner,owned,share_permille,control,valid_from,valid_to\n"
    f"{OPERATOR},{USER},100,false,2024-01-01,\n",
    "notice.json": '{"title": "申报通知", "body": [{"text": "现予通知。"}]}',
    "experts.csv": f"username,employer_uscc,fields,active_from\nwu,{OPERATOR},大模型；芯片,2024-01-01\n",
    "ties.csv": f"username,party,kind,starts\nwu,{USER},顾问咨询,2024-01-01\n",
    "city-payments.csv": "city,voucher,project,amount,paid_day\n340100,HF-1,甲,1000000,2024-04-01\n",
    "证明.csv": f"uscc,item,value,valid_from,document\n{USER},recognised-team,是,2024-01-01,合认〔2024〕1 号\n",
    "tenants.csv": f"account,uscc\nlab,{USER}\n",
    "2024.toml": 'authority = "省专班"\ndocument = "皖智专〔2025〕1 号"\nvalid_from = 2024-01-01\n'
    '[settings]\n"2.2.rate" = "15%"\n',
    "train.sbatch": "#!/bin/bash\n#SBATCH -J train --gres=gpu:a800:8\npython train.py\n",
    "sweep.sbatch": "#!/bin/bash\n#SBATCH -J sweep --gres=gpu:a800:1\npython sweep.py\n",
    "train.yaml": "name: 微调\ncommand: [python, train.py]\ncards: 8\nmodels: [A800]\n",
    "train.py": "print('hello')\n",
    "紧缩.toml": 'title = "15%"\n[settings]\n"2.2.rate" = "15%"\n',
}
#: what a placeholder stands for, by the word before it where that matters; ids are those of the page's own world
STANDS_FOR: dict[str | tuple[str, str], Callable[[], str]] = {
    "统一社会信用代码": lambda: USER,
    ("--operator", "统一社会信用代码"): lambda: OPERATOR,
    "9134…": lambda: USER,
    "https://suan.example.cn": lambda: "",  # the server's, set by `served`
    "E1": lambda: f"E{Entitlement.objects.latest('pk').pk}",
    "E12": lambda: f"E{Entitlement.objects.latest('pk').pk}",
    ("compare", "7"): lambda: str(SettingsProposal.objects.latest("pk").pk),
    ("adopt", "7"): lambda: str(SettingsProposal.objects.latest("pk").pk),
    ("revoke", "12"): lambda: str(Token.objects.filter(revoked_at=None).latest("pk").pk),
    ("answer", "编号"): lambda: str(MeterFlag.objects.filter(answered_at=None).latest("pk").pk),
    **{
        (word, "1"): lambda: str(GateFile.objects.latest("pk").pk)
        for word in ("findings", "judge", "remake", "release", "withdraw")
    },
    ("answer", "1"): lambda: str(DataRequest.objects.latest("pk").pk),
    ("end", "1"): lambda: str(Post.objects.filter(ended_on__isnull=True).latest("pk").pk),
    "公钥": platform_key.public,
    "hefei-1=公钥": lambda: f"hefei-1={Centre.objects.get(code='hefei-1').keys.latest('pk').public_key}",
    ("--countersigner", "公钥"): lambda: public_half(load_key(Path("私钥文件"))),
    "CENTRE": lambda: "hefei-1",
    ("--from", "2026-07-01T08:00"): lambda: f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%dT08:00}",
    ("--plan", "2027-03-31"): lambda: f"{datetime.now(UTC) + timedelta(days=60):%Y-%m-%d}",
    ("--to", "2026-07-01T18:00"): lambda: f"{datetime.now(UTC) + timedelta(days=7):%Y-%m-%dT18:00}",
    ("cancel", "1"): lambda: str(MaintenanceWindow.objects.latest("pk").pk),
    ("unclaim", "1"): lambda: str(AccountClaim.objects.latest("pk").pk),
    "UID": lambda: Job.objects.latest("submitted_at").uid,
    "作业号": lambda: Job.objects.latest("submitted_at").uid,
    ("--array", "作业号"): lambda: Job.objects.exclude(array_uid="").latest("submitted_at").array_uid,
    ("logs", "UID"): lambda: Job.objects.get(state="done").uid,
    ("--line", "1"): lambda: str(AppropriationLine.objects.latest("pk").pk),
    "用户名": lambda: "li",
    "核验码": lambda: Document.objects.latest("pk").code,
    "账号": lambda: "wang",
    "文件": lambda: "train.yaml",
}


def put(words: tuple[str, ...]) -> list[str]:
    """The words with what their placeholders stand for."""
    befores = ["", *words]
    return [
        found() if (found := STANDS_FOR.get((before, word)) or STANDS_FOR.get(word)) else word
        for before, word in zip(befores, words, strict=False)
    ]


def do(*words: str) -> str:
    """A command that has to succeed; its standard output."""
    result = invoke(*words)
    assert result.exit_code == 0, (words, result.exception, result.output)
    return result.stdout


def lay_out(desk: Path) -> None:
    """The files that the manual takes as given, and an agent's folder."""
    for name, text in FILES.items():
        (desk / name).write_text(text, encoding="utf-8")
    agent = desk / "代理目录"
    write_config(agent, Config(url="https://suan.example.cn", engine="local"))
    make_key(agent / KEY)
    AgentState(agent / STATE_FILE).close()
    (desk / "通报.docx").write_bytes(template("文号", "附注", "正文"))
    (desk / "jan.txt").write_bytes(sacct(*map(_january, range(1, 21))))


def _january(job: int, hours: int = 10) -> dict[str, str]:
    start, end = f"2024-01-{job:02d}T00:00:00", f"2024-01-{job:02d}T{hours:02d}:00:00"
    return line(job, Submit=start, Eligible=start, Start=start, End=end)


def parties() -> None:
    """Organisations, and people of each kind that a page names."""
    do("party", "import", "parties.csv")
    Person.objects.create_person("wang", PASSWORD, role="user", party=Party.objects.get(uscc=USER))
    Person.objects.create_person("li", None, role="province")
    Person.objects.create_person("wu", None, role="auditor")  # an expert
    enrol(Person.objects.create_person("zhuanban", None, role="province", demo=True))


def enrol(person: Person) -> None:
    """The second factor of a person."""
    secret, now = second_factor.new_totp_secret(), datetime.now(UTC)
    second_factor.enrol_factor(person, secret, pyotp.TOTP(secret).at(now), Actor("test"), now)


def enrol_zhang() -> None:
    """Whom the page adds, once he has signed in."""
    enrol(Person.objects.get(username="zhang"))


def centre() -> None:
    """The centre of the manual with its prices and a month of use."""
    do("centre", "add", "hefei-1", "--name", "合肥某智算中心", "--operator", OPERATOR, "--region", "340100",
       "--engine", "slurm", "--partition", f"gpu={A800}:96x8:a800")  # fmt: skip
    do("tariff", "set", "hefei-1", A800, "1280", "--from", "2024-01-01")
    do("usage", "import", "--centre", "hefei-1", "--format", "sacct", "--tenants", "tenants.csv", "jan.txt")


def attested_policy() -> None:
    """A policy that asks a city to attest something."""
    write_attested_policy(Path("policies"))


def correction() -> None:
    """A later file says that a run was shorter: it waits for a person."""
    Path("later.txt").write_bytes(sacct(_january(1, hours=9)))
    invoke("usage", "import", "--centre", "hefei-1", "--format", "sacct", "later.txt")


def asked_to_settle() -> None:
    """A year that the background worker was asked to settle, under the number that the page has."""
    request = request_settlement("anhui-agi-2023", 2024, "li", datetime.now(UTC)).request
    STANDS_FOR["cancel", "1"] = lambda: str(request.pk)


def stewards() -> None:
    """Three people of the city of the list's entry."""
    for name in ("chen", "qian", "sun"):
        steward(name)


def briefs() -> None:
    """A corpus of what was released of that entry."""
    built_corpus()


def gate_scanned() -> None:
    """The worker scans what was handed in, or made."""
    scan_now(GateFile.objects.latest("pk"))


def settled() -> None:
    """The year of that use, settled."""
    do("settle", "run", "--year", "2024")


def evidence() -> None:
    """What an auditor holds: an agent's key and receipts, seals, an older export, countersigned registers."""
    site = Agent(Centre.objects.get(code="hefei-1"))
    leased(site.centre)
    batch = site.batch(said())
    (answer,) = site.send(batch, now=T0 + 30 * HOUR)
    receipt = {
        "agent": site.name,
        "number": 1,
        "digest": site.previous,
        "chain": answer.chain,
        "receipt": answer.receipt,
    }
    _write("receipts.json", {"kind": "huisuan-receipts-1", "centre": "hefei-1", "platform_key": platform_key.public(),
                             "receipts": [receipt]})  # fmt: skip
    do("meter", "seal", "hefei-1", "2024-03", "--through")
    do("meter", "export", "hefei-1", "OLD")
    do("meter", "export", "hefei-1", "EXPORTS/hefei-1")
    Path("seals.json").write_text(do("meter", "seals", "hefei-1", "--json"), encoding="utf-8")
    for month in ("2024-03", "2024-04"):
        register(month)
        do("meter", "register", "--countersign", f"{month}.json", "--key", "私钥文件", "--by", "审计厅")
    do("meter", "register", "--out", "register.json")


def register(month: str = "2024-03") -> None:
    """The register up to a month, published and written to files of both names that the pages use."""
    do("meter", "register", "--month", month, "--out", f"{month}.json")
    do("meter", "register", "--out", "register.json")


def jobs() -> None:
    """A job that is over, with what it printed, and one that waits."""
    site = Centre.objects.get(code="hefei-1")
    fields: dict[str, Any] = {"party": Party.objects.get(uscc=USER), "submitted_by": "wang"}
    over = leased(
        site, "01hze421g00000000000000001", state="done", started_at=T0, ended_at=T0 + HOUR, exit_code=0, **fields
    )
    JobLog.objects.create(job=over, offset=0, content=b"hello\n")
    do("job", "submit", "--cards", "8", "--models", "A800", "--", "true")


def sealed_until_february() -> None:
    """The months before the one that the page seals."""
    do("meter", "seal", "hefei-1", "2024-02", "--through", "--despite", "试")


def array() -> None:
    """An array that waits."""
    do("job", "submit", "sweep.sbatch", "--array", "0-3")


def token(role: str) -> str:
    """A token of whoever reads the page."""
    return make_token(role, party=USER if role == "user" else None)[1]


def _write(name: str, content: Any) -> None:
    Path(name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


@contextmanager
def served() -> Iterator[str]:
    """The platform over HTTP within this test's own transaction: one server thread that shares its connection."""
    shared, handler = connections["default"], WSGIHandler()

    def application(environ: Any, start: Any) -> Any:
        connections["default"] = shared
        return handler(environ, start)

    shared.inc_thread_sharing()
    shared.close = lambda: None  # type: ignore[method-assign]  # nobody but the test ends it
    server = make_server("127.0.0.1", 0, application, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    STANDS_FOR["https://suan.example.cn"] = lambda: url
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shared.dec_thread_sharing()
        del shared.close


class _Silent(WSGIRequestHandler):
    def log_message(self, *words: object) -> None:
        """Nothing is printed of a request."""
