"""`huisuan`: one command, assembled from each room's own `commands.py`."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from functools import wraps

import typer

from huisuan.base.errors import HuisuanError
from huisuan.terminal import note

app = typer.Typer(
    name="huisuan",
    help="惠算：从卡时到元，笔笔可证。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def on_database() -> None:
    """Before an operator's command: PostgreSQL runs, Django knows it, its tables are there."""
    from huisuan.serving.database import ready

    ready()


def nothing_first() -> None:
    """Before a command that needs no database."""


def database_unless_verifying(context: typer.Context) -> None:
    """Before `huisuan meter`: an auditor verifies without the platform, so `verify` (and `register`,
    which is countersigned anywhere) asks for the database by itself."""
    context.obj = on_database
    if context.invoked_subcommand not in ("verify", "key", "register"):
        on_database()


#: group -> (module with a Typer called `app`, what must be ready first, help)
GROUPS: dict[str, tuple[str, Callable[..., None], str]] = {
    "party": ("huisuan.parties.cli.party_commands", on_database, "主体：导入、查看"),
    "centre": ("huisuan.compute.centres.commands", on_database, "智算中心：加入、查看"),
    "agent": ("huisuan.compute.site_agent.commands", nothing_first, "站点代理：在中心的机器上加入、运行、自检"),
    "tariff": ("huisuan.compute.centres.tariff_commands", on_database, "价目：每卡时多少分，自哪天起"),
    "share": (
        "huisuan.compute.dispatch.fair_share_commands",
        on_database,
        "份额与上限：谁的作业先做，最多同时用多少卡",
    ),
    "meter": (
        "huisuan.compute.metering.cli.meter_commands",
        database_unless_verifying,
        "计量：查漏、封账、导出、核对、证明",
    ),
    "usage": ("huisuan.compute.metering.cli.usage_commands", on_database, "用量记录：导入、查看、汇总"),
    "job": ("huisuan.compute.jobs.cli.commands", nothing_first, "作业：提交、查看、日志、取消（经 HTTP）"),
    "person": ("huisuan.parties.cli.person_commands", on_database, "人员：谁能登录，什么角色"),
    "token": ("huisuan.parties.cli.token_commands", on_database, "令牌：程序用它代替口令"),
    "law": ("huisuan.law.cli.law_commands", nothing_first, "政策：条款、事实、解释、计算"),
    "policy": ("huisuan.law.cli.policy_commands", nothing_first, "政策目录：新建、检查"),
    "settle": ("huisuan.settlement.cli.settle_commands", on_database, "结算：用量到账单到应享金额"),
    "settings": ("huisuan.settlement.cli.settings_commands", on_database, "参数与解释口径：提出、比较、采用"),
}

#: group -> commands of other rooms that stand before its own: (module, functions)
GROUP_COMMANDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "centre": (
        ("huisuan.compute.agent_gateway.commands", ("invite", "agents", "revoke")),
        ("huisuan.compute.capacity.commands", ("capacity", "attest")),
    ),
}

#: single commands -> (module, function, what must be ready first)
COMMANDS: dict[str, tuple[str, str, Callable[[], None]]] = {
    "up": ("huisuan.serving.commands", "up", nothing_first),
    "migrate": ("huisuan.serving.commands", "migrate", nothing_first),
    "backup": ("huisuan.serving.backup.commands", "backup", nothing_first),
    "restore": ("huisuan.serving.backup.commands", "restore", nothing_first),
    "login": ("huisuan.client.commands", "login", nothing_first),
    "logout": ("huisuan.client.commands", "logout", nothing_first),
    "trace": ("huisuan.settlement.cli.settle_commands", "trace", on_database),
    "simulate": ("huisuan.compute.simulator.commands", "simulate", nothing_first),
    "demo": ("huisuan.cli.demo", "demo", nothing_first),
}

#: what works on the platform's own data
OPERATORS = {"up", "migrate", "backup", "restore", "demo", "meter"} | {
    name for name, (_, first, _) in GROUPS.items() if first is on_database
}


def assemble() -> typer.Typer:
    """The whole command line."""
    for name, (module, first, text) in GROUPS.items():
        app.add_typer(_group(name, module), name=name, callback=first, help=text, no_args_is_help=True)
    for name, (module, function, first) in COMMANDS.items():
        app.command(name)(_after(first, getattr(importlib.import_module(module), function)))
    return app


def _group(name: str, module: str) -> typer.Typer:
    """A group with its own commands, and before them those that other rooms add."""
    group: typer.Typer = importlib.import_module(module).app
    added = typer.Typer()
    for other, functions in GROUP_COMMANDS.get(name, ()):
        for function in functions:
            added.command()(getattr(importlib.import_module(other), function))
    group.registered_commands[:0] = added.registered_commands
    return group


def _after(first: Callable[[], None], command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def run(*words: object, **options: object) -> None:
        first()
        command(*words, **options)

    return run


def main() -> None:
    """Run it: errors for people, exit codes for scripts."""
    if sys.argv[1:2] and sys.argv[1] in OPERATORS:
        os.umask(0o077)  # what is written of the platform is its owner's alone
    try:
        assemble()(standalone_mode=True)
    except HuisuanError as refusal:
        _say(refusal)
        sys.exit(1)
    except ModuleNotFoundError as missing:
        if (missing.name or "huisuan").startswith("huisuan"):
            raise
        note(f"错误：这个命令需要整个平台（缺 {missing.name}）：请安装 huisuan[platform]")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


def _say(refusal: HuisuanError) -> None:
    """For people in words; after `--json` as one line of JSON on stderr, with the code."""
    if "--json" in sys.argv:
        sys.stderr.write(json.dumps({"code": refusal.code, "message": str(refusal)}, ensure_ascii=False) + "\n")
    else:
        note(f"错误：{refusal}" + (f"（{refusal.code}）" if refusal.code else ""))
