"""Long work that somebody asked of the background worker: how far it is, how it ended, and how it is cancelled.

The work itself is one transaction, or one after the other. How far it is goes through a connection of its own, so that
others see it before anything is committed; the same statement tells the worker that somebody cancelled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, Self, TypeVar

from django.db import OperationalError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from huisuan.base.errors import Refused

_BROKEN = "平台内部出错（{kind}）：请看数据目录的 logs/worker.log"
WORK_ATTEMPTS = 3  # how often a worker may die of the same work


class WorkState(models.TextChoices):
    """How work that was asked for stands."""

    QUEUED = "queued", "排队中"
    RUNNING = "running", "进行中"
    DONE = "done", "已完成"
    FAILED = "failed", "没有完成"
    CANCELLED = "cancelled", "已取消"


WORK_UNDER_WAY = (WorkState.QUEUED, WorkState.RUNNING)


class WorkCancelled(Exception):
    """Raised in the worker between two steps once somebody has cancelled; its text is who."""


class WorkProgress(Protocol):
    """Told before each step of long work."""

    def begin_step(self, step: str, number: int, of: int) -> None:
        """Step `number` (from 1) of so many begins.

        Raises:
            WorkCancelled: somebody cancelled; the caller's transaction is to be rolled back.
        """


class NoProgress:
    """For work that nobody follows."""

    def begin_step(self, step: str, number: int, of: int) -> None:
        """Do nothing."""


class BackgroundWork(models.Model):
    """The columns of a request for long work. `step` is the key of the step under way, the `number`th of `steps`."""

    requested_by = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=WorkState, default=WorkState.QUEUED)
    task = models.BigIntegerField(null=True, help_text="the worker's job that carries it out; the last one of several")
    attempts = models.IntegerField(default=0, help_text="how often a worker began it")
    step = models.CharField(max_length=40, blank=True)
    number = models.IntegerField(default=0)
    steps = models.IntegerField(default=0)
    cancelled_by = models.CharField(max_length=80, blank=True, help_text="who asked for its end")
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, help_text="why it failed, or what stands after it was cancelled")

    class Meta:
        abstract = True

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in WORK_UNDER_WAY

    @property
    def permille(self) -> int:
        """How much of it is behind: steps that ended, per mille."""
        return max(self.number - 1, 0) * 1000 // self.steps if self.steps else 0


def has_worker(work: BackgroundWork) -> bool:
    """Whether a worker's job for it waits or runs."""
    return ProcrastinateJob.objects.filter(pk=work.task, status__in=("todo", "doing")).exists()


def end_work(work: BackgroundWork, state: WorkState, now: datetime, **fields: Any) -> bool:
    """Note how it ended, unless that was noted before; whether it was noted now."""
    rows = type(work)._default_manager.filter(pk=work.pk, state__in=WORK_UNDER_WAY)
    return bool(rows.update(state=state, ended_at=now, **fields))


def finish_work(work: BackgroundWork, now: datetime, **fields: Any) -> None:
    """Note that it is done, in the transaction of what it wrote.

    Raises:
        WorkCancelled: its end was noted by somebody else, who took its worker for dead: what that says stands, and the
            caller's transaction is to be rolled back.
    """
    if not end_work(work, WorkState.DONE, now, **fields):
        raise WorkCancelled("")


class ReportedProgress:
    """Progress of one request, written where others see it at once. Use as a context manager."""

    def __init__(self, work: BackgroundWork) -> None:
        table = work._meta.db_table
        self._number = work.pk
        self._statement = (
            f'UPDATE "{table}" SET step = %s, number = %s, steps = %s WHERE id = ('  # noqa: S608 (a name of ours)
            f'SELECT id FROM "{table}" WHERE id = %s FOR UPDATE SKIP LOCKED) RETURNING cancelled_by, state'
        )
        self._connection: BaseDatabaseWrapper | None = None

    def __enter__(self) -> Self:
        self._connection = connections.create_connection("default")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def begin_step(self, step: str, number: int, of: int) -> None:
        """Note it; see `WorkProgress`. A row that somebody else writes just now is left for the next step.

        Work whose end was noted meanwhile, because its worker seemed dead, is cancelled here like any other.
        """
        assert self._connection is not None  # entered
        with self._connection.cursor() as cursor:
            cursor.execute(self._statement, [step, number, of, self._number])
            row = cursor.fetchone()
        if row and (row[0] or row[1] not in WORK_UNDER_WAY):
            raise WorkCancelled(row[0])


Work = TypeVar("Work", bound=BackgroundWork)


@dataclass(frozen=True)
class WorkKind(Generic[Work]):
    """One kind of long work: its requests, the worker's task for them, and what is said of those that do not end well.

    `task` takes the request's number as `request`. `stands` says what stands after a request was cancelled, `lost` why
    one is given up whose worker died again and again; both in Chinese, as sentences of the catalogue.
    """

    model: type[Work]
    task: str
    stands: Callable[[Work], str]
    lost: str

    def hand_over(self, work: Work) -> None:
        """Give it to the worker, in the transaction of the caller."""
        work.task = app.configure_task(self.task, allow_unknown=False).defer(request=work.pk)
        work.state = WorkState.QUEUED
        work.save(update_fields=["task", "state"])

    def carry_out(self, number: int, now: datetime, do: Callable[[Work, WorkProgress], None]) -> None:
        """Do what a request asks for and note its end; nothing for one that has ended.

        `do` notes itself that it is done, where what it wrote and that word are one transaction.
        """
        work = self._begin(number)
        if work is None:
            return
        try:
            with ReportedProgress(work) as progress:
                do(work, progress)
            end_work(work, WorkState.DONE, now)
        except WorkCancelled:
            end_work(work, WorkState.CANCELLED, now, reason=self.stands(work))
        except Refused as refusal:
            end_work(work, WorkState.FAILED, now, reason=str(refusal))
        except OperationalError:
            raise  # the database went away: `recover` takes it up again
        except Exception as error:
            end_work(work, WorkState.FAILED, now, reason=_BROKEN.format(kind=type(error).__name__))
            raise

    def _begin(self, number: int) -> Work | None:
        with transaction.atomic():
            work = self._locked(number)
            if not work.is_under_way:
                return None
            work.state, work.attempts = WorkState.RUNNING, work.attempts + 1
            work.save(update_fields=["state", "attempts"])
        return work

    def cancel(self, number: int, by: str, now: datetime) -> Work:
        """Cancel: at once what still waits, before its next step what runs. What has ended stays as it ended."""
        with transaction.atomic():
            work = self._locked(number)
            if work.is_under_way and not work.cancelled_by:
                work.cancelled_by = by[:80]
                work.save(update_fields=["cancelled_by"])
            if work.state == WorkState.QUEUED:
                end_work(work, WorkState.CANCELLED, now, reason=self.stands(work))
            work.refresh_from_db()
        return work

    def recover(self, now: datetime) -> int:
        """Hand over anew what lost its worker's job, or end it with a reason; returns how many."""
        changed = 0
        rows = self.model._default_manager.filter(state__in=WORK_UNDER_WAY).order_by("pk")
        for number in list(rows.values_list("pk", flat=True)):
            with transaction.atomic():
                work = self._locked(number)
                if not work.is_under_way or has_worker(work):
                    continue
                if work.cancelled_by:
                    end_work(work, WorkState.CANCELLED, now, reason=self.stands(work))
                elif work.attempts >= WORK_ATTEMPTS:
                    end_work(work, WorkState.FAILED, now, reason=self.lost)
                else:
                    self.hand_over(work)
                changed += 1
        return changed

    def _locked(self, number: int) -> Work:
        return self.model._default_manager.select_for_update(of=("self",)).get(pk=number)
