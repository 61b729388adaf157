"""`huisuan law claims` and `law payout`: a file of claims, summed; and paid out of a fund that may be too small."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.money import yuan
from huisuan.law.budget.pool import PoolMode
from huisuan.law.cases.case_file import parse_yuan
from huisuan.law.cli.answer_commands import EngineName
from huisuan.law.cli.arguments import AsKnown, On, PolicyName, law_days
from huisuan.law.explain.limits import shared_limits
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

_SHOWN_APPLICANTS = 50  # of the table; the file has them all


def _refuse_day_column(written: str | None) -> None:
    """Claims that are summed have one law.

    Raises:
        LawError: a column of days is named all the same.
    """
    if written:
        raise LawError(
            "多笔合计的申报按同一天的法律算，不能每笔各按一天（同一合计会有几种法律）：请写 --on，几个日子就分几个文件",
            code="law.day_column_of_claims",
        )


NoDayColumn = Annotated[
    str | None,
    typer.Option("--day-column", hidden=True, callback=_refuse_day_column, help="不能用：同一合计只按一天的法律"),
]


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
    day_column: NoDayColumn = None,
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


def payout(
    policy: PolicyName,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="付款的规则，如 w.4")],
    source: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Parquet 或 CSV：claimant、amount_fen（分），可有 claim、status、applied_on（申报日）、rank（名次）",
        ),
    ],
    target: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Parquet 或 CSV，一行对一行，加一列 paid_fen")
    ],
    pool: Annotated[
        str | None, typer.Option("--pool", metavar="YUAN", help="假如资金为多少元，如 800万元（不写则按条文）")
    ] = None,
    mode: Annotated[
        PoolMode | None, typer.Option("--mode", help="假如：资金不足时的分法（不写则按已采用的口径）")
    ] = None,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """资金不足时每户实付多少：按比例、先到先得或按名次，合计与资金分文不差。"""
    from huisuan.law.budget.pool_file import pay_file

    law = load_policy(policy)
    day, known = law_days(law, on, as_known)
    fund = None if pool is None else parse_yuan(pool, "--pool")
    if fund is not None or mode is not None:
        note("按所给的假设计算，不是现行规定")
    done = pay_file(law, law.rule(rule), source, target, on=day, as_known=known, fund_fen=fund, mode=mode)
    rows = [vars(applicant) for applicant in done.applicants]
    if as_json:
        print_json(
            {
                "rule": rule, "fund_fen": done.fund_fen, "owed_fen": done.owed_fen, "paid_fen": done.paid_fen,
                "supposed": {"fund_fen": fund, "mode": mode}, "applicants": rows, "output": str(target),
                "on": day, "as_known": known,
            }
        )  # fmt: skip
        return
    columns = {"claimant": "申报主体", "rows": "笔数", "owed_fen": "应付（元）", "paid_fen": "实付（元）"}
    more = f"；只列出前 {_SHOWN_APPLICANTS} 户，其余见文件" if len(rows) > _SHOWN_APPLICANTS else ""
    print_table(f"{rule}，{len(rows):,} 户 → {target}{more}", rows[:_SHOWN_APPLICANTS], columns, "没有行")
    out.print(f"资金 {yuan(done.fund_fen)} 元，应付 {yuan(done.owed_fen)} 元，实付 {yuan(done.paid_fen)} 元")


def add_claims_commands(app: typer.Typer) -> None:
    """Put the commands into the group `law`."""
    app.command("claims")(compute_claims)
    app.command("payout")(payout)
