"""`huisuan law coverage`, `allot`, `stack`: what concerns a whole policy, or several rules at once."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import yuan
from huisuan.law.budget.allotment import AllotmentResult, allot_budget
from huisuan.law.cli.arguments import AsKnown, On, PolicyName, law_days, load_json_object
from huisuan.law.explain.combine import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.explain.explanation import parse_facts
from huisuan.law.model.answers import STATUS_ZH
from huisuan.law.model.errors import LawError
from huisuan.law.model.handling import HANDLINGS_ZH, Handling
from huisuan.law.model.rules import Allotment
from huisuan.law.policy.coverage import SentenceCoverage, list_coverage
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.overlap import SharedSpend
from huisuan.law.policy.stacking import PolicyRule, rules_by_ground
from huisuan.terminal import AsJson, out, print_json, print_table


def coverage_(policy: PolicyName, as_json: AsJson = False) -> None:
    """逐句交代：计算、程序或宣示，及责任单位；有未处理的句则退出码为 1。"""
    law = load_policy(policy)
    rows = list_coverage(law)
    counts = {handling.value: sum(row.handling is handling for row in rows) for handling in Handling}
    covered = len(rows) - counts[Handling.OPEN.value]
    if as_json:
        print_json(
            {
                "policy": law.name, "digest": law.digest, "total": len(rows), "covered": covered,
                "complete": covered == len(rows), "counts": counts, "sentences": [row.to_dict() for row in rows],
            }
        )  # fmt: skip
    else:
        columns = {
            "sentence": "句",
            "handling": "处理",
            "what": "内容",
            "responsible": "责任单位",
            "cooperating": "配合单位",
        }
        print_table(law.title, [_shown(row) for row in rows], columns, "没有句子")
        summary = "，".join(f"{HANDLINGS_ZH[handling]} {counts[handling.value]}" for handling in Handling)
        out.print(f"{covered}/{len(rows)} 句已交代（{summary}）")
    if covered < len(rows):
        raise typer.Exit(1)


def _shown(row: SentenceCoverage) -> dict[str, Any]:
    return {**row.to_dict(), "handling": HANDLINGS_ZH[row.handling], "what": "；".join(row.what)}


def allot_(
    policy: PolicyName,
    allotment: Annotated[str, typer.Argument(metavar="RULE", help="按绩效分配的规则，如 4.1.cities")],
    source: Annotated[Path, typer.Option("--input", metavar="FILE", help="CSV：name 列加各项事实（金额为整数分）")],
    target: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="结果写到这里（CSV）")] = None,
    budget: Annotated[int | None, typer.Option(help="假设的预算（分）；不写则用已采用的", min=0)] = None,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """按公布的得分公式把预算分给各方，合计与预算一分不差。"""
    law = load_policy(policy)
    day, known = law_days(law, on, as_known)
    rule = law.allotment(allotment)
    done = allot_budget(law, rule, _read_rows(source, rule), on=day, as_known=known, budget_fen=budget)
    if target is not None:
        _write(target, done)
    if as_json:
        shares = [share.to_dict() for share in done.shares]
        print_json({"rule": rule.key, "on": day, "budget_fen": done.budget_fen, "shares": shares})
        return
    rows = [
        {"name": share.name, "score": f"{_hundredths(share.score)}%", "amount": yuan(share.amount_fen)}
        for share in done.shares
    ]
    print_table(rule.title, rows, {"name": "名称", "score": "得分占比", "amount": "金额（元）"}, "没有行")
    out.print(done.formula(), markup=False)
    out.print(f"合计 {yuan(sum(share.amount_fen for share in done.shares))} 元")


def _hundredths(share: Fraction) -> str:
    """A share in per cent with two decimals, for reading only."""
    whole, rest = divmod(round(share * 10_000), 100)
    return f"{whole}.{rest:02d}"


def _read_rows(source: Path, rule: Allotment) -> dict[str, dict[str, int]]:
    """The rows of the file by name.

    Raises:
        LawError: every unusable cell with its line; a name used twice; a column that is not there.
    """
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise LawError(f"{source}：读不了（{error}）", code="law.file_unreadable") from None
    names = ["name", *(indicator.fact.name for indicator in rule.indicators)]
    absent = [name for name in names if not lines or name not in lines[0]]
    if absent:
        raise LawError(f"{source}：缺列 {'、'.join(absent)}（应有 {'、'.join(names)}）", code="law.column_missing")
    rows: dict[str, dict[str, int]] = {}
    wrong: list[str] = []
    for at, line in enumerate(lines, start=2):
        if line["name"] in rows:
            wrong.append(f"行 {at}：{line['name']} 出现了两次")
        rows[line["name"]] = {}
        for indicator in rule.indicators:
            cell = (line[indicator.fact.name] or "").strip()
            if not (cell.isascii() and cell.isdigit() and int(cell) <= (indicator.fact.maximum or 0)):
                most = f"{indicator.fact.maximum:,}"
                wrong.append(f"行 {at}，列 {indicator.fact.name}：“{cell}”不是 0 至 {most} 的整数（金额以分计）")
            else:
                rows[line["name"]][indicator.fact.name] = int(cell)
    if wrong:
        raise LawError(f"{source}：" + "；".join(wrong), code="law.rows_malformed")
    return rows


def _write(target: Path, done: AllotmentResult) -> None:
    draft = target.with_name(f".{target.name}.draft")
    with draft.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "score", "quota_fen", "amount_fen"])
        writer.writerows([share.name, share.score, share.quota_fen, share.amount_fen] for share in done.shares)
    draft.replace(target)


def stack(
    rules: Annotated[list[str], typer.Argument(metavar="POLICY/RULE...", help="规则，如 anhui-agi-2023/2.2")],
    facts: Annotated[
        str | None, typer.Option("--facts", metavar="FILE.json", help="一例：{规则: {事实: 值}}；- 为标准输入")
    ] = None,
    source: Annotated[Path | None, typer.Option("--input", metavar="FILE", help="多例：Parquet，一行一例")] = None,
    target: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="多例的结果（Parquet）")] = None,
    on: On = None,
    as_known: AsKnown = None,
    as_json: AsJson = False,
) -> None:
    """几条规则对同一支出合起来给多少：先后、叠加口径、各条可付、合计不超过支出。"""
    if (facts is None) == (source is None) or (source is None) != (target is None):
        raise typer.BadParameter("写 --facts（一例），或写 --input 与 --output（多例）")
    places = [_place(key) for key in rules]
    day, known = law_days(places[0].policy, on, as_known)
    try:
        if source is not None and target is not None:
            _stack_file(places, source, target, (day, known), as_json)
            return
        given = load_json_object(facts or "-")
        lines = given.get("lines", {})
        asked = [
            RuleInput(place, _facts_of(place, given.get(place.key, {})), _lines_of(place, lines)) for place in places
        ]
        found = combine_answers(asked, on=day, as_known=known, shared=_shared_spend(given.get("shared", [])))
    except LawError as error:
        raise InvalidRequest(f"{facts or source}：{error}", code=error.code) from None
    if as_json:
        print_json([_as_json(combined) for combined in found])
        return
    for combined in found:
        _print_combined(combined)


def _place(key: str) -> PolicyRule:
    name, _, rule = key.partition("/")
    policy = load_policy(name)
    return PolicyRule(policy, policy.rule(rule))


def _facts_of(place: PolicyRule, raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise LawError(f"{place.key} 应为一个 JSON 对象", code="law.json_malformed")
    try:
        return dict(parse_facts(place.rule, raw))
    except LawError as error:
        raise LawError(f"{place.key}：{error}", code=error.code) from None


def _shared_spend(raw: object) -> list[SharedSpend]:
    """What several rules claim in common: `[{"rules": [KEY, KEY], "fen": 20000000}]`.

    Raises:
        LawError: another form.
    """
    found: list[SharedSpend] = []
    for part in raw if isinstance(raw, list) else [raw]:
        if not isinstance(part, dict) or not isinstance(part.get("rules"), list):
            raise LawError(
                'shared 应如 [{"rules": ["政策/句", "政策/句"], "fen": 20000000}]', code="law.json_malformed"
            )
        found.append(SharedSpend(frozenset(map(str, part["rules"])), _whole_fen(part.get("fen"))))
    return found


def _lines_of(place: PolicyRule, raw: object) -> dict[str, int] | None:
    """The spend of a rule by bill line: `{KEY: {LINE: fen}}`; None where the rule has none."""
    own = raw.get(place.key) if isinstance(raw, dict) else None
    return {str(line): _whole_fen(fen) for line, fen in own.items()} if isinstance(own, dict) else None


def _whole_fen(raw: object) -> int:
    """An amount of JSON in fen.

    Raises:
        LawError: no whole number, or below zero.
    """
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise LawError(f"{raw} 不是整数分", code="law.json_malformed")
    return raw


def _stack_file(places: list[PolicyRule], source: Path, target: Path, on: tuple[date, date], as_json: bool) -> None:
    from huisuan.law.sql.stack_file import stack_file

    policies = list({place.policy.name: place.policy for place in places}.values())
    wanted = {place.key for place in places}
    found = [layer for layer in rules_by_ground(policies) if wanted <= {place.key for place in layer.rules}]
    if not found:
        raise LawError(f"{'、'.join(sorted(wanted))} 不是对同一支出付款的规则", code="law.not_one_ground")
    layer = replace(found[0], rules=tuple(place for place in found[0].rules if place.key in wanted))
    done = stack_file(layer, source, target, on=on[0], as_known=on[1])
    rows = [
        {"rule": totals.place.key, "owed_fen": totals.owed_fen, "payable_fen": totals.payable_fen} for totals in done
    ]
    if as_json:
        print_json({"ground": layer.ground, "rules": rows, "output": str(target)})
        return
    shown = [
        {**row, "owed": yuan(totals.owed_fen), "payable": yuan(totals.payable_fen)}
        for row, totals in zip(rows, done, strict=True)
    ]
    print_table(
        f"{layer.ground} → {target}", shown, {"rule": "规则", "owed": "应享（元）", "payable": "可付（元）"}, ""
    )


def _as_json(found: CombinedAnswer) -> dict[str, Any]:
    by = [{"name": used.name, "option": used.value, "shown": used.shown} for used in found.questions]
    return {
        "ground": found.ground, "spent_fen": found.spent_fen, "payable_fen": found.payable_fen,
        "by": by[0] if by else None, "questions": by,
        "rules": [row.to_dict() for row in found.rows],
    }  # fmt: skip


def _print_combined(found: CombinedAnswer) -> None:
    rows = [
        {
            "rule": row.place.key, "title": row.place.rule.title, "status": STATUS_ZH[row.answer.status],
            "amount": "—" if row.answer.amount_fen is None else yuan(row.answer.amount_fen),
            "payable": "—" if row.payable_fen is None else yuan(row.payable_fen),
            "reason": row.reason.text if row.reason else "",
        }
        for row in found.rows
    ]  # fmt: skip
    columns = {"rule": "规则", "title": "内容", "status": "状态", "amount": "应享（元）", "payable": "可付（元）"}
    columns["reason"] = "说明"
    print_table(found.ground, rows, columns, "没有规则")
    for used in found.questions:
        out.print(f"叠加口径 {used.question}：{used.shown}（{used.authority}）", markup=False)
    spent = "" if found.spent_fen is None else f"，支出 {yuan(found.spent_fen)} 元"
    out.print(f"合计可付 {yuan(found.payable_fen)} 元{spent}")


def add_stacking_commands(app: typer.Typer) -> None:
    """Put the commands into the group `law`."""
    app.command("coverage")(coverage_)
    app.command("allot")(allot_)
    app.command("stack")(stack)
