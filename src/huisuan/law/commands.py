"""`huisuan law`: read a policy, ask it about one case or a whole file."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.console import SHANGHAI, AsJson, Refused, note, out, print_json, print_table, progress, yuan
from huisuan.law.answer import STATUS_ZH, Answer, Status
from huisuan.law.explain import default_day, explain, read_facts
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.law.prose import prose
from huisuan.law.render import answer_html
from huisuan.law.rules import Rule
from huisuan.law.settings import terms_of
from huisuan.law.text import LawError
from huisuan.law.values import Wrong, date_from_text

app = typer.Typer()

PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="政策，如 anhui-agi-2023")]
ArticleName = Annotated[str, typer.Argument(metavar="ARTICLE", help="条或句，如 2 或 8.2")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="按哪天的法律（默认今天；过期则有效期最后一天）")]
AsKnown = Annotated[str | None, typer.Option("--as-known", metavar="DATE", help="按截至哪天已知的参数（默认今天）")]


class EngineName(StrEnum):
    """Where a file is computed."""

    DUCKDB = "duckdb"


class Tongue(StrEnum):
    """The language of prose."""

    ZH = "zh"
    EN = "en"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出政策及其可计算的句。"""
    rows = [_about(_policy(name)) for name in list_policies()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        out.print(f"[bold]{row['title']}[/]  {row['name']}  {row['valid_from']} 至 {row['valid_to']}")
        columns = {"sentence": "句", "title": "内容", "to": "给谁", "kind": "答法"}
        print_table("", row["rules"], columns, "没有可计算的句")


@app.command()
def facts(policy: PolicyName, article: ArticleName, as_json: AsJson = False) -> None:
    """一条（句）需要哪些事实：名称、类型、单位、证明材料、由哪一句要求。"""
    rows = [spec.as_json() for spec in _rule(_policy(policy), article).facts]
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "options": "、".join(f"{k} {v}" for k, v in row["option_labels"].items())} for row in rows]
    columns = {
        "name": "事实",
        "label": "含义",
        "type": "类型",
        "unit": "单位",
        "options": "选项",
        "evidence": "证明材料",
    }
    print_table(f"{policy} 第 {article} 条（句）的事实", shown, {**columns, "sentence": "句"}, "没有事实")


@app.command("explain")
def explain_(
    policy: PolicyName,
    article: ArticleName,
    facts: Annotated[
        str, typer.Option("--facts", metavar="FILE.json", help="事实的 JSON 对象（金额为整数分）；- 为标准输入")
    ],
    on: On = None,
    as_known: AsKnown = None,
    budget_left: Annotated[int | None, typer.Option(help="预算余额（分）；应享超过它时答“预算已用完”", min=0)] = None,
    html: Annotated[bool, typer.Option("--html", help="以 HTML 输出")] = False,
    as_json: AsJson = False,
) -> None:
    """对一组事实作答：状态、金额、逐句的理由。"""
    law = _policy(policy)
    rule = _rule(law, article)
    day, known, remark = _days(law, on, as_known)
    try:
        values = read_facts(rule, _read_json(facts))
    except LawError as error:
        raise Refused(f"{facts}：{error}") from None
    answer = explain(law, rule, values, on=day, as_known=known, budget_left_fen=budget_left)
    if remark:
        note(remark)
    if as_json:
        print_json(answer.as_json())
    elif html:
        sys.stdout.write(answer_html(answer, law.text))
    else:
        _print_answer(answer, law)


@app.command("prose")
def prose_(
    policy: PolicyName,
    article: Annotated[str | None, typer.Argument(metavar="[ARTICLE]", help="条或句；不写则全部")] = None,
    lang: Annotated[Tongue, typer.Option("--lang", help="语言")] = Tongue.ZH,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """用白话说规则（Markdown）；写了 --on 则带上当日的参数与解释口径。"""
    law = _policy(policy)
    rules = [_rule(law, article)] if article else list(law.rules)
    rendered = []
    for rule in rules:
        terms = None
        if on is not None:
            terms, _ = terms_of(rule, law.adopted(_day(on, "--on"), _today()))
        rendered.append({"sentence": rule.sentence, "title": rule.title, "prose": prose(rule, lang.value, terms)})
    if as_json:
        print_json(rendered)
        return
    sys.stdout.write("\n".join(str(each["prose"]) for each in rendered))


@app.command()
def sql(policy: PolicyName, article: ArticleName, on: On = None, as_known: AsKnown = None) -> None:
    """规则的 SQL（DuckDB）：表 facts 每个事实一列（金额为整数分），逐行得到 status、amount_fen、reasons。"""
    from huisuan.law.table import TYPES, answers

    law = _policy(policy)
    day, known, remark = _days(law, on, as_known)
    if remark:
        note(remark)
    rule = _rule(law, article)
    types = {spec.name: TYPES[spec.kind] for spec in rule.facts}
    query, _ = answers(law, rule, "facts", types, on=day, as_known=known)
    sys.stdout.write(query.sql("duckdb", pretty=True) + "\n")


@app.command()
def compute(
    policy: PolicyName,
    article: ArticleName,
    source: Annotated[Path, typer.Option("--input", metavar="FILE", help="Parquet 或 CSV，一行一例，列名为事实")],
    target: Annotated[Path, typer.Option("--output", metavar="FILE", help="Parquet 或 CSV，一行对一行，次序不变")],
    engine: Annotated[EngineName, typer.Option("--engine", help="在哪里算")] = EngineName.DUCKDB,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """对整个文件作答：每行得到 status、amount_fen、reasons；读不懂的格子只影响它那一行。"""
    from huisuan.law.table import compute_file

    law = _policy(policy)
    rule = _rule(law, article)
    day, known, remark = _days(law, on, as_known)
    with progress(f"第 {rule.sentence} 句", None):
        try:
            done = compute_file(law, rule, source, target, on=day, as_known=known)
        except LawError as error:
            raise Refused(str(error)) from None
    if remark:
        note(remark)
    for name in done.absent:
        note(f"注意：输入没有列 {name}，每行都按缺少该事实处理")
    for name, count in done.invalid.items():
        note(f"注意：列 {name} 有 {count:,} 个读不懂的值，那些行的 reasons 中记为 invalid:{name}")
    if as_json:
        print_json(
            {
                "sentence": rule.sentence, "rows": done.rows, "by_status": done.by_status, "invalid": done.invalid,
                "amount_fen": done.amount_fen, "output": str(target), "on": day, "as_known": known,
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


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except LawError as error:
        raise Refused(str(error)) from None


def _rule(policy: Policy, article: str) -> Rule:
    try:
        return policy.rule(article)
    except LawError as error:
        raise Refused(str(error)) from None


def _about(policy: Policy) -> dict[str, Any]:
    rules = [
        {
            "sentence": rule.sentence, "title": rule.title, "to": rule.to,
            "kind": "一事一议" if rule.amount is None else "计算金额",
        }
        for rule in policy.rules
    ]  # fmt: skip
    return {
        "name": policy.name, "title": policy.title, "issuer": policy.issuer, "valid_from": policy.valid_from,
        "valid_to": policy.valid_to, "sentences": len(policy.text.sentences), "digest": policy.digest, "rules": rules,
    }  # fmt: skip


def _today() -> date:
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def _day(text: str, option: str) -> date:
    try:
        return date_from_text(text)
    except Wrong as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None


def _days(policy: Policy, on: str | None, as_known: str | None) -> tuple[date, date, str]:
    """The two days of the question, and what to say where the first was not asked for."""
    today = _today()
    known = _day(as_known, "--as-known") if as_known else today
    if on:
        return _day(on, "--on"), known, ""
    day = default_day(policy, today)
    remark = "" if day == today else f"政策有效期 {policy.valid_from} 至 {policy.valid_to}；未写 --on，按 {day} 计算"
    return day, known, remark


def _read_json(path: str) -> dict[str, object]:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        data = json.loads(text, parse_float=Decimals)
    except FileNotFoundError:
        raise Refused(f"没有文件 {path}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{path} 不是 JSON：{error}") from None
    if not isinstance(data, dict):
        raise Refused(f'{path}：应为一个 JSON 对象，如 {{"spend": 100000}}')
    return data


class Decimals(str):
    """A number with a point, kept as it was written: no fact accepts it, and no float gets in."""

    __slots__ = ()


def _print_answer(answer: Answer, policy: Policy) -> None:
    amount = "—" if answer.amount_fen is None else f"{yuan(answer.amount_fen)} 元"
    out.print(f"[bold]{policy.title} 第 {answer.sentence} 句　{answer.title}[/]")
    out.print(f"[bold]{STATUS_ZH[answer.status]}[/]　{amount}　（{answer.on} 的法律，截至 {answer.as_known} 所知）")
    for step in answer.steps:
        out.print(f"  {step.mark} {step.text}　[dim]{step.sentence}“{step.phrase}”[/]")
    for reason in answer.reasons:
        out.print(f"  → {reason.text}", markup=False)
    for used in (*answer.settings, *answer.interpretations):
        question = f"{used.question}：" if used.question else f"{used.label}："
        bound = f"，法定上限 {used.bound}" if used.bound else ""
        out.print(f"  参数 {question}{used.shown}{bound}（{used.authority}，{used.valid_from} 起）", markup=False)
