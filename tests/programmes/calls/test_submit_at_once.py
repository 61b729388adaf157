"""A draft handed in from two windows at one moment, over real connections, is one application."""

from __future__ import annotations

import pytest

from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, ApplicationSubmission
from support.at_once import at_once
from support.calls import DURING, draft, opened
from support.programmes import applicant

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_draft_handed_in_from_several_windows_at_once_is_one_application() -> None:
    call, mine, firm = opened(), draft(), applicant()
    results = at_once(*[lambda: submit_draft(call.number, mine.pk, firm, DURING) for _ in range(4)])
    (made,) = Application.objects.all()
    assert [result for result in results if result != made] == []
    assert (ApplicationSubmission.objects.count(), made.steps.count(), made.state) == (1, 1, "submitted")
