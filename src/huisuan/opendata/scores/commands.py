"""`huisuan data score`: how open each department and city is, by which formula."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

_COLUMNS = {"rank": "名次", "office": "单位", "score": "得分", "range": "名次区间", "failing": "未达到"}


def score(
    office: Annotated[str, typer.Option("--office", metavar="词", help="只看一个单位或市，逐条列出未达到的条目")] = "",
    departments: Annotated[bool, typer.Option("--departments", help="排部门，不排市")] = False,
    formula: Annotated[Path | None, typer.Option("--formula", help="公式文件（TOML）；不写用建议的分值")] = None,
    as_json: AsJson = False,
) -> None:
    """给各市各部门的开放程度打分：逐条是或否，公式公开，每条都能看到是哪些条目没有达到。"""
    from huisuan.base.errors import Unavailable
    from huisuan.opendata.scores.formula import load_formula
    from huisuan.opendata.scores.queries import freeze_openness

    try:
        chosen = load_formula(formula)
    except OSError as error:
        raise Unavailable(f"读不了 {formula}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
    frozen = freeze_openness(chosen, datetime.now(UTC))
    if as_json:
        print_json(frozen)
        return
    regions, texts = frozen["regions"], {one["code"]: one["text"] for one in frozen["formula"]["criteria"]}
    ranked = frozen["cities"] + frozen["departments"] if office else frozen["departments" if departments else "cities"]
    rows = [row for row in (_row(one, regions) for one in ranked) if office in row["office"]]
    print_table("开放程度", rows, _COLUMNS, "目录里还没有条目：先用 huisuan data import 导入")
    if office:
        for row in rows:
            for code, by in row["by"].items():
                out.print(f"{row['office']}：未达到“{texts[code]}”：{'、'.join(by) or '没有条目'}", markup=False)
    note(f"公式依据：{frozen['formula']['authority']}")


def _row(one: dict[str, Any], regions: dict[str, str]) -> dict[str, Any]:
    name = regions.get(one["region"], one["region"])
    return {
        "rank": one["rank"], "office": f"{name} {one['department']}".strip(), "score": one["score"],
        "range": f"{one['best_rank']}–{one['worst_rank']}", "failing": len(one["failing"]), "by": one["failing"],
    }  # fmt: skip
