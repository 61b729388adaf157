"""`huisuan contract`: plans, contracts with milestones, reports, checks on site, panels, acceptance, evaluation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_Milestone = Annotated[int, typer.Argument(metavar="MILESTONE", help="第几个节点", min=1)]
_File = Annotated[str, typer.Argument(metavar="FILE", help="JSON 文件，- 为标准输入")]
_Reason = Annotated[str, typer.Option("--reason", help="理由或意见")]
_MILESTONES = {
    "milestone": "节点", "title": "内容", "due_on": "日期", "amount_fen": "金额（分）", "report_until": "报告最晚",
    "accepted": "验收",
}  # fmt: skip
_DUE = {
    "number": "申报", "milestone": "节点", "title": "内容", "party": "承担单位", "due_on": "日期",
    "report_until": "报告最晚", "overdue": "",
}  # fmt: skip
_RUNNERS = {"number": "申报", "party": "承担单位", "score": "评分（百分之一分）", "rank": "名次", "falls_out": "落后"}


@app.command("show")
def show(number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一件申报的计划指标、合同、各节点的报告、核查和验收，同一任务的各家，项目评价。"""
    _print(number, by, as_json)


@app.command("plan")
def plan(number: _Number, file: _File, by: _By, as_json: AsJson = False) -> None:
    """申报单位提交计划指标（[{code, name, unit, figure, less_is_better}]），一次；合同不得低于它。"""
    from huisuan.programmes.contract_desk.planning import file_plan

    file_plan(number, _read(file), _person(by), datetime.now(UTC))
    _print(number, by, as_json)


@app.command("draw-up")
def draw_up(number: _Number, file: _File, by: _By, as_json: AsJson = False) -> None:
    """拟定合同（{code, signed_on, milestones: [{title, due_on, amount_fen 或 percent, targets}]}）。"""
    from huisuan.programmes.contract_desk.drawing_up import draw_up_contract

    draw_up_contract(number, _read(file), _person(by), datetime.now(UTC))
    _print(number, by, as_json)


@app.command("amend")
def amend(number: _Number, file: _File, by: _By, as_json: AsJson = False) -> None:
    """合同变更（{code, agreed_on, reason, targets: [{milestone, code, figure}]}），限未验收的节点，原数值留存。"""
    from huisuan.programmes.contract_desk.amending import amend_contract

    amend_contract(number, _read(file), _person(by), datetime.now(UTC))
    _print(number, by, as_json)


@app.command("report")
def report(
    number: _Number,
    milestone: _Milestone,
    by: _By,
    text: Annotated[str, typer.Option("--text", help="报告")],
    reached: Annotated[list[str] | None, typer.Option("--reached", metavar="CODE=FIGURE", help="指标的结果")] = None,
    as_json: AsJson = False,
) -> None:
    """承担单位报告一个节点，逐项写明指标的结果。"""
    from huisuan.programmes.contract_desk.reporting import file_report

    pairs = [each.partition("=") for each in reached or []]
    file_report(
        number, milestone, text, {code.strip(): figure for code, _, figure in pairs}, _person(by), datetime.now(UTC)
    )
    _print(number, by, as_json)


@app.command("check-site")
def check_site(
    number: _Number,
    milestone: _Milestone,
    by: _By,
    day: Annotated[datetime, typer.Option("--on", help="哪天", formats=["%Y-%m-%d"])],
    pair: Annotated[tuple[str, str], typer.Option("--who", metavar="USERNAME USERNAME", help="哪两个人")],
    text: Annotated[str, typer.Option("--text", help="看到了什么")],
    differs: Annotated[bool, typer.Option("--differs", help="与报告不符")] = False,
    as_json: AsJson = False,
) -> None:
    """登记一次现场核查：须是两个人，都不属于承担单位，也没有利害关系；另一人确认之后才算数。"""
    from huisuan.programmes.contract_desk.site_checks import record_site_check

    record_site_check(number, milestone, day.date(), pair, text, _person(by), datetime.now(UTC), holds=not differs)
    _print(number, by, as_json)


@app.command("confirm-site")
def confirm_site(
    number: _Number,
    check: Annotated[int, typer.Argument(metavar="CHECK", help="哪次核查，编号见 contract show 的 site_checks")],
    by: _By,
    differs: Annotated[str, typer.Option("--differs", metavar="TEXT", help="看到的与登记的不同：不同在哪里")] = "",
    as_json: AsJson = False,
) -> None:
    """到场的另一人确认一次现场核查；写 --differs 的，这次核查不算数，留在记录上。"""
    from huisuan.programmes.contract_desk.site_checks import confirm_site_check

    confirm_site_check(number, check, _person(by), datetime.now(UTC), agrees=not differs, text=differs)
    _print(number, by, as_json)


@app.command("draw")
def draw(
    number: _Number,
    milestone: _Milestone,
    by: _By,
    seed: Annotated[str, typer.Option("--seed", help="申报通知承诺过的种子，只作核对；结果由截止时收到的申报定")] = "",
    as_json: AsJson = False,
) -> None:
    """抽取一个节点的验收专家，办法同评审抽签，同一种子得同一结果。"""
    from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel

    draw_acceptance_panel(number, milestone, seed, _person(by), datetime.now(UTC))
    _print(number, by, as_json)


@app.command("vote")
def vote(
    number: _Number,
    milestone: _Milestone,
    by: _By,
    score: Annotated[int, typer.Option("--score", min=0, max=100, help="评分")],
    reason: _Reason,
    refuse: Annotated[bool, typer.Option("--refuse", help="不同意通过")] = False,
    as_json: AsJson = False,
) -> None:
    """验收专家投票，一次；投票时再查一次利害关系。"""
    from huisuan.programmes.contract_desk.panel import vote_on_milestone

    vote_on_milestone(number, milestone, not refuse, score, reason, _person(by), datetime.now(UTC))
    _done({"number": number, "milestone": milestone, "accepts": not refuse, "score": score}, "已投票", as_json)


@app.command("leave")
def leave(
    number: _Number,
    milestone: _Milestone,
    expert: Annotated[str, typer.Argument(metavar="EXPERT", help="专家的用户名")],
    by: _By,
    reason: _Reason,
    as_json: AsJson = False,
) -> None:
    """验收专家回避：由候补依次递补。"""
    from huisuan.programmes.contract_desk.panel import leave_acceptance_seat

    leave_acceptance_seat(number, milestone, expert, reason, _person(by), datetime.now(UTC))
    _print(number, by, as_json)


@app.command("accept")
def accept(
    number: _Number,
    milestone: _Milestone,
    by: _By,
    reason: _Reason,
    score: Annotated[int | None, typer.Option("--score", min=0, max=100, help="评分；由专家组投票的不写")] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="不通过；由专家组投票的不写")] = False,
    as_json: AsJson = False,
) -> None:
    """验收一个节点：由签订合同的单位写明，或按专家组的投票；通过后才能付该节点的资金。"""
    from huisuan.programmes.contract_desk.accepting import decide_milestone

    said = None if score is None and not refuse else not refuse
    decide_milestone(number, milestone, reason, _person(by), datetime.now(UTC), accepted=said, score=score)
    _print(number, by, as_json)


@app.command("evaluate")
def evaluate(
    number: _Number,
    by: _By,
    score: Annotated[int, typer.Option("--score", min=0, max=100, help="评分")],
    reason: _Reason,
    final_cost_fen: Annotated[
        int | None, typer.Option("--final-cost-fen", min=0, help="结题审计的实际研发费用（分），程序要求时写")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """项目评价：跟踪中评一次；低于合格分的，该单位下次申报核对时看得到。结题审计的实际费用同时登记，多付的收回。"""
    from huisuan.programmes.contract_desk.accepting import evaluate_project

    evaluate_project(number, score, reason, _person(by), datetime.now(UTC), final_cost_fen=final_cost_fen)
    _print(number, by, as_json)


@app.command("due")
def due(
    by: _By,
    soon: Annotated[bool, typer.Option("--soon", help="只看已到提醒日或逾期的")] = False,
    as_json: AsJson = False,
) -> None:
    """还没有验收的节点：哪天到期，报告最晚哪天，是否逾期。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.contract_desk.reporting import milestones_due

    now = datetime.now(UTC)
    rows = [one.to_dict() for one in milestones_due(Viewer.for_person(_person(by)), now, soon_only=soon)]
    if as_json:
        print_json(rows)
        return
    print_table("节点", [row | {"overdue": "逾期" if row["overdue"] else ""} for row in rows], _DUE, "没有等着的节点")


def _person(by: str) -> Any:
    from huisuan.programmes.people import find_person

    return find_person(by)


def _read(file: str) -> object:
    from huisuan.parties.cli.party_commands import read_file

    content, name = read_file(file)
    try:
        return json.loads(content)
    except ValueError as wrong:
        raise InvalidRequest(f"{name}：不是 JSON（{wrong}）", code="contract.file_not_json") from None


def _print(number: str, by: str, as_json: bool) -> None:
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.contract_desk.queries import describe_contract

    found = describe_contract(Viewer.for_person(_person(by)), number, datetime.now(UTC))
    if as_json:
        print_json(found)
        return
    signed = found["contract"]
    out.print(f"{number}　{'合同 ' + signed['code'] if signed else '还没有合同'}", markup=False)
    for row in found["amendments"]:
        changed = "、".join(
            f"第 {each['milestone']} 个节点 {each['code']} {each['before']} → {each['figure']} {each['unit']}"
            for each in row["targets"]
        )
        out.print(f"变更 {row['code']}（{row['agreed_on']}）：{changed}；{row['reason']}", markup=False)
    rows = [row | {"accepted": "已验收" if row["accepted"] else ""} for row in found["milestones"]]
    print_table("节点", rows, _MILESTONES, "还没有节点")
    if found["runners"]:
        rows = [row | {"falls_out": "落后" if row["falls_out"] else ""} for row in found["runners"]]
        print_table("同一任务", rows, _RUNNERS, "没有别家")


def _done(found: dict[str, Any], said: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    out.print(said, markup=False)
