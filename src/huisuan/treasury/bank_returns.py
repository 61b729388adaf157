"""What the bank says became of orders: read from its file, line by line, and booked. A file counts once.

A file is taken whole or not at all: a line that cannot be read may be the one that says a payment failed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import parse_written_yuan
from huisuan.base.text_length import shortened
from huisuan.treasury.ledger import Act, Movement, line_accounts, post_entries, reverse
from huisuan.treasury.models import (
    Account,
    AccountKind,
    BankFileLine,
    BankOutcome,
    BankReturn,
    BankReturnLine,
    Entry,
    EntryKind,
    PaymentOrder,
)  # fmt: skip

_COLUMNS = ("支付令号", "金额（元）", "结果", "原因")
_RESULTS = {"成功": True, "失败": False}
_ORDER = re.compile(r"P([1-9][0-9]{0,17})")
_MOST_LINES = 200_000
_MOST_NAMED = 50


@dataclass(frozen=True)
class ReturnedLine:
    """A line as the bank wrote it; `number` counts the heading as 1."""

    number: int
    order: str
    fen: int
    succeeded: bool
    reason: str


@transaction.atomic
def import_returns(content: bytes, name: str, act: Act) -> tuple[BankReturn, bool]:
    """Book a file of returns; and whether it is new: the same bytes again change nothing.

    Raises:
        InvalidRequest: lines that cannot be read, all named; nothing of the file is booked then.
    """
    digest = hashlib.sha256(content).hexdigest()
    lines = parse_returns(content)
    file, made = BankReturn.objects.get_or_create(
        sha256=digest, defaults={"name": shortened(name, 200), "lines_count": len(lines), "by": act.by, "at": act.now}
    )
    if made:
        _book(file, lines, act)
    return file, made


def orders_named(content: bytes) -> QuerySet[PaymentOrder]:
    """The orders that the lines of a file name, whatever they say of them.

    Raises:
        InvalidRequest: lines that cannot be read.
    """
    return PaymentOrder.objects.filter(pk__in={_number(line.order) for line in parse_returns(content)} - {0})


def parse_returns(content: bytes) -> list[ReturnedLine]:
    """The lines of a file: CSV in UTF-8 or GB 18030, with the columns 支付令号, 金额（元）, 结果, 原因.

    Raises:
        InvalidRequest: which lines and columns, and why.
    """
    rows = csv.reader(io.StringIO(_decode(content), newline=""), strict=True)
    try:
        heading, *body = [row for row in rows if any(cell.strip() for cell in row)] or [[]]
    except csv.Error as error:
        raise InvalidRequest(
            f"回单文件不是 CSV：第 {rows.line_num} 行：{error}", code="treasury.returns_no_csv"
        ) from error
    if tuple(cell.strip() for cell in heading) != _COLUMNS:
        raise InvalidRequest(f"回单文件第 1 行须是：{','.join(_COLUMNS)}", code="treasury.returns_heading")
    if len(body) > _MOST_LINES:
        raise InvalidRequest(f"回单文件超过 {_MOST_LINES} 行：请分成几个", code="treasury.returns_too_long")
    problems: list[str] = []
    lines = [_parse_line(number, row, problems) for number, row in enumerate(body, start=2)]
    if problems:
        more = f"\n（另有 {len(problems) - _MOST_NAMED} 处）" if len(problems) > _MOST_NAMED else ""
        raise InvalidRequest(
            "回单文件没有记账，请改正后整份重新导入：\n" + "\n".join(problems[:_MOST_NAMED]) + more,
            code="treasury.returns_unreadable",
        )
    if not lines:
        raise InvalidRequest("回单文件没有记录", code="treasury.returns_empty")
    return [line for line in lines if line]


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidRequest("回单文件的编码须是 UTF-8 或 GB 18030", code="treasury.returns_encoding")


def _parse_line(number: int, row: list[str], problems: list[str]) -> ReturnedLine | None:
    if len(row) != len(_COLUMNS):
        problems.append(f"行 {number}：有 {len(row)} 列，须是 {len(_COLUMNS)} 列")
        return None
    order, amount, result, reason = (cell.strip() for cell in row)
    fen = parse_written_yuan(amount) or 0
    if not fen:
        problems.append(f'行 {number}，列 金额（元）："{shortened(amount, 30)}" 须大于 0，至多两位小数')
    if result not in _RESULTS:
        problems.append(f'行 {number}，列 结果："{shortened(result, 30)}" 须是 成功 或 失败')
    if not order or len(order) > 40 or not order.isprintable():
        problems.append(f'行 {number}，列 支付令号："{shortened(order, 40)}" 须是送出文件中的支付令号，例如 P12')
    if not reason.isprintable() or len(reason) > 200:
        problems.append(f"行 {number}，列 原因：至多 200 字，不含控制字符")
    return ReturnedLine(number, order, fen, _RESULTS.get(result, False), reason)


def _book(file: BankReturn, lines: Sequence[ReturnedLine], act: Act) -> None:
    orders = _locked_orders(lines)
    sent = set(BankFileLine.objects.filter(order__in=orders).values_list("order_id", flat=True))
    ended = {number for number, order in orders.items() if order.outcome}
    rows = [_judge(file, line, orders.get(_number(line.order)), sent, ended) for line in lines]
    accounts = {order.instalment.line_id: line_accounts(order.instalment.line) for order in orders.values()}
    moves = [_movement(file, row, accounts) for row in rows]
    entries = iter(post_entries([move for move in moves if move], act))
    for row, move in zip(rows, moves, strict=True):
        row.entry = next(entries) if move else None
    BankReturnLine.objects.bulk_create(rows)
    _end_orders([row for row in rows if row.outcome != BankOutcome.CLEARING])


def _number(name: str) -> int:
    found = _ORDER.fullmatch(name)
    return int(found[1]) if found else 0


def _locked_orders(lines: Sequence[ReturnedLine]) -> dict[int, PaymentOrder]:
    named = {_number(line.order) for line in lines} - {0}
    rows = PaymentOrder.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=named).order_by("pk")
    return {order.pk: order for order in rows.select_related("instalment__line")}


def _judge(
    file: BankReturn, line: ReturnedLine, order: PaymentOrder | None, sent: set[int], ended: set[int]
) -> BankReturnLine:
    row = BankReturnLine(
        file=file, number=line.number, order_name=line.order, amount_fen=line.fen, succeeded=line.succeeded,
        bank_reason=line.reason, order=order, outcome=BankOutcome.CLEARING,
    )  # fmt: skip
    if order is None:
        row.why = "order_unknown"
    elif order.pk not in sent:
        row.why = "order_never_sent"
    elif order.instalment.amount_fen != line.fen:
        row.why = "amount_differs"
    elif order.pk in ended:
        row.why = "order_ended_before"
    else:
        ended.add(order.pk)
        row.outcome = BankOutcome.PAID if line.succeeded else BankOutcome.FAILED
    return row


def _movement(file: BankReturn, row: BankReturnLine, accounts: dict[int, dict[AccountKind, int]]) -> Movement | None:
    key, fen = f"return:{file.sha256}:{row.number}", row.amount_fen
    if row.outcome == BankOutcome.CLEARING:
        if not row.succeeded:
            return None  # no money has left
        clearing, unmatched = _clearing_accounts()
        return Movement(key, EntryKind.CLEARING, {clearing: fen, unmatched: -fen}, row.why)
    assert row.order is not None  # what fits names its order
    here = accounts[row.order.instalment.line_id]
    kind, to = (
        (EntryKind.PAYMENT, AccountKind.PAID) if row.succeeded else (EntryKind.FAILURE, AccountKind.COMMITTED)
    )  # fmt: skip
    return Movement(key, kind, {here[AccountKind.ORDERED]: -fen, here[to]: fen}, row.bank_reason)


def _clearing_accounts() -> tuple[int, int]:
    clearing, _ = Account.objects.get_or_create(kind=AccountKind.CLEARING, line=None, debt="")
    unmatched, _ = Account.objects.get_or_create(
        kind=AccountKind.UNMATCHED, line=None, debt="", defaults={"floor": None}
    )
    return clearing.pk, unmatched.pk


def _end_orders(rows: Sequence[BankReturnLine]) -> None:
    orders = []
    for row in rows:
        assert row.order is not None  # what fits names its order
        row.order.outcome, row.order.outcome_entry = row.outcome, row.entry
        orders.append(row.order)
    PaymentOrder.objects.bulk_update(orders, ["outcome", "outcome_entry"], batch_size=2000)


@transaction.atomic
def resolve_clearing(row: BankReturnLine, act: Act, reason: str) -> Entry:
    """Take a line out of clearing once a person has found out what it was: its entry is reversed, with the reason.

    Raises:
        InvalidRequest: no reason, or the line is not in clearing.
        Conflict: somebody did so before.
    """
    if not reason.strip():
        raise InvalidRequest("处理待清算的款项须写明理由", code="treasury.reason_missing")
    if row.outcome != BankOutcome.CLEARING or row.entry is None:
        raise InvalidRequest(f"回单 {row} 不在待清算中", code="treasury.not_in_clearing")
    return reverse(row.entry, act, reason.strip())
