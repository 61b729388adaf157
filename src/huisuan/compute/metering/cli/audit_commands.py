"""`huisuan audit`: what an auditor draws from the sealed meter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import Unavailable
from huisuan.terminal import AsJson, note, print_json, print_table

app = typer.Typer()
_STRATA = {
    "stratum": "层", "records": "记录", "card_seconds": "卡秒", "amount_fen": "按价目（元）", "taken": "抽取",
}  # fmt: skip


@app.callback()
def _audit() -> None:
    """审计：从封过账的记录里抽查。"""


@app.command()
def sample(
    seed: Annotated[str, typer.Option("--seed", help="种子：封账之后才定、大家都看得到的，如开奖号码")],
    size: Annotated[int, typer.Option("--size", help="抽几条")] = 50,
    by: Annotated[str, typer.Option("--by", help="按什么分层：centre、party、amount")] = "centre",
    year: Annotated[int | None, typer.Option("--year", help="只从这一年的封账月里抽")] = None,
    month: Annotated[str | None, typer.Option("--month", help="只从这个封账月里抽，如 2024-03")] = None,
    centre: Annotated[str | None, typer.Option("--centre", help="只从这个中心抽（代码）")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="样本写到这个文件（JSON，供核对）")] = None,
    as_json: AsJson = False,
) -> None:
    """抽样：种子和记录的叶决定抽到谁，同样的种子永远抽到同样的记录；每条附默克尔证明和原始行。

    核对：huisuan meter verify 样本文件 --platform-key 公钥（不需要平台和数据库）。
    """
    from huisuan.base.months import Month
    from huisuan.compute.metering.exports.audit_sample import SampleRequest, draw_sample

    wanted = SampleRequest(seed, size, by, year, Month.parse(month) if month else None, centre)
    document = draw_sample(wanted, datetime.now(UTC))
    if output is not None:
        try:
            output.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"写不了 {output}：{error.strerror}；请检查路径与权限", code="file.unwritable") from None
    if as_json:
        print_json(document)
        return
    rows = [{"stratum": name, **stratum} for name, stratum in document["strata"].items()]
    print_table(f"种子 {seed}：抽取 {document['size']} 条", rows, _STRATA, "")
    if output is None:
        note("没有写文件：加 --output 文件名 得到带证明的样本")
