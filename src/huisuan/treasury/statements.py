"""Statements: where the money of lines stands, added up by sentence, office, year, city or party."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from django.db.models import Exists, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from huisuan.treasury.models import Account, AccountKind, Debt, EntryKind, Instalment, PaymentOrder, Posting
from huisuan.treasury.models.commitments import OrderOutcome

GroupedBy = Literal["sentence", "office", "year", "city", "party"]
STATEMENTS: tuple[str, ...] = get_args(GroupedBy)
_LINE_KEYS = {"sentence": "line__sentence", "office": "line__office", "year": "line__year"}
_PARTY_KEYS = {"city": "party__region_id", "party": "party__uscc"}  # of what goes to a city itself: its code

#: of a debt, in fen; what was let go of it is neither open nor came
_CAME_BACK = (
    Posting.objects.filter(account=OuterRef("account"), entry__kind=EntryKind.RECEIPT)
    .order_by().values("account").annotate(came=-Sum("amount_fen")).values("came")
)  # fmt: skip


@dataclass
class StatementRow:
    """One row, in fen. Of a city or a party the budget's columns are zero: a budget is of no party.

    `paid` is what the bank paid, recoveries not subtracted; `owed` is still to come back.
    """

    key: str
    appropriated: int = 0
    available: int = 0
    lapsed: int = 0
    committed: int = 0
    ordered: int = 0
    paid: int = 0
    recovered: int = 0
    owed: int = 0

    def to_dict(self) -> dict[str, str | int]:
        """As JSON."""
        return asdict(self)


def load_money_statement(by: GroupedBy, policy: str, year: int | None = None) -> list[StatementRow]:
    """The rows of one policy, of one year's lines or all, in the order of their keys."""
    rows = _by_line(by, policy, year) if by in _LINE_KEYS else _by_party(by, policy, year)
    return [rows[key] for key in sorted(rows)]


class _Rows(defaultdict[str, StatementRow]):
    def __missing__(self, key: str) -> StatementRow:
        self[key] = StatementRow(key)
        return self[key]


def _lines(policy: str, year: int | None) -> Q:
    return Q(line__policy=policy) & (Q(line__year=year) if year is not None else Q())


def _by_line(by: str, policy: str, year: int | None) -> _Rows:
    rows, key = _Rows(), _LINE_KEYS[by]
    found = Account.objects.filter(_lines(policy, year)).order_by().values_list(key, "kind").annotate(Sum("balance"))
    for name, kind, fen in found:
        row = rows[str(name)]
        if kind == AccountKind.APPROPRIATED:
            row.appropriated = -fen
        elif kind == AccountKind.RECEIVABLE:
            row.owed = fen
        elif kind == AccountKind.PAID:
            row.paid += fen
        elif kind == AccountKind.RECOVERED:
            row.recovered, row.paid = fen, row.paid + fen
        elif kind != AccountKind.CLAIMED_BACK:
            setattr(row, kind, fen)
    return rows


def _by_party(by: str, policy: str, year: int | None) -> _Rows:
    rows, key = _Rows(), _PARTY_KEYS[by]
    orders = PaymentOrder.objects.filter(instalment=OuterRef("pk"))
    paid = Exists(orders.filter(outcome=OrderOutcome.PAID))
    under_way = Exists(orders.filter(outcome=""))
    parts = Instalment.objects.filter(_lines(policy, year), release__isnull=True)
    parts = parts.annotate(is_paid=paid, is_ordered=under_way).order_by()
    whose = Coalesce(f"commitment__{key}", "commitment__city_id")
    found = parts.annotate(whose=whose).values_list("whose", "is_paid", "is_ordered").annotate(Sum("amount_fen"))
    for name, is_paid, is_ordered, fen in found:
        column = "paid" if is_paid else "ordered" if is_ordered else "committed"
        setattr(rows[str(name)], column, fen)
    debts = (
        Debt.objects.filter(_lines(policy, year))
        .order_by()
        .annotate(whose=Coalesce(key, "city_id"), came=Coalesce(Subquery(_CAME_BACK), Value(0)))
        .values_list("whose")
    )
    for name, came, left in debts.annotate(Sum("came"), Sum("account__balance")):
        rows[str(name)].owed, rows[str(name)].recovered = left, came
    return rows
