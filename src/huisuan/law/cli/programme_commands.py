"""`huisuan programme`: how the programmes of a policy are carried out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from huisuan.law.cli.arguments import AsKnown, On, law_days
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_installed, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.programme_coverage import programme_coverage
from huisuan.law.policy.settings import suggested_names
from huisuan.law.procedure import (
    START_WORDS,
    STATE_WORDS,
    ProgrammeSpec,
    Start,
    State,
    draw_programme,
    offices_named,
    programme_sentences,
)
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer()


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """各政策声明了哪些程序：怎样开始，几步，由哪些单位办。"""
    found = [(law, programme) for law in load_installed()[0] for programme in law.programmes]
    rows = [_summary(law, programme) for law, programme in found]
    if as_json:
        print_json(rows)
        return
    shown = [
        row | {"start": START_WORDS[programme.start][0], "offices": "、".join(row["offices"])}
        for row, (_, programme) in zip(rows, found, strict=True)
    ]
    columns = {"policy": "政策", "key": "规则", "title": "名称", "start": "开始", "steps": "步骤", "offices": "单位"}
    print_table("程序", shown, columns, "没有声明程序")


@app.command("show")
def show(
    key: Annotated[str, typer.Argument(metavar="规则", help="例如 2.2")],
    policy: Annotated[str, typer.Option("--policy", metavar="POLICY", help="哪个政策；只有一个有此程序时不必写")] = "",
    on: On = None,
    as_known: AsKnown = None,
    drawing: Annotated[bool, typer.Option("--drawing", help="只输出流程图（SVG）")] = False,
    as_json: AsJson = False,
) -> None:
    """一个程序逐步写明：从什么状态、由哪个单位、几个工作日内、办什么、转为什么。"""
    law, programme = _find(key, policy)
    if drawing:
        typer.echo(draw_programme(programme))
        return
    day, known = law_days(law, on, as_known)
    adopted = law.adopted(day, known)
    values = {name: setting.value for name, setting in adopted.items()}
    suggested = suggested_names(adopted)
    if as_json:
        print_json(_whole(law, programme, values, suggested))
        return
    out.print(f"{programme.key}　{programme.title}（摘要 {programme.digest[:12]}）", markup=False)
    for number, sentence in enumerate(programme_sentences(programme, values, suggested=suggested), start=1):
        out.print(f"{number}. {sentence}", markup=False)


@app.command("coverage")
def coverage(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="例如 anhui-agi-2023")],
    as_json: AsJson = False,
) -> None:
    """政策的每一句由哪个程序办理，或者为什么没有程序；有一句两者都没有时退出码为 1。"""
    rows = programme_coverage(load_policy(policy))
    covered = sum(row.covered for row in rows)
    if as_json:
        print_json({"policy": policy, "covered": covered, "total": len(rows), "rows": [row.to_dict() for row in rows]})
    else:
        shown = [
            {
                "sentence": row.sentence, "carried": "、".join(row.programmes) or row.reason or "（缺）",
                "start": "；".join(dict.fromkeys(START_WORDS[Start(start)][0] for start in row.starts)),
                "offices": "、".join(row.offices),
            }
            for row in rows
        ]  # fmt: skip
        columns = {"sentence": "句", "carried": "程序或原因", "start": "开始", "offices": "单位"}
        print_table(f"程序覆盖 {covered}/{len(rows)}", shown, columns, "没有句子")
    if covered < len(rows):
        raise typer.Exit(1)


def _find(key: str, policy: str) -> tuple[Policy, ProgrammeSpec]:
    """The programme of that key.

    Raises:
        LawError: none, or one in each of several policies.
    """
    every = [(law, programme) for law in load_installed()[0] for programme in law.programmes]
    found = [(law, programme) for law, programme in every if programme.key == key and policy in ("", law.name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = "、".join(law.name for law, _ in found)
        raise LawError(f"有程序 {key} 的政策有 {names}：请用 --policy 指明", code="law.programme_ambiguous")
    known = "、".join(f"{programme.key}（{law.name}）" for law, programme in every) or "无"
    raise LawError(f"没有程序 {key}；有的是：{known}", code="law.programme_unknown")


def _summary(law: Policy, programme: ProgrammeSpec) -> dict[str, Any]:
    return {
        "policy": law.name, "key": programme.key, "title": programme.title, "title_en": programme.title_en,
        "start": programme.start.value, "steps": len(programme.steps), "digest": programme.digest,
        "offices": list(dict.fromkeys(taken.office for taken in programme.steps if taken.office)),
    }  # fmt: skip


def _whole(law: Policy, programme: ProgrammeSpec, values: dict[str, Any], suggested: frozenset[str]) -> dict[str, Any]:
    used = {state for taken in programme.steps for state in (*taken.sources, taken.target)}
    return programme.to_dict() | {
        "policy": law.name, "digest": programme.digest, "named": list(offices_named(law.text, programme.sentence)),
        "figures": {spec.name: values.get(spec.name) for spec in programme.settings()},
        "suggested": [spec.name for spec in programme.settings() if spec.name in suggested],
        "states": {state.value: STATE_WORDS[state]._asdict() for state in State if state in used},
        "sentences": list(programme_sentences(programme, values, suggested=suggested)),
        "sentences_en": list(programme_sentences(programme, values, suggested=suggested, english=True)),
    }  # fmt: skip
