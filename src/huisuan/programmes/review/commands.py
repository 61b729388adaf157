"""`huisuan experts`: the pool of experts and their ties; panels drawn from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, print_json, print_table

app = typer.Typer()

_EXPERT_COLUMNS = {
    "username": "用户名", "name": "姓名", "employer": "所在单位", "fields": "领域", "active": "在库",
    "active_from": "自", "active_until": "至（不含）",
}  # fmt: skip
_TIE_COLUMNS = {
    "username": "专家", "party_name": "单位", "party": "统一社会信用代码", "kind": "关系", "starts": "自",
    "ends": "至（不含）", "source": "来源",
}  # fmt: skip
_By = Annotated[str | None, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="文件", help="CSV：username,fields,active_from 等；- 为标准输入")],
    ties: Annotated[bool, typer.Option("--ties", help="文件是利害关系：username,party,kind,starts 等")] = False,
    by: _By = None,
    as_json: AsJson = False,
) -> None:
    """导入专家，或（--ties）专家与单位的利害关系；好的行留下，错的行说明。"""
    from huisuan.parties.cli.party_commands import read_file, show_report
    from huisuan.programmes.review.pool_import import import_experts, import_ties

    content, name = read_file(file)
    found = (import_ties if ties else import_experts)(content, name, by=_acting(by), now=datetime.now(UTC))
    show_report(found, as_json=as_json)


@app.command("list")
def list_(
    field: Annotated[str, typer.Option("--field", metavar="领域", help="只列这个领域的")] = "",
    as_json: AsJson = False,
) -> None:
    """列出专家库：谁、在哪里工作、懂什么、现在是否参加评审。"""
    from huisuan.programmes.review.pool_queries import list_experts

    rows = list_experts(datetime.now(SHANGHAI).date(), field)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "fields": "、".join(row["fields"])} for row in rows]
    print_table("专家库", shown, _EXPERT_COLUMNS, "没有专家：用 huisuan experts import 导入")


@app.command("ties")
def ties(
    username: Annotated[str, typer.Argument(metavar="用户名", help="哪位专家；不写则列全部")] = "",
    as_json: AsJson = False,
) -> None:
    """列出专家与单位的利害关系，新的在前。"""
    from huisuan.programmes.models import TieKind
    from huisuan.programmes.review.pool_queries import list_ties

    rows = list_ties(username)
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "kind": TieKind(row["kind"]).label} for row in rows]
    print_table("利害关系", shown, _TIE_COLUMNS, "没有登记：用 huisuan experts import --ties 导入")


def _acting(by: str | None) -> str:
    """The name under which an import is kept.

    Raises:
        NotFound: no active person of the province has it.
    """
    from huisuan.parties.models import Person, Role

    if by and not Person.objects.filter(username=by, role=Role.PROVINCE, is_active=True).exists():
        raise NotFound(f"--by {by}：没有这位省专班人员", code="person.unknown")
    return by or "本机命令行"
