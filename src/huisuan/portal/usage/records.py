"""Usage records: the list, and one record down to the raw line that it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

from huisuan.compute.metering.usage.records import of_jobs
from huisuan.compute.models import Centre, UsageRecord
from huisuan.parties.models import Party
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.seals.calendar import refusals, state_of
from huisuan.portal.ui import keyset_table, state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.keyset_table import KeysetTable
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.usage.record_filters import choices_of_few, choices_of_many
from huisuan.portal.visible import compute as queries
from huisuan.settlement.runs.queries import load_checked_raw_line


def _address(record: UsageRecord) -> str:
    return reverse("record", args=[record.centre.code, record.sequence])


def _opens(record: UsageRecord) -> str:
    return reverse("raw-line", args=[record.centre.code, record.sequence])


WITHIN = Column("within", _("计入本账单"), "within", Kind.CARD_SECONDS, "within", total="within")


def record_columns(viewer: Viewer) -> list[Column]:
    """The columns of a list of records."""
    columns = [
        Column(
            "record",
            _("记录"),
            lambda each: f"{each.centre.code}/{each.sequence}",
            Kind.CODE,
            "sequence",
            link=_address,
        ),
        Column("job", _("作业号"), "job_id", Kind.LONG_CODE, "job_id"),
        Column("run", _("轮次"), "run", Kind.INTEGER, "run", minor=True),
        Column("account", _("账户"), lambda each: each.account or each.user, sort="account", minor=True),
        Column("model", _("型号"), "accelerator.model", Kind.CODE, sort="accelerator__model"),
        Column("cards", _("卡数"), "cards", Kind.INTEGER, "cards"),
        Column("started", _("开始"), "started_at", Kind.MOMENT, "started_at"),
        Column("ended", _("结束"), "ended_at", Kind.MOMENT, "ended_at", minor=True),
        Column("state", _("终态"), "state", Kind.CODE, sort="state", minor=True),
        Column("used", _("用量"), "card_seconds", Kind.CARD_SECONDS, "card_seconds", total="card_seconds"),
    ]
    if viewer.role in ("city", "province", "auditor"):
        columns = [column for column in columns if column.key != "account"]  # whose it is says more
    if viewer.role != "user":
        columns.insert(
            1,
            Column(
                "party",
                _("使用方"),
                lambda each: local_name(each.party) if each.party else "",
                sort="party__name",
            ),
        )
    return columns


_NAMED_PARTIES = 60  # to the database, one by one


class ManyRecords(KeysetTable):
    """Records beyond counting, newest first. A word that is the name of a job finds that job by its index."""

    @cached_property
    def _of_one_job(self) -> bool:
        """Whether one of the words is the name of a job: what is left of it are few, wherever they stand."""
        return any(self.everything.filter(of_jobs([word])).exists() for word in self.words)

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows of the job of that name, if there is one; else those that have the word somewhere.

        Parties and centres are few and looked up first, so that each record is asked for its own fields alone.
        """
        if self.everything.filter(of_jobs([word])).exists():
            return rows.filter(of_jobs([word]))
        parties = Party.objects.filter(Q(name__icontains=word) | Q(uscc__icontains=word))
        own = Q(job_id__icontains=word) | Q(account__icontains=word) | Q(user__icontains=word)
        named = list(parties.values_list("pk", flat=True)[: _NAMED_PARTIES + 1])
        if len(named) > _NAMED_PARTIES:
            own |= Q(party__in=parties)
        elif named:
            own |= Q(party__in=named)
        if centres := list(Centre.objects.filter(code__icontains=word).values_list("pk", flat=True)):
            own |= Q(centre__in=centres)
        return rows.filter(own | Q(state__startswith=word.upper()))

    @cached_property
    def searches(self) -> bool:
        """Not for the name of a job, which has an index."""
        return not self._of_one_job and super().searches


SEARCHED = ("job_id", "account", "user", "party__name", "party__uscc", "centre__code", "state")
_NO_RECORDS = Empty(
    _("还没有用量记录。作业结束后由智算中心自动报来；也可由运营方导入调度器的记账文件："),
    command="huisuan usage import --centre CODE --format sacct FILE",
    link=reverse_lazy("jobs"),
    link_text=_("看作业"),
)


def record_table(
    request: HttpRequest,
    viewer: Viewer,
    rows: QuerySet[UsageRecord],
    file: str = "usage",
    name: str = "",
    more: Sequence[Column] = (),
    without: Sequence[str] = (),
    choices: Sequence[Choice] = (),
) -> Table:
    """Records as a table; a row opens in place down to its raw line."""
    return Table(
        request,
        rows,
        [*(column for column in record_columns(viewer) if column.key not in without), *more],
        file=file,
        name=name,
        order="-started" if viewer.role == "user" else "-record",  # each has an index of its own
        search=SEARCHED,
        choices=choices,
        opens=_opens,
        page=_address,
        empty=_NO_RECORDS,
    )


@allow()
def record_list(request: HttpRequest) -> HttpResponseBase:
    """The records that the viewer reads."""
    viewer = viewer_of(request)
    rows = queries.records(viewer)
    counted = rows.order_by()[: keyset_table.MOST_COUNTED + 1].count()
    table = (
        record_table(request, viewer, rows, choices=choices_of_few(viewer))
        if counted <= keyset_table.MOST_COUNTED
        else many_records(request, viewer, rows, choices_of_many(viewer), unfiltered={"rows": counted})
    )
    return render_tables(request, "portal/usage/usage.html", {"here": "usage"}, [table])


def many_records(
    request: HttpRequest,
    viewer: Viewer,
    rows: QuerySet[UsageRecord],
    choices: Sequence[Choice],
    file: str = "usage",
    name: str = "",
    unfiltered: dict[str, int] | None = None,
    measured: QuerySet[UsageRecord] | None = None,
) -> Table:
    """Records that nobody can count: where a filter leaves so few that they can, sorted by any column and summed.

    `unfiltered`: what they come to without a filter, where that is known. `measured`: by which a stretch of them is
    measured (`KeysetTable`); those that the viewer ever read where none are given.
    """
    columns = [
        replace(column, sort="" if column.key != "started" else "started_at") for column in record_columns(viewer)
    ]
    many = ManyRecords(
        request, rows, columns, file=file, name=name, order="-started", search=SEARCHED, choices=choices,
        opens=_opens, page=_address, empty=_NO_RECORDS,
        measured=queries.records_ever(viewer) if measured is None else measured,
    )  # fmt: skip
    if unfiltered and not many.is_filtered:
        many.totals = unfiltered
    if many.searches or many.is_more:
        return many
    few = record_table(request, viewer, rows, file, name, choices=choices)
    few.totals = many.totals  # the same rows: they are not counted twice
    return few


def _record(viewer: Viewer, code: str, sequence: int) -> UsageRecord:
    rows = UsageRecord.objects.filter(viewer.usage()).select_related("centre", "party", "accelerator", "source_file")
    return get_object_or_404(rows, centre__code=code, sequence=sequence)


@allow()
def record_page(request: HttpRequest, code: str, sequence: int) -> HttpResponseBase:
    """One record: what it says, the raw line behind it, what became of it. A superseded one stays readable."""
    viewer = viewer_of(request)
    record = _record(viewer, code, sequence)
    newer = UsageRecord.objects.filter(centre=record.centre_id, supersedes=record.sequence).first()
    seal = queries.seal_of(record)
    context: dict[str, Any] = {
        "here": "usage",
        "same": queries.chain_of(viewer, record),
        "record": record,
        "held": int((record.ended_at - record.started_at).total_seconds()),
        "newer": newer,
        "raw": load_checked_raw_line(record),
        "batch": queries.batch_of(record),
        "seal": seal,
        "seal_word": state_labels.SEAL[state_of(seal, refusals(record.centre))] if seal else None,
        "seal_address": queries.seal_address(viewer, seal) if seal else None,
        "bills": queries.bills_of(viewer, record) if record.party_id else [],
    }
    return render(request, "portal/usage/record.html", context)


@allow()
def raw_line(request: HttpRequest, code: str, sequence: int) -> HttpResponseBase:
    """The raw line of a record, as what a row or a branch opens in place."""
    record = _record(viewer_of(request), code, sequence)
    branch = request.GET.get("as") == "branch"
    template = "portal/usage/raw_branch.html" if branch else "portal/usage/raw_row.html"
    return render(request, template, {"record": record, "raw": load_checked_raw_line(record)})
