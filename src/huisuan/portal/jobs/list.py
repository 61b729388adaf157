"""The list of jobs: what waits and why, where each is, since when, when it begins and ends, what it cost so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property, reduce
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.text_length import shortened
from huisuan.compute.jobs.cost import costs_of
from huisuan.compute.jobs.expected import job_times
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Job, JobState, Partition
from huisuan.parties.models import Party, Project
from huisuan.parties.projects import get_project, list_projects
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs import details as job_facts
from huisuan.portal.sentences.page import translate_sentence
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Selection, Text
from huisuan.portal.ui.keyset_table import KeysetTable
from huisuan.portal.ui.list_filters import firm_choice, months_to_choose, span_of_month
from huisuan.portal.ui.table import Table
from huisuan.portal.visible import compute as queries

NOT_OVER = "open"  # as a state: whatever is not over
_SPANS = {"1": _("近 24 小时"), "7": _("近 7 天"), "30": _("近 30 天"), "365": _("近一年")}


def _name(job: Job) -> str:
    return job.name if job.array_index is None else f"{job.name} [{job.array_index}]"


def _model(job: Job) -> str:
    return job.accelerator.model if job.accelerator else job_facts.cards_wanted(job)


def _why_waiting(job: Job) -> str:
    return translate_sentence(job.reasons[0]) if job.state in job_facts.WAITS and job.reasons else ""


def job_columns(viewer: Viewer) -> list[Column]:
    """What a job is and where it stands; who reads several parties sees whose each job is."""
    columns = [
        Column("name", _("作业名"), _name, sort="name", link=lambda job: reverse("job", args=[job.uid])),
        Column("uid", _("编号"), "uid", Kind.LONG_CODE, minor=True),
        Column(
            "state",
            _("状态"),
            lambda job: state_labels.state_word(state_labels.JOB, job.state),
            Kind.STATE,
            note=_why_waiting,
            note_label=_("等待的原因"),
        ),
        Column("cards", _("卡数"), "cards", Kind.INTEGER, sort="cards"),
        Column("model", _("型号"), _model),
        Column("centre", _("中心"), lambda job: state_labels.local_name(job.centre) if job.centre else ""),
        Column("submitted", _("提交"), "submitted_at", Kind.MOMENT, sort="submitted_at"),
    ]
    if viewer.role != "user":
        columns.insert(2, Column("party", _("使用方"), lambda job: state_labels.local_name(job.party)))
    return columns


def _estimated(which: str) -> Callable[[Job], str]:
    def text(job: Any) -> str:
        times = job.times
        return _t("预计") if getattr(times, f"{which}_estimated") and getattr(times, f"{which}s") else ""

    return text


def _spent(figure: str) -> Callable[[Job], int | None]:
    """A figure of the cost; nothing of a job that has held no cards yet."""
    return lambda job: getattr(job.cost, figure) if job.cost.lines else None  # type: ignore[attr-defined]


def _progress_columns() -> list[Column]:
    """What `_look_up` adds to a row."""
    estimated = _("是否预计")
    return [
        Column("since", _("现状自"), "times.since", Kind.MOMENT, minor=True),
        Column(
            "started", _("开始"), "times.starts", Kind.MOMENT, sort="started_at",
            note=_estimated("start"), note_label=estimated,
        ),
        Column(
            "ended", _("结束"), "times.ends", Kind.MOMENT, sort="ended_at",
            note=_estimated("end"), note_label=estimated,
        ),
        Column("metered", _("计量"), "metered", Kind.CARD_SECONDS, minor=True),
        Column("cost", _("至今花费，估算"), _spent("rounded_fen"), Kind.FEN),
        Column("back", _("其中补助，估算"), _spent("back_fen"), Kind.FEN),
    ]  # fmt: skip


def _look_up(rows: Sequence[Any]) -> None:
    """Times and costs of a page of jobs, in a few queries for all of them."""
    now = timezone.now()
    costs = costs_of(rows, now)
    for job in rows:
        job.times, job.cost = job_times(job, now), costs[job.pk]
        job.metered = sum(line.card_seconds for line in job.cost.lines if line.metered)


def job_states(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    """The states of jobs, to choose from."""
    return [(state, word.label) for state, word in state_labels.JOB.items()]


def _states_and_open(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(NOT_OVER, _("没有结束的")), *job_states(rows)]


def _in_state(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
    if state == NOT_OVER:
        return rows.filter(state__in=[each for each in JobState.values if each not in FINAL_STATES])
    return rows.filter(state=state)


def _models(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    offered = Partition.objects.exclude(centre__engine="").order_by("accelerator__model")
    return [(name, name) for name in offered.values_list("accelerator__model", flat=True).distinct()]


def _since(rows: QuerySet[Any], days: str) -> QuerySet[Any]:
    return rows.filter(submitted_at__gte=timezone.now() - timedelta(days=int(days)))


def _project_name(project: Project) -> str:
    return (
        project.code
        if project.code == project.name
        else f"{project.code} · {shortened(translate_sentence(project.name), 24)}"
    )


def _months_submitted(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return months_to_choose(rows.order_by().aggregate(first=Min("submitted_at"), last=Max("submitted_at")))


def _in_month_submitted(rows: QuerySet[Any], month: str) -> QuerySet[Any]:
    starts, ends = span_of_month(month)
    return rows.filter(submitted_at__gte=starts, submitted_at__lt=ends)


def _choices(viewer: Viewer) -> list[Choice]:
    def centres(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        inside = Centre.objects.filter(viewer.centres()) if viewer.role == "centre" else Centre.objects.all()
        return [(centre.code, state_labels.local_name(centre)) for centre in inside.exclude(engine="")]

    def at_centre(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        return rows.filter(centre=Centre.objects.get(code=code))  # by its key: an index is searched by it

    def of_model(rows: QuerySet[Any], model: str) -> QuerySet[Any]:
        return rows.filter(accelerator=Accelerator.objects.get(model=model))

    def own_projects(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(project.code, _project_name(project)) for project in list_projects(viewer)]

    def of_project(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        return rows.filter(project=get_project(viewer, code))

    found = [
        Choice("state", _("状态"), _states_and_open, _in_state, served=True),
        Choice("centre", _("中心"), centres, at_centre, served=True),
        Choice("model", _("型号"), _models, of_model),
        Choice("since", _("提交于"), lambda _rows: list(_SPANS.items()), _since, served=True),
        Choice("month", _("提交月份"), _months_submitted, _in_month_submitted, served=True),
        *([] if viewer.role == "user" else [firm_choice(served=True)]),
    ]
    if viewer.role == "user":  # who reads several firms finds the same code in each
        found.insert(1, Choice("project", _("项目"), own_projects, of_project, served=True))
    return found


class ManyJobs(KeysetTable):
    """Jobs, newest first. A word that is the number of a job or of an array finds it wherever it stands."""

    @cached_property
    def _numbers(self) -> list[Q]:
        """The words that are numbers, as what they find."""
        plain = [word for word in self.words if word.isalnum()]
        found = ((word, Q(pk=word) | Q(array_uid=word)) for word in plain)
        return [which for _word, which in found if Job.objects.filter(which).exists()]

    def matching(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        """The rows of that number, if there are any; else those that have the word somewhere."""
        number = Q(pk=word) | Q(array_uid=word)
        if number in self._numbers:
            return rows.filter(number)
        if "party__name" not in self.search:
            return super().matching(rows, word)
        own = reduce(Q.__or__, (Q(**{f"{path}__icontains": word}) for path in self.search if path != "party__name"))
        parties = Party.objects.filter(name__icontains=word)  # few: each job is asked for its own fields alone
        return rows.filter(own | Q(party__in=list(parties.values_list("pk", flat=True))))

    @cached_property
    def searches(self) -> bool:
        """Not for a number, which has an index."""
        return not self._numbers and super().searches


def job_table(request: HttpRequest, viewer: Viewer, selection: Selection | None = None) -> Table:
    """The jobs that the viewer reads, newest first."""
    own = viewer.role == "user"
    return ManyJobs(
        request,
        queries.listed_jobs(viewer),
        [*job_columns(viewer), *_progress_columns()],
        file="jobs",
        order="-submitted",
        search=("name", "uid", "array_uid", "submitted_by", *(() if own else ("party__name",))),
        choices=_choices(viewer),
        prepare=_look_up,
        selection=selection,
        empty=Empty(
            _("还没有作业。"),
            command="" if own else "huisuan job submit --cards 1 -- python train.py",
            link=reverse("submit-job") if own else "",
            link_text=_("提交第一个作业"),
        ),
    )
