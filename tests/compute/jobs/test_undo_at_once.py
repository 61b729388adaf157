"""Undoing a cancel at the moment in which it is sent: on real connections, it ends once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import connections, transaction

from huisuan.base.errors import Conflict
from huisuan.compute.jobs.held_cancels import hold_cancel, send_due_cancels, undo_cancel
from huisuan.compute.models import Job
from huisuan.parties.viewer import Viewer
from support.usage_records import party

NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=11)


@pytest.mark.django_db(transaction=True)
def test_an_undo_that_comes_while_it_is_sent_waits_and_finds_it_sent() -> None:
    owner = party(1)
    job = Job.objects.create(
        uid="a1", party=owner, submitted_by="x", name="x", cards=1, state="waiting", submitted_at=NOW
    )
    viewer, outcome = Viewer(role="user", name="x", party_id=owner.pk), []
    held, _ = hold_cancel([job.pk], viewer, NOW)

    def undo() -> None:
        try:
            undo_cancel(held.pk, viewer, NOW + timedelta(seconds=9))
            outcome.append("undone")
        except Conflict:
            outcome.append("sent")
        finally:
            connections.close_all()

    other = Thread(target=undo)
    with transaction.atomic():
        assert send_due_cancels(LATER) == 1
        other.start()
    other.join(30)
    held.refresh_from_db()
    job.refresh_from_db()
    assert (outcome, job.state) == (["sent"], "cancelled")
    assert (held.sent_at, held.undone_at) == (LATER, None)
