"""What a register takes without a decision must hold by the law itself; what does not hold is refused or sent back."""

from __future__ import annotations

import pytest

from huisuan.base.errors import Conflict
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, Call
from huisuan.programmes.workflow import act
from support.calls import CLOSES, DURING, draft, line, opened
from support.programmes import applicant, official

pytestmark = pytest.mark.django_db
OFFICE = "省人工智能产业推进组工作专班"


@pytest.fixture
def call() -> Call:
    """The call of 15.1: activities that somebody offers to organise."""
    official("publisher", "register", OFFICE)
    return opened(programme="15.1", title="购买服务", evidence=(), shortage="first_come", line=line("15.1").pk)


def handed_in(call: Call, number: int, **facts: str) -> Application:
    made = draft(number, rule="15.1", files=(), **facts)
    made.named = [{"kind": "contract", "code": f"HT-{number}"}]
    made.save()
    return submit_draft(call.number, made.pk, applicant(number), DURING)


def test_what_holds_is_entered_and_what_does_not_is_refused_with_its_reason(call: Call) -> None:
    keeper = official("keeper", "register", OFFICE)
    good = handed_in(call, 1, agi_field="是", activity="重大培训活动")
    bad = handed_in(call, 2, agi_field="是", activity="其他")
    assert act(good.number, "record", keeper, CLOSES).to_state == "closed"
    with pytest.raises(Conflict) as refused:
        act(bad.number, "record", keeper, CLOSES)
    assert refused.value.code == "record.not_by_law"
    assert "活动" in str(refused.value)
    assert act(bad.number, "refuse", keeper, CLOSES, reason="不属于所列活动").to_state == "refused"
