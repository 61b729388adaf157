"""Promises of money: made with an award, released where the award falls away. Many at once in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import yuan
from huisuan.treasury.ledger import Act, Movement, check_amount, ledger_refusals, line_accounts, post_entries
from huisuan.treasury.models import (
    Account,
    AccountKind,
    AppropriationLine,
    Commitment,
    EntryKind,
    Instalment,
    PaymentOrder,
)  # fmt: skip
from huisuan.treasury.models.commitments import OrderOutcome


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


@transaction.atomic
def commit(line: AppropriationLine, promises: Sequence[Promise], act: Act) -> list[Commitment]:
    """Set the money of these awards aside, all or none; those that stand just so already are left as they are.

    Raises:
        InvalidRequest: an award twice, or an amount that cannot be meant.
        Conflict: the line has less available, or an award stands with other amounts, another party or another line.
    """
    _check(promises)
    standing = {found.award: found for found in _standing(promises)}
    new = [promise for promise in promises if not _stands(line, promise, standing.get(promise.award))]
    if new:
        for made in _commit_new(line, new, act):
            standing[made.award] = made
    return [standing[promise.award] for promise in promises]


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


def _standing(promises: Sequence[Promise]) -> QuerySet[Commitment]:
    awards = [promise.award for promise in promises]
    return Commitment.objects.filter(award__in=awards).prefetch_related("instalments")


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


def _commit_new(line: AppropriationLine, promises: Sequence[Promise], act: Act) -> list[Commitment]:
    accounts = line_accounts(line)
    available, committed = accounts[AccountKind.AVAILABLE], accounts[AccountKind.COMMITTED]
    total = sum(promise.fen for promise in promises)
    # held from here on: of two who commit on one line the second sees what the first has left
    left = Account.objects.select_for_update(no_key=True).get(pk=available).balance
    if left < total:
        raise Conflict(
            f"预算 {line}：可用 {yuan(left)} 元，不够承诺 {yuan(total)} 元；没有承诺任何一项",
            code="treasury.line_exhausted",
        )
    entries = post_entries(
        [
            Movement(
                f"commitment:{promise.award}", EntryKind.COMMITMENT, {available: -promise.fen, committed: promise.fen}
            )
            for promise in promises
        ],
        act,
    )
    with ledger_refusals():
        made = Commitment.objects.bulk_create(
            Commitment(
                award=promise.award, line=line, party_id=promise.party, city_id=promise.city, amount_fen=promise.fen,
                entry=entry, by=act.by, at=act.now,
            )
            for promise, entry in zip(promises, entries, strict=True)
        )  # fmt: skip
        Instalment.objects.bulk_create(
            Instalment(commitment=whole, number=number, amount_fen=fen, due_on=due_on, line=line)
            for whole, promise in zip(made, promises, strict=True)
            for number, (fen, due_on) in enumerate(promise.instalments, start=1)
        )
    return made


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
