"""Usage records: the list, and one record down to the raw line that it was read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.usage.records import of_jobs
from huisuan.compute.models import Accelerator, Centre, Partition, UsageDay, UsageRecord
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.seals.calendar import refusals, state_of
from huisuan.portal.ui import keyset_table, state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.keyset_table import KeysetTable
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import compute as queries
from huisuan.settlement.runs.queries import load_checked_raw_line

LONGEST_CHOICE = 60


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


def _months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    """The months between the first record and the last: of the rows' owner or centre, found by index."""
    span = rows.order_by().aggregate(first=Min("started_at"), last=Max("started_at"))
    if span["first"] is None:
        return []
    first, last = (span[end].astimezone(SHANGHAI) for end in ("first", "last"))
    count = min((last.year - first.year) * 12 + last.month - first.month + 1, LONGEST_CHOICE)
    named = [divmod(last.year * 12 + last.month - 1 - back, 12) for back in range(count)]
    return [(month := f"{year}-{index + 1:02d}", month) for year, index in named]


def _in_year(rows: QuerySet[Any], year: str) -> QuerySet[Any]:
    start, end = (datetime(number, 1, 1, tzinfo=SHANGHAI) for number in (int(year), int(year) + 1))
    return rows.filter(ended_at__gt=start, started_at__lt=end)


def _in_month(rows: QuerySet[Any], month: str) -> QuerySet[Any]:
    year, number = (int(part) for part in month.split("-"))
    start = datetime(year, number, 1, tzinfo=SHANGHAI)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=SHANGHAI)
    return rows.filter(started_at__gte=start, started_at__lt=end)


def _choices_of_many(viewer: Viewer) -> list[Choice]:
    """The filters of a list of all that a viewer reads; none looks at every record to know its options."""
    inside = Centre.objects.filter(viewer.centres()) if viewer.role == "centre" else Centre.objects.all()
    spanned = UsageRecord.objects.filter(viewer.usage()) if viewer.role == "user" else UsageRecord.objects.all()
    months = list(_months(spanned))
    years = [(year, year) for year in dict.fromkeys(month[:4] for month, _label in months)]
    declared = Partition.objects.filter(centre__in=inside).order_by().values("accelerator")
    counted = UsageDay.objects.filter(centre__in=inside).order_by().values("accelerator")
    models = Accelerator.objects.filter(Q(pk__in=declared) | Q(pk__in=counted)).order_by("model")
    names = [(name, name) for name in models.values_list("model", flat=True)]
    centres = [(each.code, local_name(each)) for each in inside.filter(last_sequence__gt=0)]
    return [
        Choice("centre", _("中心"), lambda _rows: centres, _at_centre),
        Choice("year", _("年度"), lambda _rows: years, _in_year),
        Choice("month", _("开始月份"), lambda _rows: months, _in_month),
        Choice("model", _("型号"), lambda _rows: names, _of_model),
    ]


def _models_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    names = rows.order_by("accelerator__model").values_list("accelerator__model", flat=True).distinct()
    return [(name, name) for name in names]


def _at_centre(found: QuerySet[Any], code: str) -> QuerySet[Any]:
    return found.filter(centre=Centre.objects.get(code=code))  # by its key: an index is searched by it


def _of_model(found: QuerySet[Any], model: str) -> QuerySet[Any]:
    return found.filter(accelerator=Accelerator.objects.get(model=model))


def _centres_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Centre.objects.filter(Exists(rows.order_by().filter(centre=OuterRef("pk"))))
    return [(centre.code, local_name(centre)) for centre in found]


def _years_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(year, year) for year in dict.fromkeys(month[:4] for month, _label in _months(rows))]


#: of records that are few: what the rows themselves have
MODEL_CHOICE = Choice("model", _("型号"), _models_of, _of_model)
_CHOICES_OF_FEW = (
    Choice("centre", _("中心"), _centres_of, _at_centre),
    Choice("year", _("年度"), _years_of, _in_year),
    Choice("month", _("开始月份"), _months, _in_month),
    MODEL_CHOICE,
)


class ManyRecords(KeysetTable):
    """Records beyond counting, newest first. A word that is the name of a job finds that job by its index."""

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows of the job of that name, if there is one; else those that have the word somewhere."""
        exact = rows.filter(of_jobs([word]))
        return exact if exact.exists() else super().matching(rows, word)


SEARCHED = ("job_id", "account", "user", "party__name", "party__uscc", "centre__code", "state")
_NO_RECORDS = Empty(
    _("还没有用量记录。作业结束后由智算中心自动报来；也可由运营方导入调度器的记账文件："),
    command="huisuan usage import --centre CODE --format sacct FILE",
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
    few = rows.order_by()[: keyset_table.MOST_COUNTED + 1].count() <= keyset_table.MOST_COUNTED
    table = (
        record_table(request, viewer, rows, choices=_CHOICES_OF_FEW) if few else _many_records(request, viewer, rows)
    )
    return render_tables(request, "portal/user/usage.html", {"here": "usage"}, [table])


def _many_records(request: HttpRequest, viewer: Viewer, rows: QuerySet[UsageRecord]) -> Table:
    """Records that nobody can count: where a filter leaves so few that they can, sorted by any column and summed."""
    choices = _choices_of_many(viewer)
    columns = [
        replace(column, sort="" if column.key != "started" else "started_at") for column in record_columns(viewer)
    ]
    many = ManyRecords(
        request, rows, columns, file="usage", order="-started", search=SEARCHED, choices=choices, opens=_opens,
        page=_address, empty=_NO_RECORDS,
    )  # fmt: skip
    return many if many.is_more else record_table(request, viewer, rows, choices=choices)


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
    return render(request, "portal/user/record.html", context)


@allow()
def raw_line(request: HttpRequest, code: str, sequence: int) -> HttpResponseBase:
    """The raw line of a record, as what a row or a branch opens in place."""
    record = _record(viewer_of(request), code, sequence)
    branch = request.GET.get("as") == "branch"
    template = "portal/user/raw_branch.html" if branch else "portal/user/raw_row.html"
    return render(request, template, {"record": record, "raw": load_checked_raw_line(record)})
