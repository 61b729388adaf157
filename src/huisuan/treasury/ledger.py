"""Moving money: entries with their postings, many in one statement each, and what the database refuses, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction
from psycopg import errors as postgres

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.treasury.models import Account, AccountKind, AppropriationLine, Entry, EntryKind
from huisuan.treasury.models.ledger import LARGEST_AMOUNT

# entries and postings in one statement: each statement on a busy line is time for which the next writer waits
_POST = """
    WITH asked AS MATERIALIZED (
        SELECT nextval('treasury_entry_id_seq') AS id, row_number() OVER () AS number, asked.*
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS asked (kind, key, reason, reverses)
    ), made AS (
        INSERT INTO treasury_entry (id, kind, key, day, reason, reverses_id, by, at)
        SELECT id, kind, key, %s, reason, reverses, %s, %s FROM asked
    ), posted AS (
        INSERT INTO treasury_posting (entry_id, account_id, amount_fen)
        SELECT asked.id, moved.account, moved.fen
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS moved (number, account, fen) JOIN asked USING (number)
    )
    SELECT id FROM asked ORDER BY number
"""


@dataclass(frozen=True)
class Act:
    """Who does something, when, and for which day of the books (Asia/Shanghai)."""

    by: str
    now: datetime
    day: date


@dataclass(frozen=True)
class Movement:
    """An entry to be posted: fen by account id, adding up to zero. `key` names it for good."""

    key: str
    kind: EntryKind
    postings: Mapping[int, int]
    reason: str = ""
    reverses: int | None = None


def post_entries(movements: Sequence[Movement], act: Act) -> list[Entry]:
    """Post them, in the caller's transaction; the entries in the order of the movements.

    Raises:
        Conflict: an account would fall below its floor, or an entry of that key was posted already.
    """
    postings = [
        (number, account, fen)
        for number, move in enumerate(movements, start=1)
        for account, fen in move.postings.items()
        if fen
    ]
    entries = [(move.kind.value, move.key, move.reason, move.reverses) for move in movements]
    with ledger_refusals(), connection.cursor() as cursor:
        cursor.execute(_POST, [*array_columns(entries, 4), act.day, act.by, act.now, *array_columns(postings, 3)])
        ids = [pk for (pk,) in cursor.fetchall()]
    return [
        Entry(
            pk=pk, key=move.key, kind=move.kind, day=act.day, reason=move.reason, reverses_id=move.reverses,
            by=act.by, at=act.now,
        )
        for pk, move in zip(ids, movements, strict=True)
    ]  # fmt: skip


def array_columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows turned into as many arrays as they are wide, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def reverse(entry: Entry, act: Act, reason: str) -> Entry:
    """Take an entry back, to the fen.

    Raises:
        Conflict: it was taken back before, or the money has moved on.
    """
    taken = {posting.account_id: -posting.amount_fen for posting in entry.postings.all()}
    return post_entries([Movement(f"reversal:{entry.pk}", EntryKind.REVERSAL, taken, reason, entry.pk)], act)[0]


@contextmanager
def ledger_refusals() -> Iterator[None]:
    """Say in words what the ledger's constraints refuse; what was written within is rolled back.

    Raises:
        Conflict: money that is not there, or an entry that was posted before.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        cause = error.__cause__
        rule = cause.diag.constraint_name if isinstance(cause, postgres.Error) else ""
        if rule == "account_not_overdrawn":
            raise Conflict("余额不够：没有记账；请查这条预算的可用余额", code="treasury.overdrawn") from error
        if rule and rule.startswith(("treasury_entry_key", "treasury_entry_reverses")):
            raise Conflict("这笔账已经记过或冲销过：没有再记", code="treasury.posted_before") from error
        if rule in ("order_lives_once", "released_is_not_ordered", "instalment_under_order_stays"):
            raise Conflict("这一期已开支付令、已付或已解除：没有改动", code="treasury.instalment_taken") from error
        raise


def line_accounts(line: AppropriationLine) -> dict[AccountKind, int]:
    """The ids of a line's own accounts by kind; those of its debts are not among them."""
    rows = Account.objects.filter(line=line, debt="").values_list("kind", "pk")
    return {AccountKind(kind): number for kind, number in rows}


def get_line(policy: str, sentence: str, year: int, office: str) -> AppropriationLine:
    """A line by its keys.

    Raises:
        NotFound: nobody opened it.
    """
    found = AppropriationLine.objects.filter(policy=policy, sentence=sentence, year=year, office=office).first()
    if found is None:
        raise NotFound(f"没有预算 {policy} 第{sentence}句 {year} 年 {office}", code="treasury.line_unknown")
    return found


def check_amount(fen: int) -> None:
    """An amount of money that can be meant.

    Raises:
        InvalidRequest: nothing, or beyond any budget.
    """
    if not 0 < fen <= LARGEST_AMOUNT:
        raise InvalidRequest(
            f"金额 {fen} 分：须大于 0，且不超过 {LARGEST_AMOUNT} 分", code="treasury.amount_out_of_bounds"
        )
