"""`huisuan settings`: propose settings, see what they change for whom, adopt or withdraw them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

if TYPE_CHECKING:
    from huisuan.settlement.adoption.services import ProposalActor
    from huisuan.settlement.models import SettingsProposal

app = typer.Typer()

OPERATOR = "省专班（本机命令行）"
_SHOWN = 20  # parties on the screen; --json has all
_ProposalNumber = Annotated[int, typer.Argument(metavar="N", help="提案编号，见 huisuan settings list")]
By = Annotated[str | None, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义（默认为本机命令行）")]


@app.command()
def propose(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="政策，如 anhui-agi-2023")],
    file: Annotated[
        str,
        typer.Option("--file", metavar="F.toml", help="与政策 settings/*.toml 同样格式，不写 known_from；- 为标准输入"),
    ],
    title: Annotated[str, typer.Option("--title", help="标题；不写则由所改的参数拟")] = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """提出一组参数与解释口径：在法定上限之内，写明确定机关、文件与自哪天起。"""
    from huisuan.settlement.adoption.proposed_settings import get_policy, parse_draft
    from huisuan.settlement.adoption.queries import proposal_to_dict
    from huisuan.settlement.adoption.services import propose_settings as record

    draft = parse_draft(get_policy(policy), "标准输入" if file == "-" else Path(file).name, _text(file), title.strip())
    made = record(policy, draft, _actor(by), datetime.now(UTC))
    foreseen = _warn(made, _actor(by).name, as_json)
    if as_json:
        print_json({**proposal_to_dict(made), "reaches": foreseen})
        return
    until = f"至 {made.valid_to} 止" if made.valid_to else "起"
    out.print(f"提案 {made.pk}：{made.title}，自 {made.valid_from} {until}", markup=False)
    out.print(f"比较：huisuan settings compare {made.pk} --year 年份；采用须由另一人：huisuan settings adopt {made.pk}")


@app.command("list")
def list_(policy: Annotated[str, typer.Option("--policy", help="只看一个政策")] = "", as_json: AsJson = False) -> None:
    """列出提案：待采用的、已采用的、已撤回的。"""
    from huisuan.settlement.adoption.queries import STATE_ZH, list_proposals, proposal_to_dict

    rows = [proposal_to_dict(proposal) for proposal in list_proposals(policy)]
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "state": STATE_ZH[row["state"]], "valid_from": str(row["valid_from"])} for row in rows]
    columns = {
        "id": "提案", "policy": "政策", "title": "标题", "state": "状态", "valid_from": "自", "proposed_by": "提出人",
        "ended_by": "采用或撤回人",
    }  # fmt: skip
    print_table("提案", shown, columns, "还没有提案：huisuan settings propose POLICY --file F.toml")


@app.command()
def show(number: _ProposalNumber, as_json: AsJson = False) -> None:
    """查看一个提案：它改什么，由谁提出，结果如何。"""
    from huisuan.settlement.adoption.queries import STATE_ZH, get_proposal, proposal_to_dict

    row = proposal_to_dict(get_proposal(number))
    if as_json:
        print_json(row)
        return
    shown = {**row, "state": STATE_ZH[row["state"]], "valid_from": str(row["valid_from"])}
    columns = {
        "id": "提案", "policy": "政策", "title": "标题", "state": "状态", "authority": "确定机关", "document": "文件",
        "valid_from": "自", "valid_to": "至", "known_from": "公布", "proposed_by": "提出人", "proposed_at": "提出",
        "ended_by": "采用或撤回人", "ended_at": "时间", "file": "参数文件",
    }  # fmt: skip
    for key, heading in columns.items():
        if shown[key]:
            out.print(f"{heading}　{_shown(shown[key])}", markup=False)
    out.print("")
    out.print(row["values"], markup=False)


@app.command()
def compare(
    number: _ProposalNumber,
    year: Annotated[int, typer.Option("--year", help="与哪一年结算的事实比较")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """谁会有什么变化：以该年结算的事实，按现行参数与提案各算一遍。"""
    from huisuan.settlement.adoption.queries import comparison_to_dict, get_proposal
    from huisuan.settlement.impact.compare import compare_year

    asked = get_proposal(number)
    with progress(f"比较 {year} 年", None):
        made = compare_year(asked, year, _actor(by).name, datetime.now(UTC))
    done = comparison_to_dict(made)
    if as_json:
        print_json(done)
        return
    out.print(f"[bold]提案 {number}　{made.run.year} 年第 {made.run.sentence} 句[/]（第 {made.run_id} 次结算的事实）")
    if made.metered_again:
        note("两边都从现在的用量与登记重新取数：与采用后再结算一次相同")
    out.print(
        f"{made.get_amount_display()}合计 {yuan(made.before_fen)} → {yuan(made.after_fen)} 元"
        f"（{_signed(made.difference_fen)}）；"
        f"增加 {made.winners:,} 家共 {yuan(made.won_fen)} 元，减少 {made.losers:,} 家共 {yuan(made.lost_fen)} 元"
    )
    _print_lines(done["lines"])


@app.command()
def adopt(number: _ProposalNumber, by: By = None, as_json: AsJson = False) -> None:
    """采用提案：自今日起（今日已按今日所知结算过的，自明日起）为人所知；提出人不能采用自己的提案。"""
    from huisuan.settlement.adoption.queries import get_proposal, proposal_to_dict
    from huisuan.settlement.adoption.services import adopt_proposal as decide

    foreseen = _warn(get_proposal(number), _actor(by).name, as_json)
    end = decide(number, _actor(by), datetime.now(UTC))
    if as_json:
        print_json({**proposal_to_dict(get_proposal(number)), "reaches": foreseen})
        return
    out.print(f"已采用提案 {number}：{end.file}，{end.known_from} 公布，自 {end.proposal.valid_from} 起", markup=False)


@app.command()
def withdraw(number: _ProposalNumber, by: By = None, as_json: AsJson = False) -> None:
    """撤回一个还没有采用的提案。"""
    from huisuan.settlement.adoption.queries import get_proposal, proposal_to_dict
    from huisuan.settlement.adoption.services import withdraw_proposal as decide

    decide(number, _actor(by), datetime.now(UTC))
    if as_json:
        print_json(proposal_to_dict(get_proposal(number)))
        return
    out.print(f"已撤回提案 {number}")


def _warn(proposal: SettingsProposal, by: str, as_json: bool) -> list[dict[str, Any]]:
    """Say into which settled days a proposal reaches and whose result it changes; over which decisions it prevails."""
    from huisuan.settlement.adoption.queries import PROPOSED, proposal_state
    from huisuan.settlement.impact.settled_days import foresee, overruled

    if proposal_state(proposal) != PROPOSED:
        return []
    for adopted in overruled(proposal):
        ground = adopted.document or adopted.authority
        note(
            f"注意：{adopted.name} 另有 {adopted.file}（{ground}）自 {adopted.valid_from} 起；"
            "采用后以本提案为准，不是此意请写 valid_to"
        )
    found = foresee(proposal, by, datetime.now(UTC))
    for year in found:
        note(f"注意：{year.text}")
    return [year.to_dict() for year in found] if as_json else []


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"读不了 {file}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{file}：不是 UTF-8 文本；请另存为 UTF-8", code="file.not_utf8") from None


def _actor(by: str | None) -> ProposalActor:
    """Who acts: the person named, who must be of the province, or the operator of this machine."""
    from huisuan.parties.models import Person, Role
    from huisuan.settlement.adoption.services import ProposalActor
    from huisuan.settlement.models import Through

    if by is None:
        return ProposalActor(OPERATOR, Through.COMMAND)
    person = Person.objects.filter(username=by, role=Role.PROVINCE, is_active=True).first()
    if person is None:
        raise NotFound(f"--by {by}：没有这位省专班人员", code="person.unknown")
    return ProposalActor(person.username, Through.COMMAND)


def _print_lines(lines: list[dict[str, Any]]) -> None:
    changed = sorted((line for line in lines if line["difference_fen"]), key=_size, reverse=True)
    rows = [{**line, "difference": _signed(line["difference_fen"])} for line in changed[:_SHOWN]]
    columns = {
        "party": "统一社会信用代码", "name": "主体", "before_fen": "现行（元）", "after_fen": "采用后（元）",
        "difference": "变化（元）",
    }  # fmt: skip
    print_table("变化最大的主体", rows, columns, "谁的应享都没有变化")
    if len(changed) > _SHOWN:
        note(f"…… 另有 {len(changed) - _SHOWN} 家，用 --json 查看全部")


def _size(line: dict[str, Any]) -> int:
    return abs(int(line["difference_fen"]))


def _signed(fen: int) -> str:
    return f"{'+' if fen > 0 else ''}{yuan(fen)}"


def _shown(value: Any) -> str:
    from huisuan.base.months import SHANGHAI

    return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
