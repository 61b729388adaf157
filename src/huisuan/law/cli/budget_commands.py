"""`huisuan law budget` and `huisuan law sample`: what a year costs, and what it would cost if."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.law.budget.model import Budget, last_day_in_force, not_in_force_message
from huisuan.law.budget.synthetic_claims import DISTRIBUTION, Sample, write_sample
from huisuan.law.cli.arguments import PolicyName, today
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import RuleKind
from huisuan.law.policy.amended_figures import NOTICE
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

if TYPE_CHECKING:
    from huisuan.law.policy.scenario import Scenario

_PartyCount = Annotated[int, typer.Option("--parties", metavar="N", help="推演样本有多少个主体")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="推演样本的种子：同一种子总是同一样本")]
SHOWN_CHANGES = 10


def add_budget_commands(app: typer.Typer) -> None:
    """Add the commands to the group `law`."""
    app.command("budget")(budget)
    app.command("sample")(sample)


def budget(
    policy: PolicyName,
    year: Annotated[int, typer.Option("--year", metavar="Y", help="哪一年（按当年有效期内最后一天的法律）")],
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", metavar="FILE.toml", help="情景：[settings] [interpretations] [caps] [rates]"),
    ] = None,
    facts: Annotated[
        Path | None, typer.Option("--facts", metavar="DIR", help="每条规则一个文件，如 2.2.parquet；不写则用推演样本")
    ] = None,
    parties: _PartyCount = 1_000_000,
    seed: Seed = 1,
    chart: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="图：.svg、.png 或 .html")] = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="DIR", help="各表写成 CSV（金额以元计）")] = None,
    as_json: AsJson = False,
) -> None:
    """预算推演：一年要多少钱，换一种情景又要多少；按条款、市、类别，谁增谁减。"""
    began = time.perf_counter()
    law = load_policy(policy)
    day = _day(law, year, as_json=as_json)
    supposed = _scenario(scenario, law)
    drawn = None if facts else Sample(parties, seed)
    with progress("预算推演", None):
        done = _computed(law, supposed, facts, drawn, day)
    notices = [drawn.notice] if drawn else []
    notices += [NOTICE] if supposed and supposed.figures else []
    _write(done, chart, output, f"{law.title}　{year} 年各条款应享金额", "；".join(notices))
    source = (
        {"sample": {"parties": parties, "seed": seed, "notice": drawn.notice, "distribution": DISTRIBUTION}}
        if drawn
        else {"facts": str(facts)}
    )
    if as_json:
        print_json({"status": "computed", "year": year, **source, **_assumed(supposed), **done.to_dict()})
    else:
        _print(done, year, supposed, drawn)
    note(f"{sum(rule.total.claims for rule in done.rules):,} 件，{time.perf_counter() - began:.1f} 秒")


def sample(
    policy: PolicyName,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="每条规则写成一个 Parquet，以编号为名")],
    parties: _PartyCount = 1_000_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """写出推演样本：每条规则一个事实文件，可用于 budget --facts 与 compute --input。"""
    drawn = Sample(parties, seed)
    with progress("推演样本", None):
        written = write_sample(load_policy(policy), output, drawn)
    if as_json:
        print_json({"parties": parties, "seed": seed, "notice": drawn.notice, "files": [str(path) for path in written]})
    else:
        out.print(f"{drawn.notice}：{len(written)} 个文件 → {output}", markup=False)


def _day(law: Policy, year: int, *, as_json: bool) -> date:
    if not 1900 <= year <= 2199:
        raise typer.BadParameter(f"{year}：应在 1900 与 2199 之间", param_hint="--year")
    day = last_day_in_force(law, year)
    if day is None:
        if as_json:
            print_json(
                {"status": "not_in_force", "policy": law.name, "year": year, "reason": not_in_force_message(law, year)}
            )
        raise InvalidRequest(not_in_force_message(law, year), code="law.not_in_force")
    return day


def _scenario(path: Path | None, law: Policy) -> Scenario | None:
    from huisuan.law.policy.scenario import load_scenario

    return load_scenario(path, law) if path else None


def _computed(law: Policy, supposed: Scenario | None, facts: Path | None, drawn: Sample | None, day: date) -> Budget:
    from huisuan.law.budget.compute import FactFiles, SampleClaims, compute_budget
    from huisuan.law.policy.scenario import apply_scenario

    if facts and not facts.is_dir():
        raise LawError(
            f"{facts}：没有这个文件夹；应为每条规则一个事实文件的文件夹，如 {facts}/2.2.parquet",
            code="law.file_missing",
        )
    after = apply_scenario(law, supposed) if supposed else law
    source = SampleClaims(drawn) if drawn else FactFiles(facts or Path())
    return compute_budget(law, after, source, on=day, as_known=today())


def _write(done: Budget, chart: Path | None, output: Path | None, title: str, subtitle: str) -> None:
    if chart:
        from huisuan.law.budget.chart import write_chart

        write_chart(done, chart, title, subtitle=subtitle)
    if output:
        from huisuan.law.budget.tables import write_tables

        write_tables(done, output)


def _assumed(supposed: Scenario | None) -> dict[str, Any]:
    if supposed is None:
        return {"scenario": None, "supposed_figures": []}
    from huisuan.law.model.values import to_json

    values = {name: to_json(value) for name, value in supposed.values.items()}
    figures = [figure.to_dict() for figure in supposed.figures]
    return {"scenario": {"title": supposed.title, "values": values}, "supposed_figures": figures}


def _print(done: Budget, year: int, supposed: Scenario | None, drawn: Sample | None) -> None:
    from huisuan.law.budget.tables import budget_tables

    out.print(f"[bold]{done.policy.title}　{year} 年预算推演[/]　（{done.on} 的法律，截至 {done.as_known} 所知）")
    if drawn:
        out.print(f"{drawn.notice}。{DISTRIBUTION}", markup=False)
    for line in _supposed_lines(supposed):
        out.print(line, markup=False)
    tables = {sheet.name: sheet for sheet in budget_tables(done)}
    for name in ("articles", "cities", "kinds", "sides", "movers", "caps", "funds", "allotted"):
        sheet = tables[name]
        rows = sheet.rows
        if name == "movers":
            rows = sorted(rows, key=lambda row: -abs(row["difference_fen"]))[:SHOWN_CHANGES]
        if rows:
            headings = {
                key: f"{words}（元）" if key.endswith("_fen") else words for key, words in sheet.columns.items()
            }
            print_table(sheet.title, rows, headings, "")
    for rule in done.rules:
        if rule.rule.kind is not RuleKind.PAYS:
            counts = "，".join(
                f"{row['status']} {_both(row['before'], row['after'])}"
                for row in tables["statuses"].rows
                if row["key"] == rule.rule.key
            )
            out.print(f"第 {rule.rule.key} 句　{rule.rule.title}：{counts}", markup=False)
    if done.without_facts:
        note(f"没有事实文件的规则：{'、'.join(done.without_facts)}")


def _both(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _supposed_lines(supposed: Scenario | None) -> list[str]:
    if supposed is None:
        return ["没有情景：现行与情景相同；用 --scenario FILE.toml 给出情景"]
    lines = [f"情景：{supposed.title}"]
    figures = (
        f"　第 {figure.figure.sentence} 句“{figure.figure.phrase}”：{figure.figure.text} → {figure.text}（{NOTICE}）"
        for figure in supposed.figures
    )
    return [*lines, *figures]
