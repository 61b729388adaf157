"""The money of an application: what was granted, set aside, ordered, paid, and what is to come back."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.awards.closing import PaidSoFar, paid_so_far
from huisuan.programmes.awards.standing import commitments_of, payees_in_force, standing_awards
from huisuan.programmes.models import PAYEE_WAITS, Application, Award, PayeeAccount
from huisuan.treasury.models import Debt, Instalment, PaymentOrder

#: of an order, by what the bank said
ORDER_WORDS = {
    "": Word(_("等银行回单"), "wait"), "paid": Word(_("已支付"), "good"), "failed": Word(_("支付失败"), "bad"),
}  # fmt: skip
_RELEASED, _OPEN = Word(_("已解除")), Word(_("未开支付令"), "wait")


@dataclass(frozen=True)
class InstalmentRow:
    """A part that is paid as one: how it stands, and the order that pays it."""

    part: Instalment
    word: Word
    order: PaymentOrder | None


@dataclass(frozen=True)
class ApplicationMoney:
    """All of it; `award` None: nothing was granted yet. `waiting` is an account that nobody has answered yet.

    `given`: the applicant has named one, so that another is a change.
    """

    award: Award | None
    so_far: PaidSoFar
    parts: tuple[InstalmentRow, ...]
    payee: PayeeAccount | None
    waiting: PayeeAccount | None
    given: bool
    debts: tuple[Debt, ...]

    @property
    def account_end(self) -> str:
        """The last digits of the account: enough to know it by."""
        return self.payee.account_number[-4:] if self.payee else ""


def read_money(application: Application) -> ApplicationMoney:
    """What there is of it."""
    commitments = commitments_of([application]).get(application.pk, [])
    return ApplicationMoney(
        standing_awards([application]).get(application.pk),
        paid_so_far(commitments),
        tuple(_row(part) for one in commitments for part in one.instalments.all()),
        payees_in_force([application]).get(application.pk),
        application.payee_accounts.filter(PAYEE_WAITS).first(),
        application.payee_accounts.exists(),
        tuple(Debt.objects.filter(commitment__in=commitments).select_related("account")),
    )


def _row(part: Instalment) -> InstalmentRow:
    order = max(part.orders.all(), key=lambda each: each.attempt, default=None)
    if part.release_id is not None:
        return InstalmentRow(part, _RELEASED, order)
    return InstalmentRow(part, ORDER_WORDS[order.outcome] if order else _OPEN, order)
