"""`huisuan settle` and `huisuan trace`: from usage to entitlement, and all the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import Conflict, NotFound
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

app = typer.Typer()

_PROVINCE = "省专班（本机命令行）"


@app.command()
def run(
    year: Annotated[int, typer.Option("--year", help="结算哪一年的用量")],
    policy: Annotated[str, typer.Option("--policy", help="按哪个政策；不写则当年有效的全部")] = "",
    rule: Annotated[str, typer.Option("--rule", help="按哪一句；不写则该政策中平台可自行结算的全部")] = "",
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天已知的参数", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """结算一年：用量 → 账单 → 应享金额；为同一支出付款的各条一并结算。输入没有变化时不重复结算。"""
    from huisuan.settlement.runs.queries import run_to_dict
    from huisuan.settlement.runs.settle import settle_year

    day = as_known.date() if as_known else None
    with progress(f"结算 {year} 年", None):
        results = settle_year(year, now=datetime.now(UTC), by=_PROVINCE, policy=policy, rule=rule, as_known=day)
    if as_json:
        runs = [
            {**run_to_dict(made.run), "new": made.new, "entitlements": _entitlements(made.run.pk)} for made in results
        ]
        print_json({**runs[-1], "runs": runs})
        return
    for made in results:
        if not made.new:
            note(f"用量、价目、关系与法律自第 {made.run.pk} 次结算以来没有变化；沿用该次结果")
        show_run(made.run.pk)


@app.command()
def show(
    number: Annotated[int | None, typer.Argument(metavar="[RUN]", help="第几次结算；不写则最近一次")] = None,
    as_json: AsJson = False,
) -> None:
    """查看一次结算及其各方应享金额。"""
    from huisuan.settlement.models import SettlementRun
    from huisuan.settlement.runs.queries import run_to_dict

    found = SettlementRun.objects.filter(pk=number) if number is not None else SettlementRun.objects.all()
    made = found.first()
    if made is None:
        raise NotFound(
            "还没有结算：请先 huisuan settle run --year 年份" if number is None else f"没有第 {number} 次结算",
            code="settlement.unknown",
        )
    if as_json:
        print_json({**run_to_dict(made), "entitlements": _entitlements(made.pk)})
        return
    show_run(made.pk)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出各次结算。"""
    from huisuan.settlement.models import SettlementRun
    from huisuan.settlement.runs.queries import run_to_dict

    rows = [run_to_dict(made) for made in SettlementRun.objects.all()]
    if as_json:
        print_json(rows)
        return
    columns = {
        "id": "次", "year": "年", "policy": "政策", "records": "用量记录", "amount_fen": "应享合计（元）",
        "payable_fen": "可付合计（元）",
    }  # fmt: skip
    shown = [{**row, "year": str(row["year"])} for row in rows]
    print_table("结算", shown, {**columns, "made_at": "时间"}, "还没有结算：huisuan settle run --year 年份")


@app.command()
def requests(as_json: AsJson = False) -> None:
    """列出经接口提出、由后台进行的结算：状态，没有完成的原因。"""
    from huisuan.base.db.background_work import WorkState
    from huisuan.settlement.models import SettlementRequest
    from huisuan.settlement.runs.requests import request_to_dict

    rows = [request_to_dict(request) for request in SettlementRequest.objects.all()]
    if as_json:
        print_json(rows)
        return
    columns = {
        "task": "号", "year": "年", "policy": "政策", "state": "状态", "attempts": "开始次数", "run": "结算",
        "requested_by": "提出人", "requested_at": "提出时间", "reason": "原因",
    }  # fmt: skip
    shown = [{**row, "year": str(row["year"]), "state": WorkState(row["state"]).label} for row in rows]
    print_table("提出的结算", shown, columns, "没有经接口提出过结算（POST /api/v1/settlements）")


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(metavar="REQUEST", help="提出号，见 huisuan settle requests")],
    as_json: AsJson = False,
) -> None:
    """取消一次后台结算：排队的立即取消，进行中的在下一步之前停下；什么都不写入，现行结果不变。"""
    from huisuan.settlement.runs.requests import cancel_request, request_to_dict

    cancelled = cancel_request(number, _PROVINCE, datetime.now(UTC))
    if as_json:
        print_json(request_to_dict(cancelled))
    else:
        note(cancelled.reason or "已请求取消：在下一步之前停下")


def trace(
    entitlement: Annotated[str, typer.Argument(metavar="ENTITLEMENT", help="应享编号，如 E12")],
    records: Annotated[int, typer.Option(help="每个账单行展示几条用量记录", min=0)] = 3,
    as_json: AsJson = False,
) -> None:
    """从一笔应享金额追到法条、账单、用量记录与原始行，并逐级核对。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.settlement.models import Entitlement
    from huisuan.settlement.runs.queries import get_entitlement
    from huisuan.settlement.runs.trace import trace_entitlement as follow

    number = entitlement.upper().removeprefix("E")
    try:
        owed = get_entitlement(Viewer(role="province", name=_PROVINCE), int(number))
    except (ValueError, Entitlement.DoesNotExist):
        raise NotFound(f"没有应享 {entitlement}；编号见 huisuan settle show", code="entitlement.unknown") from None
    tree = follow(owed, records_per_line=records)
    if as_json:
        print_json(tree)
    else:
        print_trace(tree)
    if not all(tree["checks"].values()):
        raise Conflict(
            "核对不符：" + "、".join(CHECKS[name] for name, held in tree["checks"].items() if not held),
            code="settlement.trace_differs",
        )


CHECKS = {
    "two_readings_agree": "逐句解释与 SQL 结果一致", "law_unchanged": "政策文本与参数未变",
    "bills_add_up_to_spend": "账单合计等于算力总支出", "records_add_up_to_lines": "用量记录合计等于账单行",
    "raw_lines_intact": "原始行与记录的哈希一致",
}  # fmt: skip


def print_trace(tree: dict[str, Any]) -> None:
    """Show a trace as a tree: one path opened down to the raw line, the rest summed up."""
    from rich.markup import escape
    from rich.tree import Tree

    owed, answer = tree["entitlement"], tree["answer"]
    root = Tree(
        f"[bold]{owed['id']}　{owed['name']}　{owed['year']}　应享 {yuan(owed['amount_fen'])} 元[/]（{owed['status']}）"
    )
    law = root.add(f"法　{owed['policy']} 第 {owed['sentence']} 句（{answer['on']}）")
    for step in answer["steps"]:
        law.add(escape(f"{step['text']}　{step['sentence']}“{step['phrase']}”"))
    spent = root.add(f"账单　{len(tree['bills'])} 张，合计 {yuan(sum(b['amount_fen'] for b in tree['bills']))} 元")
    opened: dict[str, Any] | None = max(tree["bills"], key=_amount, default=None)
    for bill in tree["bills"]:
        excluded = f"，其中自建自用 {yuan(bill['excluded_fen'])} 元" if bill["excluded_fen"] else ""
        hours = f"{bill['card_seconds'] // 3600:,} 卡时"
        node = spent.add(f"{bill['month']}　{bill['centre']}　{hours}　{yuan(bill['amount_fen'])} 元{excluded}")
        if opened is not None and bill is opened:
            for line in bill["lines"]:
                _add_line(node, line)
    checked = root.add("核对")
    for name, held in tree["checks"].items():
        checked.add(f"{'✓' if held else '✗'} {CHECKS[name]}")
    out.print(root, soft_wrap=False)


def _amount(bill: dict[str, Any]) -> int:
    return int(bill["amount_fen"])


def _add_line(node: Any, line: dict[str, Any]) -> None:
    from rich.markup import escape

    why = f"　不计：{line['excluded_because']}" if line["excluded_because"] else ""
    shown = node.add(
        f"{line['model']}　{line['card_seconds']:,} 卡秒 × {yuan(line['fen_per_card_hour'])} 元/卡时"
        f"　{line['records']:,} 条用量记录{why}"
    )
    for record in line["records_shown"]:
        leaf = shown.add(
            f"记录 {record['record']}　作业 {escape(record['job_id'])} 第 {record['run']} 次　{record['cards']} 卡"
            f"　{record['card_seconds_in_line']:,} 卡秒　{record['state']}"
        )
        raw = record["raw"]
        leaf.add(escape(f"{raw['file']} 行 {raw['line']}：{raw['text']}"))
        leaf.add(f"sha256 {raw['sha256']}")


def _entitlements(run_id: int) -> list[dict[str, Any]]:
    from huisuan.settlement.models import Entitlement
    from huisuan.settlement.runs.queries import entitlement_to_dict

    found = Entitlement.objects.filter(run_id=run_id).select_related("party", "run")
    return [entitlement_to_dict(owed) for owed in found]


def show_run(run_id: int) -> None:
    """Print a run: what each party is owed, and the sums."""
    from huisuan.law.model import STATUS_ZH, Status
    from huisuan.settlement.models import SettlementRun
    from huisuan.settlement.runs.queries import money_facts

    made = SettlementRun.objects.get(pk=run_id)
    money = money_facts(made)
    owed = _entitlements(run_id)
    rows = [
        {
            "id": row["id"], "name": row["name"], **{f"fact-{name}_fen": row["facts"].get(name) for name in money},
            "status": STATUS_ZH[Status(row["status"])], "amount_fen": row["amount_fen"],
            "payable_fen": row["payable_fen"], "reasons": "；".join(row["reasons"]),
        }
        for row in owed
    ]  # fmt: skip
    stacked = any(row["payable_fen"] != row["amount_fen"] for row in owed)
    columns = {
        "id": "编号", "name": "主体", **{f"fact-{name}_fen": f"{label}（元）" for name, label in money.items()},
        "status": "结论", "amount_fen": "应享（元）", **({"payable_fen": "可付（元）"} if stacked else {}),
        "reasons": "原因",
    }  # fmt: skip
    title = f"第 {made.pk} 次结算　{made.year} 年　{made.policy} 第 {made.sentence} 句"
    print_table(title, rows, columns, "这一年没有任何主体的用量；先 huisuan usage import")
    if made.seals:
        roots = "、".join(f"{seal['centre']} {seal['month']}（{seal['root'][:12]}…）" for seal in made.seals)
        note(f"所据封账月 {len(made.seals)} 个：{roots}")
    out.print(
        f"用量记录 {made.records:,} 条，{made.card_seconds // 3600:,} 卡时"
        f"（未认领 {made.unclaimed_card_seconds // 3600:,} 卡时）；应享合计 [bold]{yuan(made.amount_fen)}[/] 元"
        + (f"，其中可付 [bold]{yuan(made.payable_fen)}[/] 元" if made.payable_fen != made.amount_fen else "")
    )
