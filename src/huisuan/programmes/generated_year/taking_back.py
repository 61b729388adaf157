"""What comes back: some vouchers of cities turn out wrong, and the province's share of them is claimed back."""

from __future__ import annotations

from huisuan.base.errors import Refused
from huisuan.law.procedure import ObjectKind, State
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.generated_year.walking import Walk
from huisuan.programmes.models import Application, ApplicationSubmission
from huisuan.treasury.city_payments import get_city_payment, lower_city_payment, remaining_fen

#: of a hundred paid shares so many rest on a voucher that is lowered; half of what is claimed back is repaid at once
_LOWERED = 8


def take_back(walk: Walk) -> None:
    """Lower some vouchers of what is paid, claim back what follows, and book half of the money."""
    registrar, payer = walk.who("recover", State.CLOSED), walk.who("recovered", State.IN_RECOVERY)
    if registrar is None or payer is None:
        return
    for number in walk.numbers(State.CLOSED):
        if walk.chance.randrange(100) < _LOWERED and _lower_voucher(walk, number):
            back = walk.take([number], "recover", registrar, walk.pass_days(4), "示例：市级凭证核减")
            if back and walk.chance.randrange(2):
                application = Application.objects.get(number=number)
                for debt in debts_of([application])[application.pk]:
                    receive_repayment(debt, debt.amount_fen, f"示例收 {number}", payer, walk.pass_days(6))


def _lower_voucher(walk: Walk, number: str) -> bool:
    """Take a third off the voucher that an application names; False: it names none."""
    made = ApplicationSubmission.objects.filter(application__number=number).order_by("-version").first()
    named = [each["typed"] for each in made.named if each["kind"] == ObjectKind.VOUCHER.value] if made else []
    owner = walk.made.owners[number]
    if not named or owner.city_id is None:
        return False
    try:
        payment = get_city_payment(owner.city_id, named[0])
        act = treasury_act(owner, walk.pass_days(1))
        lower_city_payment(payment, remaining_fen(payment) // 3, "示例：重复列支", act)
    except Refused as refusal:
        walk.made.count_refusal(refusal.code)
        return False
    return True
