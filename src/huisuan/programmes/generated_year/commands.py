"""`huisuan programme generate`: a whole year of invented programmes, to try the platform at the size of a province."""

from __future__ import annotations

from typing import Annotated

import typer

from huisuan.terminal import AsJson, out, print_json, print_table, progress


def generate(
    context: typer.Context,
    seed: Annotated[int, typer.Option("--seed", help="随机种子：同一种子生成同一年度")] = 1,
    parties: Annotated[int, typer.Option("--parties", help="多少家单位")] = 500,
    applications: Annotated[int, typer.Option("--applications", help="多少件申报")] = 3000,
    year: Annotated[int, typer.Option("--year", help="哪个年度")] = 2024,
    policy: Annotated[str, typer.Option("--policy", metavar="POLICY", help="哪个政策；不写为第一个有程序的")] = "",
    as_json: AsJson = False,
) -> None:
    """生成一个虚构的年度：通知、申报、退回、抽签评分、公示异议、决定、拨付退票、追回，有的故意出错；再对账、按法条重算。"""
    context.obj()  # models are imported only now

    from huisuan.law.policy import load_installed, load_policy
    from huisuan.programmes.generated_year.generate import count_states, make_year
    from huisuan.programmes.generated_year.proof import prove_awards
    from huisuan.programmes.generated_year.year_plan import YearPlan
    from huisuan.treasury.check import prove

    law = load_policy(policy) if policy else next(law for law in load_installed()[0] if law.programmes)
    plan = YearPlan(seed, parties, applications, year)
    with progress("生成", None) as bar:
        task = bar.task_ids[0]
        made = make_year(law, plan, lambda title, at, of: bar.update(task, description=title, completed=at, total=of))
    books, awards = prove(), prove_awards(law, year)
    wrong = [one.number for one in awards if not one.holds]
    found = made.to_dict() | {
        "states": count_states(law, year), "books_hold": books.holds, "entries": books.entries,
        "awards": len(awards), "awards_unlike_the_law": wrong,
    }  # fmt: skip
    if as_json:
        print_json(found)
    else:
        rows = [{"code": code, "count": number} for code, number in found["refused"].items()]
        print_table("途中被拒绝的", rows, {"code": "原因", "count": "次数"}, "没有")
        rows = [{"code": code, "count": number} for code, number in found["states"].items()]
        print_table("现在的状态", rows, {"code": "状态", "count": "件数"}, "没有申报")
        balance = "账平" if books.holds else "账不平"
        out.print(f"{balance}，{books.entries} 笔分录", markup=False)
        out.print(
            f"{len(awards)} 笔批准金额按法条重算，{len(wrong)} 笔不符：{'、'.join(wrong[:20]) or '无'}", markup=False
        )
    if wrong or not books.holds:
        raise typer.Exit(1)
