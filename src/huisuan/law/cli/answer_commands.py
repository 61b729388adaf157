"""`huisuan law explain`, `sql`, `compute`: answers for one case, as SQL, for a whole file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import yuan
from huisuan.law.cli.arguments import (
    ArticleName,
    AsKnown,
    Began,
    On,
    PolicyName,
    day_of_knowledge,
    law_days,
    load_json_object,
    parse_day,
    today,
)
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.explain.html import answer_html
from huisuan.law.model.answers import STATUS_ZH, Answer, Status
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import DAYS_ZH, DayBasis, Rule
from huisuan.law.policy.by_day import dated_facts, find_part_starts, part_name, part_starts
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.dialect import Dialect
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress


class EngineName(StrEnum):
    """Where a file is computed."""

    DUCKDB = "duckdb"
    SPARK = "spark"


Suppose = Annotated[
    Path | None, typer.Option("--scenario", metavar="FILE.toml", help="假如：按情景文件中的参数与口径（不是现行规定）")
]


Choose = Annotated[
    list[str] | None,
    typer.Option("--choose", metavar="NAME=OPTION", help="假如：某个解释口径选另一项，如 0.2.cap=beyond；可写多次"),
]


def explain_(
    policy: PolicyName,
    article: ArticleName,
    facts: Annotated[
        str, typer.Option("--facts", metavar="FILE.json", help="事实的 JSON 对象（金额为整数分）；- 为标准输入")
    ],
    on: On = None,
    as_known: AsKnown = None,
    began: Began = None,
    scenario: Suppose = None,
    choose: Choose = None,
    budget_left: Annotated[int | None, typer.Option(help="预算余额（分）；应享超过它时答“预算已用完”", min=0)] = None,
    html: Annotated[bool, typer.Option("--html", help="以 HTML 输出")] = False,
    as_json: AsJson = False,
) -> None:
    """对一组事实作答：状态、金额、逐句的理由。"""
    law = _supposed(load_policy(policy), scenario, choose)
    rule = law.rule(article)
    day, known = law_days(law, on, as_known)
    began_on = parse_day(began, "--began") if began else None
    try:
        values = parse_facts(rule, load_json_object(facts))
        _tell_changes(law, rule, day, known, values)
        answer = explain(law, rule, values, on=day, as_known=known, budget_left_fen=budget_left, began=began_on)
    except LawError as error:
        raise InvalidRequest(f"{facts}：{error}", code=error.code) from None
    if as_json:
        print_json(answer.to_dict())
    elif html:
        sys.stdout.write(answer_html(answer, law.text))
    else:
        _print_answer(answer, law)


def sql(
    policy: PolicyName,
    article: ArticleName,
    dialect: Annotated[Dialect, typer.Option("--dialect", help="用哪种方言写")] = Dialect.DUCKDB,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """规则的 SQL：表 facts 每个事实一列（金额为整数分），逐行得到 status、amount_fen、reasons。"""
    from huisuan.law.sql.compute_file import answer_query
    from huisuan.law.sql.dialect import COLUMN_TYPES

    law = load_policy(policy)
    day, known = law_days(law, on, as_known)
    rule = law.rule(article)
    types = {spec.name: COLUMN_TYPES[spec.kind] for spec in rule.facts}
    query, _ = answer_query(law, rule, "facts", types, on=day, as_known=known, dialect=dialect)
    text = query.sql(dialect, pretty=True)
    if as_json:
        print_json({"rule": rule.key, "dialect": dialect, "on": day, "as_known": known, "sql": text})
    else:
        sys.stdout.write(text + "\n")


def _check_day_column(day: str | None, engine: EngineName) -> None:
    """Whether rows may each name their day.

    Raises:
        LawError: a day is named for all of them, too, or the engine cannot read many days at once.
    """
    if day:
        raise LawError("--day-column 是每行各按一天，不与 --on、--began 同用：请只留一个", code="law.day_named_twice")
    if engine is EngineName.SPARK:
        raise LawError(
            "--day-column 只在 DuckDB 上算：请去掉 --engine spark，或按日期把文件分开，各写 --on",
            code="law.day_column_engine",
        )


def compute(
    policy: PolicyName,
    article: ArticleName,
    source: Annotated[Path, typer.Option("--input", metavar="FILE", help="Parquet 或 CSV，一行一例，列名为事实")],
    target: Annotated[Path, typer.Option("--output", metavar="FILE", help="Parquet 或 CSV，一行对一行，次序不变")],
    engine: Annotated[EngineName, typer.Option("--engine", help="在哪里算")] = EngineName.DUCKDB,
    master: Annotated[
        str | None,
        typer.Option("--master", metavar="MASTER", help="Spark 在哪里：local[2]、spark://主机:7077；默认本机"),
    ] = None,
    on: On = None,
    as_known: AsKnown = None,
    began: Began = None,
    day_column: Annotated[
        str | None,
        typer.Option("--day-column", metavar="COLUMN", help="每行按这一列的日期读法律（付款、申报等之日），不写 --on"),
    ] = None,
    scenario: Suppose = None,
    choose: Choose = None,
    as_json: AsJson = False,
) -> None:
    """对整个文件作答：每行得到 status、amount_fen、reasons；读不懂的格子只影响它那一行。"""
    from huisuan.law.sql.compute_file import compute_file
    from huisuan.law.sql.row_days import compute_file_by_day
    from huisuan.law.sql.spark import LOCAL_MASTER, Spark

    if day_column:
        _check_day_column(on or began, engine)
    if master is not None and engine is not EngineName.SPARK:
        raise typer.BadParameter("只与 --engine spark 同用", param_hint="--master")
    law = _supposed(load_policy(policy), scenario, choose)
    rule = law.rule(article)
    day, known = law_days(law, on, as_known) if not day_column else (today(), day_of_knowledge(as_known))
    began_on = parse_day(began, "--began") if began else None
    session = Spark(master or LOCAL_MASTER) if engine is EngineName.SPARK else nullcontext()
    with progress(f"第 {rule.sentence} 句", None), session as spark:
        if day_column:
            done = compute_file_by_day(law, rule, source, target, day_column=day_column, as_known=known)
        else:
            done = compute_file(law, rule, source, target, on=day, as_known=known, spark=spark, began=began_on)
            _tell_changes(law, rule, day, known, done.read)
    for name in done.absent:
        note(f"注意：输入没有列 {name}，每行都按缺少该事实处理")
    for name, count in done.invalid.items():
        note(f"注意：列 {name} 有 {count:,} 个读不懂的值，那些行的 reasons 中记为 invalid:{name}")
    if as_json:
        print_json(
            {
                "sentence": rule.sentence, "rows": done.rows, "by_status": done.by_status, "invalid": done.invalid,
                "amount_fen": done.amount_fen, "output": str(target), "on": None if day_column else day,
                "as_known": known,
            }
        )  # fmt: skip
    else:
        rows = [{"status": STATUS_ZH[Status(name)], "rows": count} for name, count in done.by_status.items()]
        print_table(
            f"第 {rule.sentence} 句，{done.rows:,} 行 → {target}", rows, {"status": "状态", "rows": "行数"}, "没有行"
        )
        out.print(f"合计 {yuan(done.amount_fen)} 元")
    if done.invalid:
        raise typer.Exit(1)


def _tell_changes(law: Policy, rule: Rule, day: date, known: date, names: Iterable[str]) -> None:
    """Say where facts that count by the days of use are not told apart, though the settings changed within the year."""
    first = max(date(day.year, 1, 1), law.valid_from)
    starts = find_part_starts(law, rule, first, day, known)
    if starts and not part_starts(rule, names):
        days, parts = (
            "、".join(map(str, starts[1:])),
            "、".join(part_name(spec.name, starts[1]) for spec in dated_facts(rule)),
        )
        note(
            f"注意：{day.year} 年内 {days} 起规定有变；没有分段的都按 {day} 计算，要按用量发生之日请分段写，如 {parts}"
        )


def _supposed(law: Policy, scenario: Path | None, choices: list[str] | None) -> Policy:
    """The law as a scenario or other choices suppose it; as it is where there are none."""
    from huisuan.law.policy.scenario import apply_scenario, load_scenario, scenario_from_options

    supposed = apply_scenario(law, load_scenario(scenario, law)) if scenario else law
    return apply_scenario(supposed, scenario_from_options(law, choices)) if choices else supposed


def _print_answer(answer: Answer, policy: Policy) -> None:
    amount = "—" if answer.amount_fen is None else f"{yuan(answer.amount_fen)} 元"
    out.print(f"[bold]{policy.title} 第 {answer.sentence} 句　{answer.title}[/]")
    by = f"，参数按{DAYS_ZH[DayBasis(answer.settings_by)]}" if answer.settings_by else ""
    out.print(f"[bold]{STATUS_ZH[answer.status]}[/]　{amount}　（{answer.on} 的法律，截至 {answer.as_known} 所知{by}）")
    for step in answer.steps:
        out.print(f"  {step.mark} {step.text}　[dim]{step.sentence}“{step.phrase}”[/]")
    for reason in answer.reasons:
        out.print(f"  → {reason.text}", markup=False)
    for change in answer.nearest:
        out.print(f"  ⇢ 最近的符合条件的情形：{change.text}", markup=False)
    if answer.grants:
        out.print(f"  可享：{answer.grants}", markup=False)
    for used in (*answer.settings, *answer.interpretations):
        question = f"{used.question}：" if used.question else f"{used.label}："
        bound = f"，法定上限 {used.bound}" if used.bound else ""
        out.print(f"  参数 {question}{used.shown}{bound}（{used.authority}，{used.valid_from} 起）", markup=False)
