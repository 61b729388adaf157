"""`huisuan`: one command, assembled from each room's own `commands.py`.

Help, completion and wrong usage touch no database: what a command needs is made ready when it is about to run, after
its words have been understood.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from copy import copy
from functools import cache, wraps
from importlib.metadata import version
from typing import Annotated

import typer

from huisuan.base.errors import HuisuanError
from huisuan.terminal import note

#: group -> (module with a Typer called `app`, whether its commands need the database, help)
COMMAND_GROUPS: dict[str, tuple[str, bool, str]] = {
    "party": ("huisuan.parties.cli.party_commands", True, "主体：导入、查看"),
    "centre": ("huisuan.compute.centres.commands", True, "智算中心：加入、查看"),
    "agent": ("huisuan.compute.site_agent.commands", False, "站点代理：在中心的机器上加入、运行、自检"),
    "tariff": ("huisuan.compute.centres.tariff_commands", True, "价目：每卡时多少分，自哪天起"),
    "maintenance": ("huisuan.compute.maintenance.commands", True, "维护窗口：何时不接作业，申报、查看、撤销"),
    "share": ("huisuan.compute.dispatch.fair_share_commands", True, "份额与上限：谁的作业先做，最多同时用多少卡"),
    "meter": ("huisuan.compute.metering.cli.meter_commands", True, "计量：查漏、封账、导出、核对、证明"),
    "audit": ("huisuan.compute.metering.cli.audit_commands", True, "审计：抽查封过账的记录，附证明"),
    "usage": ("huisuan.compute.metering.cli.usage_commands", True, "用量记录：导入、查看、汇总"),
    "job": ("huisuan.compute.jobs.cli.commands", False, "作业：提交、查看、日志、取消（经 HTTP）"),
    "message": ("huisuan.messages.commands", False, "消息：告诉我的事，和怎样告诉我（经 HTTP）"),
    "session": ("huisuan.compute.sessions.cli.commands", False, "交互会话：JupyterLab、VS Code、终端（经 HTTP）"),
    "project": (
        "huisuan.compute.budgets.cli.project_commands",
        False,
        "项目与预算：新建、设定、按人员和项目的用量（经 HTTP）",
    ),
    "member": ("huisuan.parties.cli.member_commands", False, "本单位的成员：邀请、角色、移除（经 HTTP）"),
    "person": ("huisuan.parties.cli.person_commands", True, "人员：谁能登录，什么角色"),
    "token": ("huisuan.parties.cli.token_commands", True, "令牌：程序用它代替口令"),
    "law": ("huisuan.law.cli.law_commands", False, "政策：条款、事实、解释、计算"),
    "programme": ("huisuan.law.cli.programme_commands", False, "程序：谁在几个工作日内核验、决定、支付"),
    "policy": ("huisuan.law.cli.policy_commands", False, "政策目录：新建、检查"),
    "settle": ("huisuan.settlement.cli.settle_commands", True, "结算：用量到账单到应享金额"),
    "settings": ("huisuan.settlement.cli.settings_commands", True, "参数与解释口径：提出、比较、采用"),
    "document": ("huisuan.documents.commands", True, "公文：签发、核验、代字"),
    "data": (
        "huisuan.opendata.catalogue.commands",
        True,
        "开放数据：清单的导入、查找，送出前的检查，文件的判断和放行，数据需求和答复",
    ),
    "bulletin": ("huisuan.bulletins.commands", True, "通报：冻结快照、生成、核对，用公布的数反推未公布的数"),
    "treasury": ("huisuan.treasury.cli.treasury_commands", True, "资金：对账，资金到哪一步，市级拨付凭证"),
    "award": ("huisuan.programmes.offers.commands", True, "免申即享的提出和确认，批准的金额和拨付"),
    "application": ("huisuan.programmes.application_commands", True, "申报：查看、办理"),
    "post": ("huisuan.programmes.post_commands", True, "岗位：谁在哪个单位承担什么职责，自哪天至哪天"),
    "register": ("huisuan.programmes.register_commands", True, "名录：园区、产品、场景、标准等，导入、更正、撤下"),
    "contract": ("huisuan.programmes.contract_commands", True, "合同和节点：拟定、报告、核查、验收、评价"),
    "struck": ("huisuan.programmes.strike_commands", True, "失去资格的出具机构，和依据其材料的申报"),
    "call": ("huisuan.programmes.calls.commands", True, "申报通知：发布、延期、更正，按它提交草稿"),
    "notice": ("huisuan.programmes.notices.commands", True, "公示：发布、查看、提异议、答复"),
    "calendar": ("huisuan.calendar.commands", True, "工作日：数期限，采用一年的放假和调休"),
    "credit": ("huisuan.programmes.credit.commands", True, "信用名单：从文件登记，按日查看"),
    "experts": ("huisuan.programmes.review_desk.commands", True, "评审专家：入库、利害关系、评分、合议"),
}
#: group -> commands of other rooms that stand before its own: (module, functions)
GROUP_COMMANDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "centre": (
        ("huisuan.compute.agent_gateway.commands", ("invite", "agents", "revoke")),
        ("huisuan.compute.capacity.commands", ("capacity", "attest")),
    ),
    "party": (("huisuan.settlement.cli.register_commands", ("import_", "attest", "attested")),),
    "usage": (("huisuan.compute.metering.cli.claim_commands", ("suggest", "claim", "unclaim")),),
    "tariff": (("huisuan.compute.centre_desk.commands", ("what_if", "history")),),
    "settle": (("huisuan.settlement.cli.claim_command", ("claim",)),),
    "programme": (("huisuan.programmes.generated_year.commands", ("generate",)),),
    "application": (
        ("huisuan.programmes.opinion_commands", ("opinion", "opinions")),
        ("huisuan.programmes.consent_commands", ("consents", "consent", "confirm_consent", "withdraw_consent")),
    ),
    "call": (("huisuan.programmes.sheet_commands", ("sheet",)),),
    "meter": (("huisuan.compute.centre_desk.commands", ("checklist",)),),
    "document": (("huisuan.programmes.papers.commands", ("draw", "template")),),
    "award": (
        ("huisuan.programmes.corrections.commands", ("outdated", "rebase", "recover", "relent")),
        ("huisuan.programmes.payments.commands", ("share",)),
    ),
    "data": (
        ("huisuan.opendata.names.commands", ("scan",)),
        ("huisuan.opendata.anonymity.commands", ("risk",)),
        ("huisuan.opendata.scores.commands", ("score",)),
        (
            "huisuan.opendata.gate.commands",
            tuple("upload files findings judge remake rescan reopen release withdraw verify key".split()),  # noqa: SIM905
        ),
        ("huisuan.opendata.access.commands", ("released", "query")),
        ("huisuan.opendata.corpora.commands", ("corpus",)),
        ("huisuan.programmes.registers.commands", ("grant",)),
        ("huisuan.opendata.requests.commands", ("ask", "requests", "answer", "offices", "term")),
    ),
    "treasury": (
        ("huisuan.programmes.corrections.commands", ("debts", "receive")),
        (
            "huisuan.programmes.payments.commands",
            (
                "lines",
                "unused",
                "appropriate",
                "carry_over",
                "lapse",
                "commit",
                "order",
                "file",
                "return_",
                "unmatched",
                "resolve",
            ),
        ),
    ),
}
#: groups within a group -> what their help says
GROUP_HELP = {
    "corpus": "语料：从已放行的文书生成，分片、数据卡、重新生成",
    "grant": "有条件开放数据的授权：列出、授权、接受、收回",
    "template": "公文的 DOCX 模板：上传、列出、查看",
}
#: commands of these groups that work without the database, or ask for it themselves: an auditor verifies without
#: the platform, a centre countersigns without it, and the command for sacct is written where sacct is
_WITHOUT_DATABASE = {
    "meter": {"verify", "register", "key"},
    "usage": {"export-command"},
    "data": {"scan", "risk", "verify"},
    "bulletin": {"make", "verify", "attack"},
}

#: single commands -> (module, function, whether it needs the database made ready)
SINGLE_COMMANDS: dict[str, tuple[str, str, bool]] = {
    "up": ("huisuan.serving.commands", "up", False),
    "migrate": ("huisuan.serving.commands", "migrate", False),
    "backup": ("huisuan.serving.backup.commands", "backup", False),
    "restore": ("huisuan.serving.backup.commands", "restore", False),
    "login": ("huisuan.client.commands", "login", False),
    "logout": ("huisuan.client.commands", "logout", False),
    "now": ("huisuan.compute.jobs.cli.now", "now", False),
    "todo": ("huisuan.settlement.cli.todo_command", "todo", True),
    "inbox": ("huisuan.programmes.application_commands", "inbox", True),
    "trace": ("huisuan.settlement.cli.settle_commands", "trace", True),
    "standing": ("huisuan.programmes.commands", "standing", True),
    "simulate": ("huisuan.compute.simulator.commands", "simulate", False),
    "demo": ("huisuan.cli.demo", "demo", False),
}

#: package -> the smallest extra that brings it; whatever else a command lacks comes with `platform`
_EXTRAS = {
    "duckdb": "bulk",
    "sqlglot": "bulk",
    "cryptography": "agent",
    "pyspark": "spark",
    "kubernetes": "kubernetes",
}

#: what works on the platform's own data
_OPERATOR_COMMANDS = {"up", "migrate", "backup", "restore", "demo"} | {
    name for name, (_, database, _) in COMMAND_GROUPS.items() if database
}
_MOVES_FILES = {"agent", "job"}  # of any size, in pieces


@cache
def assemble(only: str = "") -> typer.Typer:
    """The whole command line, or of its commands and groups `only` one: the others need not be imported to run it."""
    app = typer.Typer(
        name="huisuan",
        help="惠算：从卡时到元，笔笔可证。",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name, (module, database, text) in COMMAND_GROUPS.items():
        if only not in ("", name):
            continue
        group = _group(name, module)
        if database:
            _after_database_each(group, _WITHOUT_DATABASE.get(name, set()))
        app.add_typer(group, name=name, callback=_lend_database, help=text, no_args_is_help=True)
    for name, (module, function, database) in SINGLE_COMMANDS.items():
        if only not in ("", name):
            continue
        command = getattr(importlib.import_module(module), function)
        app.command(name)(_after_database(command) if database else command)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"huisuan {version('huisuan')}")
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="显示版本")
    ] = False,
) -> None:
    """惠算：从卡时到元，笔笔可证。"""


def _database() -> None:
    """PostgreSQL runs, Django knows it, its tables are there."""
    from huisuan.serving.database import prepare_database

    prepare_database()


def _lend_database(context: typer.Context) -> None:
    """Let a command that may need the database make it ready by `context.obj()`; nothing happens yet."""
    context.obj = _database


def _group(name: str, module: str) -> typer.Typer:
    """A copy of a group, to be changed here, with before its own commands those that other rooms add."""
    group: typer.Typer = copy(importlib.import_module(module).app)
    added = typer.Typer()
    for other, functions in GROUP_COMMANDS.get(name, ()):
        for function in functions:
            command, words = getattr(importlib.import_module(other), function), function.rstrip("_").replace("_", "-")
            if isinstance(command, typer.Typer):
                added.add_typer(command, name=words, help=GROUP_HELP[words])
            else:
                added.command(words)(command)
    group.registered_groups = [*added.registered_groups, *group.registered_groups]
    group.registered_commands = [*added.registered_commands, *map(copy, group.registered_commands)]
    return group


def _after_database_each(group: typer.Typer, alone: set[str]) -> None:
    """Let each command, but for those named, begin by making the database ready.

    Not a callback of the group: that would run before `--help` of a command and before a missing argument is noticed.
    """
    for command in group.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        if command.callback is not None and name not in alone:
            command.callback = _after_database(command.callback)


def _after_database(command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def run(*words: object, **options: object) -> None:
        _database()
        command(*words, **options)

    return run


def main() -> None:
    """Run it: errors for people, exit codes for scripts."""
    if sys.argv[1:2] and sys.argv[1] in _MOVES_FILES:
        from huisuan.base.allocator import return_large_blocks

        return_large_blocks()
    if sys.argv[1:2] and sys.argv[1] in _OPERATOR_COMMANDS:
        os.umask(0o077)  # what is written of the platform is its owner's alone
    named = sys.argv[1] if len(sys.argv) > 1 else ""  # --help, and a word that is none, need all of them
    try:
        assemble(named if named in COMMAND_GROUPS or named in SINGLE_COMMANDS else "")(standalone_mode=True)
    except HuisuanError as refusal:
        _say(refusal)
        sys.exit(1)
    except ModuleNotFoundError as missing:
        if (missing.name or "huisuan").startswith("huisuan"):
            raise
        package = str(missing.name).partition(".")[0]
        note(f"错误：这个命令还需要 {package}：请安装 huisuan[{_EXTRAS.get(package, 'platform')}]")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


def _say(refusal: HuisuanError) -> None:
    """For people in words; after `--json` as one line of JSON on stderr, with the code."""
    if "--json" in sys.argv:
        sys.stderr.write(json.dumps({"code": refusal.code, "message": str(refusal)}, ensure_ascii=False) + "\n")
    else:
        note(f"错误：{refusal}" + (f"（{refusal.code}）" if refusal.code else ""))
