"""`huisuan law claims`: a file of claims, summed by claimant (or object) and period, each thing once."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.money import yuan
from huisuan.law.cli.answer_commands import EngineName
from huisuan.law.cli.arguments import AsKnown, On, PolicyName, law_days
from huisuan.law.explain.limits import shared_limits
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.policy.load import load_policy
from huisuan.terminal import AsJson, out, print_json, print_table, progress


def compute_claims(
    policy: PolicyName,
    rules: Annotated[list[str], typer.Argument(metavar="RULE…", help="按多笔申报合计的规则，如 w.4；几条可共用上限")],
    source: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Parquet 或 CSV，一行一笔；列为事实与 claimant（谁的），可有 claim（名称）、rule",
        ),
    ],
    target: Annotated[Path, typer.Option("--output", metavar="FILE", help="Parquet 或 CSV，一行对一行，次序不变")],
    engine: Annotated[EngineName, typer.Option("--engine", help="在哪里算")] = EngineName.DUCKDB,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """多笔申报合并计算：每户每年先合计，再按比例、起付线、上限；同一合同只计一次，重复的说明与哪笔重复。"""
    from huisuan.law.sql.claims_file import claims_file
    from huisuan.law.sql.spark import Spark

    law = load_policy(policy)
    asked = [law.rule(key) for key in rules]
    day, known = law_days(law, on, as_known)
    session = Spark() if engine is EngineName.SPARK else nullcontext()
    with progress("合计", None), session as spark:
        caps = shared_limits(law, day, known)
        done = claims_file(law, asked, caps, source, target, on=day, as_known=known, spark=spark)
    if as_json:
        print_json(
            {
                "rules": [rule.key for rule in asked], "rows": done.rows, "by_status": done.by_status,
                "amount_fen": done.amount_fen, "output": str(target), "on": day, "as_known": known,
            }
        )  # fmt: skip
        return
    rows = [{"status": STATUS_ZH[Status(name)], "rows": count} for name, count in done.by_status.items()]
    print_table(f"{'、'.join(rules)}，{done.rows:,} 笔 → {target}", rows, {"status": "状态", "rows": "笔数"}, "没有行")
    out.print(f"合计 {yuan(done.amount_fen)} 元")


def add_claims_commands(app: typer.Typer) -> None:
    """Put the command into the group `law`."""
    app.command("claims")(compute_claims)
