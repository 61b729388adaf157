"""Promises of money: made with an award, released where the award falls away. Many at once in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import yuan
from huisuan.treasury.ledger import (
    Act,
    Movement,
    array_columns,
    check_amount,
    ledger_refusals,
    line_accounts,
    post_entries,
)
from huisuan.treasury.models import (
    AccountKind,
    AppropriationLine,
    Commitment,
    EntryKind,
    Instalment,
    PaymentOrder,
)  # fmt: skip
from huisuan.treasury.models.commitments import OrderOutcome

# What is there already, and the line as it stands: read without a lock, in one statement.
_LOOK = """
    SELECT kind, id, balance FROM treasury_account WHERE line_id = %s AND debt = '' AND kind IN (%s, %s)
    UNION ALL
    SELECT '', id, 0 FROM treasury_commitment WHERE award = ANY(%s)
"""
# Entries with their postings, commitments and instalments in one statement. The trigger of the postings locks the
# accounts, and fires when all of it is written: of two who commit on a line the second waits for that moment and for
# the first one's COMMIT, and for nothing else. What it finds then, the floor of the account decides.
_COMMIT = """
    WITH asked AS MATERIALIZED (
        SELECT nextval('treasury_commitment_id_seq') AS id, nextval('treasury_entry_id_seq') AS entry,
               row_number() OVER () AS whole, asked.*
        FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[]) AS asked (award, party, city, fen)
    ), entries AS (
        INSERT INTO treasury_entry (id, kind, key, day, reason, by, at)
        SELECT entry, %s, 'commitment:' || award, %s, '', %s, %s FROM asked
    ), posted AS (
        INSERT INTO treasury_posting (entry_id, account_id, amount_fen)
        SELECT entry, moved.account, moved.sign * fen
        FROM asked CROSS JOIN (VALUES (%s::bigint, -1), (%s::bigint, 1)) AS moved (account, sign)
    ), made AS (
        INSERT INTO treasury_commitment (id, award, party_id, city_id, amount_fen, entry_id, line_id, by, at)
        SELECT id, award, party, city, fen, entry, %s, %s, %s FROM asked
    ), parts AS (
        INSERT INTO treasury_instalment (commitment_id, number, amount_fen, due_on, line_id)
        SELECT asked.id, part.number, part.fen, part.due_on, %s
        FROM unnest(%s::bigint[], %s::integer[], %s::bigint[], %s::date[]) AS part (whole, number, fen, due_on)
        JOIN asked USING (whole)
    )
    SELECT id FROM asked ORDER BY whole
"""


@dataclass(frozen=True)
class Promise:
    """What is to be committed for one award: fen by instalment, each with the day before which it is not ordered.

    To a party, or to a city (its code); never to both.
    """

    award: str
    party: int | None
    instalments: tuple[tuple[int, date | None], ...]
    city: str | None = None

    @property
    def fen(self) -> int:
        """All instalments together."""
        return sum(fen for fen, _ in self.instalments)


def commit(line: AppropriationLine, promises: Sequence[Promise], act: Act) -> list[int]:
    """Set the money of these awards aside, all or none; those that stand just so already are left as they are.

    Returns the ids of their commitments, in the order of the promises.

    Raises:
        InvalidRequest: an award twice, or an amount that cannot be meant.
        Conflict: the line has less available, or an award stands with other amounts, another party or another line.
    """
    _check(promises)
    new: list[Promise] = []
    try:
        with ledger_refusals():
            there, standing = _look(line, promises)
            ids = {award: found.pk for award, found in standing.items()}
            new = [promise for promise in promises if not _stands(line, promise, standing.get(promise.award))]
            if new:
                ids.update(zip((promise.award for promise in new), _commit_new(line, there, new, act), strict=True))
    except Conflict as refusal:
        if refusal.code != "treasury.overdrawn":
            raise
        there, total = _look(line, ())[0], sum(promise.fen for promise in new)
        if there.left_fen >= total:  # and what another one took meanwhile came back
            raise
        raise _exhausted(line, there, total) from refusal
    return [ids[promise.award] for promise in promises]


def _check(promises: Sequence[Promise]) -> None:
    seen: set[str] = set()
    for promise in promises:
        if not promise.award or promise.award in seen:
            raise InvalidRequest(f'项目 "{promise.award}" 重复或没有编号', code="treasury.award_repeated")
        seen.add(promise.award)
        if not promise.instalments:
            raise InvalidRequest(f'项目 "{promise.award}" 没有分期', code="treasury.no_instalments")
        for fen, _ in promise.instalments:
            check_amount(fen)
        check_amount(promise.fen)


@dataclass(frozen=True)
class _There:
    """The accounts that money is taken from and brought to, and what was available when they were read."""

    available: int
    committed: int
    left_fen: int


def _look(line: AppropriationLine, promises: Sequence[Promise]) -> tuple[_There, dict[str, Commitment]]:
    """The line's accounts, and what was committed before by its award; nearly always nothing."""
    kinds = (AccountKind.AVAILABLE.value, AccountKind.COMMITTED.value)
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [line.pk, *kinds, [promise.award for promise in promises]])
        rows = cursor.fetchall()
    held = {kind: (pk, balance) for kind, pk, balance in rows if kind}
    ids = [pk for kind, pk, _ in rows if not kind]
    (available, left), (committed, _) = held[kinds[0]], held[kinds[1]]
    found = Commitment.objects.filter(pk__in=ids).prefetch_related("instalments") if ids else ()
    return _There(available, committed, left), {one.award: one for one in found}


def _stands(line: AppropriationLine, promise: Promise, found: Commitment | None) -> bool:
    if found is None:
        return False
    parts = tuple((part.amount_fen, part.due_on) for part in found.instalments.all())
    if (found.line_id, found.party_id, found.city_id, parts) != (
        line.pk,
        promise.party,
        promise.city,
        promise.instalments,
    ):
        raise Conflict(
            f'项目 "{promise.award}" 已有另外的承诺（{yuan(found.amount_fen)} 元）', code="treasury.award_differs"
        )
    return True


def _commit_new(line: AppropriationLine, there: _There, promises: Sequence[Promise], act: Act) -> list[int]:
    total = sum(promise.fen for promise in promises)
    if there.left_fen < total:
        raise _exhausted(line, there, total)
    wholes = [(promise.award, promise.party, promise.city, promise.fen) for promise in promises]
    parts = [
        (number, at, fen, due_on)
        for number, promise in enumerate(promises, start=1)
        for at, (fen, due_on) in enumerate(promise.instalments, start=1)
    ]
    said: list[Any] = [
        *array_columns(wholes, 4), EntryKind.COMMITMENT.value, act.day, act.by, act.now, there.available,
        there.committed, line.pk, act.by, act.now, line.pk, *array_columns(parts, 4),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_COMMIT, said)
        return [pk for (pk,) in cursor.fetchall()]


def _exhausted(line: AppropriationLine, there: _There, total: int) -> Conflict:
    return Conflict(
        f"预算 {line}：可用 {yuan(there.left_fen)} 元，不够承诺 {yuan(total)} 元；没有承诺任何一项",
        code="treasury.line_exhausted",
    )


def open_instalments(line: AppropriationLine) -> QuerySet[Instalment]:
    """Those whose money stands on a line, neither released nor under order nor paid."""
    living = PaymentOrder.objects.filter(instalment=OuterRef("pk")).exclude(outcome=OrderOutcome.FAILED)
    return Instalment.objects.filter(line=line, release__isnull=True).exclude(Exists(living))


@transaction.atomic
def release_instalment(instalment: Instalment, act: Act, reason: str) -> Instalment:
    """Give the money of an instalment back to its line, where the award was lowered or fell away.

    Raises:
        InvalidRequest: no reason.
        Conflict: it is under order, paid or released already.
    """
    if not reason.strip():
        raise InvalidRequest("解除承诺须写明理由", code="treasury.reason_missing")
    found = Instalment.objects.select_for_update(of=("self",), no_key=True).select_related("line").get(pk=instalment.pk)
    if found.release_id or found.orders.exclude(outcome=OrderOutcome.FAILED).exists():
        raise Conflict("这一期已开支付令、已付或已解除：没有改动", code="treasury.instalment_taken")
    accounts = line_accounts(found.line)
    moved = {accounts[AccountKind.COMMITTED]: -found.amount_fen, accounts[AccountKind.AVAILABLE]: found.amount_fen}
    found.release = post_entries([Movement(f"release:{found.pk}", EntryKind.RELEASE, moved, reason.strip())], act)[0]
    found.save(update_fields=["release"])
    return found
