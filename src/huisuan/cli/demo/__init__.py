"""`huisuan demo`: the whole chain on invented parties and real runs, then the pages.

Everything invented says so in its name and is marked `demo` in the database; the demo refuses a database that
holds anything else.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.terminal import note, out

if TYPE_CHECKING:
    from huisuan.parties.models import Person


def demo(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="打印之后是否继续提供页面")] = True,
    trace: Annotated[Path | None, typer.Option(help="再导入一份公开的 GPU 作业轨迹（CSV）")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口；0 表示任选")] = 8710,
) -> None:
    """演示：真的跑作业、导入记账文件、结算、追到原始行，走到拨付和追回，三项政策叠加，十五条各走一件，打开页面。"""
    from huisuan.serving.database import prepare_database
    from huisuan.serving.processes.supervisor import running_platform

    note("正在启动平台（第一次要建库，约十秒）……")
    with contextlib.suppress(KeyboardInterrupt), running_platform(port, relay=port and port + 1) as platform:
        prepare_database()
        from huisuan.cli.demo import scenario
        from huisuan.cli.demo.money import show_money, walk_the_money
        from huisuan.cli.demo.output import show_accounts, show_jobs, show_settlement, show_stacked, show_usage

        scenario.refuse_real_data()
        scenario.enter_parties()
        scenario.open_centres()
        accounts = scenario.make_accounts()
        show_jobs(scenario.run_jobs(platform.client()))
        for report in scenario.import_accounting():
            show_usage(report)
        if trace is not None:
            show_usage(scenario.import_trace(trace))
        settled = scenario.settle_demo_year()
        show_settlement(settled)
        show_money(walk_the_money(settled.run))
        scenario.add_example_policy()
        stacked = scenario.import_stacked_year()
        show_stacked(stacked, scenario.settle_stacked_year())
        firm = _show_what_is_public(platform.url)
        show_accounts(platform.url, [*accounts, *scenario.with_password(firm, accounts)])
        if serve:
            out.print("停止：按 Ctrl-C")
            platform.serve()


def _show_what_is_public(url: str) -> Person | None:
    """A case of each article, the list of open data with files at the gate and a grant, and bulletins.

    Gives somebody of the firm that was granted data.
    """
    from huisuan.cli.demo import open_list
    from huisuan.cli.demo.articles import make_article_cases, show_articles
    from huisuan.cli.demo.bulletins import issue_bulletins, show_bulletins
    from huisuan.cli.demo.granted_data import grant_conditional_data
    from huisuan.cli.demo.output import show_grant, show_open_data

    make_article_cases()
    show_articles(url)
    now = datetime.now(UTC)
    show_open_data(open_list.import_open_list(now), open_list.fill_the_gate(now))
    open_list.ask_for_data(now)
    granted = grant_conditional_data(now)
    if granted is not None:
        show_grant(url, granted[0])
    show_bulletins(issue_bulletins())
    return granted[1] if granted is not None else None
