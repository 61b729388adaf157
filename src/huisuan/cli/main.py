"""`huisuan`: one command, assembled from each room's own `commands.py`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import wraps

import typer

from huisuan.console import Refused, note
from huisuan.law.text import LawError

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


#: group -> (module with a Typer called `app`, what must be ready first, help)
GROUPS: dict[str, tuple[str, Callable[[], None], str]] = {
    "party": ("huisuan.parties.commands", on_database, "主体：导入、查看"),
    "centre": ("huisuan.compute.centre_commands", on_database, "智算中心：加入、查看"),
    "tariff": ("huisuan.compute.tariff_commands", on_database, "价目：每卡时多少分，自哪天起"),
    "usage": ("huisuan.compute.usage_commands", on_database, "用量记录：导入、查看、汇总"),
    "job": ("huisuan.compute.job_commands", nothing_first, "作业：提交、查看、日志、取消（经 HTTP）"),
    "token": ("huisuan.parties.token_commands", on_database, "令牌：程序用它代替口令"),
    "law": ("huisuan.law.commands", nothing_first, "政策：条款、事实、解释、计算"),
    "settle": ("huisuan.settlement.commands", on_database, "结算：用量到账单到应享金额"),
}

#: single commands -> (module, function, what must be ready first)
COMMANDS: dict[str, tuple[str, str, Callable[[], None]]] = {
    "up": ("huisuan.serving.commands", "up", nothing_first),
    "migrate": ("huisuan.serving.commands", "migrate", nothing_first),
    "login": ("huisuan.client.commands", "login", nothing_first),
    "logout": ("huisuan.client.commands", "logout", nothing_first),
    "trace": ("huisuan.settlement.commands", "trace", on_database),
    "demo": ("huisuan.cli.demo", "demo", nothing_first),
}


def assemble() -> typer.Typer:
    """The whole command line."""
    for name, (module, first, text) in GROUPS.items():
        app.add_typer(importlib.import_module(module).app, name=name, callback=first, help=text, no_args_is_help=True)
    for name, (module, function, first) in COMMANDS.items():
        app.command(name)(_after(first, getattr(importlib.import_module(module), function)))
    return app


def _after(first: Callable[[], None], command: Callable[..., None]) -> Callable[..., None]:
    @wraps(command)
    def run(*words: object, **options: object) -> None:
        first()
        command(*words, **options)

    return run


def main() -> None:
    """Run it: errors for people, exit codes for scripts."""
    try:
        assemble()(standalone_mode=True)
    except (Refused, LawError) as refusal:
        note(f"错误：{refusal}")
        sys.exit(1)
    except ModuleNotFoundError as missing:
        if (missing.name or "huisuan").startswith("huisuan"):
            raise
        note(f"错误：这个命令需要整个平台（缺 {missing.name}）：请安装 huisuan[platform]")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
