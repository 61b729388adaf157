"""`huisuan law`: what policies there are, what they ask, say and set; the group that all its commands belong to."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from huisuan.law.cli import budget_commands, claims_commands, form_commands, stacking_commands
from huisuan.law.cli.answer_commands import compute, explain_, sql
from huisuan.law.cli.arguments import (
    ArticleName,
    AsKnown,
    On,
    PolicyName,
    law_days,
    today,
)
from huisuan.law.explain.explanation import default_day
from huisuan.law.explain.prose import general_terms, rule_prose
from huisuan.law.model.rules import KINDS_ZH
from huisuan.law.policy.load import load_installed, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import rule_terms
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
form_commands.add_form_commands(app)
budget_commands.add_budget_commands(app)
stacking_commands.add_stacking_commands(app)
claims_commands.add_claims_commands(app)


class ProseLanguage(StrEnum):
    """The language of prose."""

    ZH = "zh"
    EN = "en"


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出政策及其可计算的句。"""
    policies, broken = load_installed()
    rows = [_about(policy) for policy in policies]
    for name, wrong in broken.items():
        note(f"政策 {name} 读不了：{wrong}")
    if as_json:
        print_json([*rows, *({"name": name, "error": wrong} for name, wrong in broken.items())])
    else:
        _print_list(rows)
    if broken:
        raise typer.Exit(1)


def _print_list(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        mark = "  （待与印发文本核对）" if row["prepared"] else ""
        out.print(f"[bold]{row['title']}[/]  {row['name']}  {row['valid_from']} 至 {row['valid_to']}{mark}")
        columns = {"rule": "句", "title": "内容", "to": "给谁", "kind": "答法"}
        print_table("", row["rules"], columns, "没有可计算的句")


@app.command()
def facts(policy: PolicyName, article: ArticleName, as_json: AsJson = False) -> None:
    """一条（句）需要哪些事实：名称、类型、单位、证明材料、由哪一句要求。"""
    rows = [spec.to_dict() for spec in load_policy(policy).rule(article).facts]
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


app.command("explain")(explain_)


@app.command("prose")
def prose_(
    policy: PolicyName,
    article: Annotated[str | None, typer.Argument(metavar="[ARTICLE]", help="条或句；不写则全部")] = None,
    lang: Annotated[ProseLanguage, typer.Option("--lang", help="语言")] = ProseLanguage.ZH,
    on: On = None,
    as_json: AsJson = False,
) -> None:
    """用白话说规则（Markdown），按已采用的解释口径；写了 --on 则带上当日的参数值。"""
    law = load_policy(policy)
    rules = [law.rule(article)] if article else list(law.rules)
    rendered = []
    day, known = law_days(law, on, None) if on else (default_day(law, today()), today())
    for rule in rules:
        adopted = law.adopted(day, known)
        terms = general_terms(rule, adopted) if on is None else rule_terms(rule, adopted)[0]
        rendered.append(
            {
                "rule": rule.key,
                "sentence": rule.sentence,
                "title": rule.title,
                "prose": rule_prose(rule, lang.value, terms),
            }
        )
    if as_json:
        print_json(rendered)
        return
    sys.stdout.write("\n".join(str(rule_text["prose"]) for rule_text in rendered))


app.command()(sql)


@app.command()
def settings(policy: PolicyName, on: On = None, as_known: AsKnown = None, as_json: AsJson = False) -> None:
    """每个参数与解释口径：当日的值、法定上限及出处、由谁以何文件确定、历次变化；没有确定的也列出。"""
    from huisuan.law.cli.settings_output import print_settings
    from huisuan.law.policy.settings_history import list_settings

    law = load_policy(policy)
    day, known = law_days(law, on, as_known)
    print_settings(law.title, list_settings(law, day, known), day, known, as_json=as_json)


app.command()(compute)


def _about(policy: Policy) -> dict[str, Any]:
    rules = [
        {
            "rule": rule.key, "sentence": rule.sentence, "title": rule.title, "to": rule.to,
            "kind": KINDS_ZH[rule.kind],
        }
        for rule in policy.rules
    ]  # fmt: skip
    return {
        "name": policy.name, "title": policy.title, "issuer": policy.issuer, "valid_from": policy.valid_from,
        "valid_to": policy.valid_to, "sentences": len(policy.text.sentences), "digest": policy.digest,
        "prepared": policy.prepared, "example": policy.example, "rules": rules,
    }  # fmt: skip
