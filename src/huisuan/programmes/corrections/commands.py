"""`huisuan award outdated|rebase|recover|relent`, `huisuan treasury debts|receive`: amounts that turn out others."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import parse_typed_yuan, yuan
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号，如 A2024-000001")]
_Reason = Annotated[str, typer.Option("--reason", help="理由")]
_WORDS = {
    "offer": "重定（未批准）", "award": "重定（未付清）", "supplement": "补发", "recovery": "追回", "later": "追回中",
}  # fmt: skip
_OUTDATED = {
    "number": "编号", "correction": "怎样办", "stands_fen": "现行（元）", "owed_fen": "应得（元）", "paid_fen": "已付",
    "use": "有变的用量行", "law_changed": "参数有变",
}  # fmt: skip
_DEBTS = {
    "debt": "追回", "party": "单位", "amount_fen": "须退（元）", "left_fen": "未退（元）", "overdue_fen": "逾期（元）",
    "reason": "理由",
}  # fmt: skip


def outdated(by: _By, as_json: AsJson = False) -> None:
    """金额与最新一次结算不同的：怎样办，由哪些用量和事实引起。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.corrections.outdated import list_outdated, outdated_to_dict
    from huisuan.programmes.people import find_person

    rows = [outdated_to_dict(one) for one in list_outdated(Viewer.for_person(find_person(by)))]
    if as_json:
        print_json(rows)
        return
    shown = [
        _in_yuan(row)
        | {
            "correction": _WORDS[row["correction"]], "use": len(row["use"]),
            "law_changed": "是" if row["law_changed"] else "",
        }
        for row in rows
    ]  # fmt: skip
    print_table("与最新结算不同", shown, _OUTDATED, "没有不同的")


def rebase(number: _Number, by: _By, reason: _Reason, as_json: AsJson = False) -> None:
    """按最新一次结算重定：未批准的改提出，未付清的改批准，付清而少付的另提补发。"""
    from huisuan.programmes.corrections.rebasing import rebase as do_rebase
    from huisuan.programmes.people import find_person

    done = do_rebase(number, reason, find_person(by), datetime.now(UTC))
    if as_json:
        print_json({
            "number": done.application.number, "correction": done.correction.value, "before_fen": done.before_fen,
            "amount_fen": done.amount_fen,
        })  # fmt: skip
        return
    words = f"{done.application.number}：{_WORDS[done.correction.value]}"
    out.print(f"{words}，原 {yuan(done.before_fen)} 元，此件现为 {yuan(done.amount_fen)} 元", markup=False)


def recover(
    number: _Number,
    by: _By,
    reason: _Reason,
    owed: Annotated[str, typer.Option("--owed", help="更正后应得，以元计；平台能核算的不写")] = "",
    facts: Annotated[str, typer.Option("--facts", help="更正的事实，JSON 文件：事实名 → 文字；- 为标准输入")] = "",
    repay: Annotated[list[str] | None, typer.Option("--repay", help="分期退款，如 1000.00@2026-12-31，可几个")] = None,
    as_json: AsJson = False,
) -> None:
    """启动追回：已付减应得，分毫不差；通知为欠款，未付的解除。"""
    from huisuan.programmes.awards.recovering import debts_of
    from huisuan.programmes.corrections.receipts import debt_to_dict
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow import act

    payload = _corrected(owed, facts)
    payload |= {"repayments": [_repayment(each) for each in repay]} if repay else {}
    now = datetime.now(UTC)
    step = act(number, "recover", find_person(by), now, reason=reason, payload=payload)
    day = now.astimezone(SHANGHAI).date()
    rows = [debt_to_dict(debt, day) for debt in debts_of([step.application]).get(step.application_id, [])]
    _show_debts(rows, as_json)


def relent(
    number: _Number,
    by: _By,
    reason: _Reason,
    owed: Annotated[str, typer.Option("--owed", help="现应得，以元计；不写则恢复到追回前；平台能核算的不写")] = "",
    facts: Annotated[str, typer.Option("--facts", help="更正的事实，JSON 文件：事实名 → 文字；- 为标准输入")] = "",
    as_json: AsJson = False,
) -> None:
    """采纳申辩：未退的追回相应冲减，批准恢复到应得；启动追回的人不能办。"""
    from huisuan.programmes.awards.recovering import debts_of
    from huisuan.programmes.corrections.receipts import debt_to_dict
    from huisuan.programmes.people import find_person
    from huisuan.programmes.workflow import act

    now = datetime.now(UTC)
    step = act(number, "relent", find_person(by), now, reason=reason, payload=_corrected(owed, facts))
    day = now.astimezone(SHANGHAI).date()
    rows = [debt_to_dict(debt, day) for debt in debts_of([step.application]).get(step.application_id, [])]
    _show_debts(rows, as_json)


def _corrected(owed: str, facts: str) -> dict[str, Any]:
    """What a step says of the amount that is owed."""
    payload: dict[str, Any] = {"owed_fen": _fen("--owed", owed)} if owed else {}
    return payload | ({"facts": facts_of_file(facts)} if facts else {})


def facts_of_file(file: str) -> dict[str, str]:
    """Facts by name as text, from a JSON file; "-" is the standard input.

    Raises:
        InvalidRequest: it holds no JSON object.
    """
    from huisuan.parties.cli.party_commands import read_file

    return {name: str(text) for name, text in read_facts(read_file(file)[0]).items()}


def debts(as_json: AsJson = False) -> None:
    """还没有退清的追回：须退、未退、逾期。"""
    from huisuan.programmes.corrections.receipts import debt_to_dict
    from huisuan.treasury.recoveries import open_debts

    day = datetime.now(SHANGHAI).date()
    _show_debts([debt_to_dict(debt, day) for debt in open_debts().select_related("commitment")], as_json)


def receive(
    debt: Annotated[str, typer.Argument(metavar="DEBT", help="追回，见 huisuan treasury debts")],
    by: _By,
    amount: Annotated[str, typer.Option("--amount", help="收到多少，以元计")],
    voucher: Annotated[str, typer.Option("--voucher", help="凭证号；一张只记一次")],
    as_json: AsJson = False,
) -> None:
    """登记退回的款；退清即追回完毕。"""
    from huisuan.programmes.corrections.receipts import get_debt, receive_repayment
    from huisuan.programmes.people import find_person

    fen = _fen("--amount", amount)
    done = receive_repayment(get_debt(debt), fen, voucher, find_person(by), datetime.now(UTC))
    if as_json:
        print_json({"debt": debt, "amount_fen": fen, "left_fen": done.left_fen, "recovered": done.recovered})
        return
    over = "，追回完毕" if done.recovered else ""
    out.print(f"{debt}：收到 {yuan(fen)} 元，还有 {yuan(done.left_fen)} 元{over}", markup=False)


def _fen(option: str, typed: str) -> int:
    fen = parse_typed_yuan(typed)
    if fen is None:
        raise InvalidRequest(
            f'{option} "{typed[:30]}" 不是金额：以元填写，至多两位小数', code="treasury.amount_unreadable"
        )
    return fen


def _repayment(typed: str) -> list[Any]:
    amount, _, day = typed.partition("@")
    try:
        return [_fen("--repay", amount), date.fromisoformat(day).isoformat()]
    except ValueError:
        raise InvalidRequest(
            f'--repay "{typed[:40]}"：须写作 金额@日期，如 1000.00@2026-12-31', code="award.repayments_malformed"
        ) from None


def read_facts(content: bytes) -> dict[str, Any]:
    """Facts by name from a JSON file.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        read = json.loads(content.decode())
    except ValueError as error:
        raise InvalidRequest(f"--facts 不是 JSON：{error}", code="award.facts_no_json") from None
    if not isinstance(read, dict):
        raise InvalidRequest("--facts 须是一个 JSON 对象：事实名 → 文字", code="award.facts_no_json")
    return read


def _show_debts(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    print_table("追回", [_in_yuan(row) for row in rows], _DEBTS, "没有未退清的")


def _in_yuan(row: dict[str, Any]) -> dict[str, Any]:
    return {name: yuan(value) if name.endswith("_fen") else value for name, value in row.items()}
