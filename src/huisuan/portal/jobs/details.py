"""What a job's page says of it besides figures: what was asked for, each step of its life, why it is where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from huisuan.compute.jobs import queries as job_queries
from huisuan.compute.jobs.webhooks.delivery import TRIES_AFTER
from huisuan.compute.models import FINAL_STATES, Job, JobEvent, JobState
from huisuan.compute.placement.types import POINT
from huisuan.compute.placement.weights import load_weights
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import number_format, state_labels
from huisuan.protocol import placement as placement_wire

WAITS = (JobState.SUBMITTED, JobState.WAITING)  # for other jobs, for cards
STEPS_SHOWN = 100  # the latest; a job that a centre takes and loses again and again has more
_PARTS: Mapping[str, str | Promise] = {
    "start": _("等待"),
    "price": _("净价"),
    "distance": _("数据距离"),
    "fit": _("卡的余裕"),
    "fragmentation": _("零碎"),
}


# --- what was asked for


def cards_wanted(job: Job) -> str:
    """The cards that will do, in words."""
    least = [job.vendor] if job.vendor else []
    if job.min_memory_gib:
        least.append(_t("显存 ≥ {n} GiB").format(n=number_format.format_integer(job.min_memory_gib)))
    if job.min_tflops_fp16:
        least.append(_t("FP16 ≥ {n} TFLOPS").format(n=f"{job.min_tflops_fp16.normalize():f}"))
    return " · ".join(filter(None, [_t("、").join(job.card_models), *least])) or _t("任何型号")


def place_wanted(job: Job) -> str:
    """Where it may run."""
    found = [state_labels.local_name(place) for place in (job.wanted_city, job.wanted_centre) if place]
    return _t("只在 {places}").format(places=" · ".join(found)) if found else _t("全省任何中心")


def webhook_host(job: Job) -> str:
    """Whom its webhook tells: the host alone, for the path is the receiver's secret."""
    return urlsplit(job.notify_url).hostname or ""


@dataclass(frozen=True)
class Other:
    """Another job beside this one: one that it waits for, or that waits for it."""

    uid: str
    name: str
    word: state_labels.Word


def before(job: Job) -> list[Other]:
    """The jobs that must be done before this one begins."""
    return _others(Job.objects.filter(followers__job=job))


def behind(job: Job) -> list[Other]:
    """The jobs that wait for this one."""
    return _others(Job.objects.filter(dependencies__after=job))


def _others(jobs: QuerySet[Job]) -> list[Other]:
    rows = jobs.order_by("uid").values_list("uid", "name", "state")[:STEPS_SHOWN]
    return [Other(uid, name, state_labels.state_word(state_labels.JOB, state)) for uid, name, state in rows]


@dataclass(frozen=True)
class Counted:
    """So many jobs of an array are in one state."""

    word: state_labels.Word
    count: int
    href: str


@dataclass(frozen=True)
class Array:
    """The array that a job belongs to; `left` of it are not over."""

    count: int
    states: Sequence[Counted]
    href: str
    left: int


def array_of(job: Job, viewer: Viewer) -> Array | None:
    """The jobs of its array by their states, each a link to the list of them; None: it is alone."""
    if not job.array_uid:
        return None
    found = job_queries.array(viewer, job)
    href = f"{reverse('jobs')}?{urlencode({'q': job.array_uid})}"
    states = [
        Counted(state_labels.state_word(state_labels.JOB, state), count, f"{href}&{urlencode({'state': state})}")
        for state, count in found.states.items()
    ]
    left = sum(count for state, count in found.states.items() if state not in FINAL_STATES)
    return Array(found.count, states, href, left)


# --- the steps of its life


@dataclass(frozen=True)
class TimelineStep:
    """A step as the timeline shows it; `told`: what became of telling the webhook, `failed` where it was given up."""

    event: JobEvent
    word: state_labels.Word
    told: str
    failed: bool

    @property
    def run_number(self) -> int:
        """Which run it is of, from 1."""
        return self.event.run + 1


def steps(job: Job) -> list[TimelineStep]:
    """The latest steps, in order."""
    events = JobEvent.objects.filter(job=job).select_related("centre").order_by("-id")[:STEPS_SHOWN]
    return [_step(job, event) for event in reversed(events)]


def _step(job: Job, event: JobEvent) -> TimelineStep:
    word = state_labels.state_word(state_labels.JOB, event.state)
    if not job.notify_url:
        return TimelineStep(event, word, "", False)
    if event.notified_at:
        told = _t("{at} 已通知").format(at=number_format.local_time(event.notified_at))
        if event.tries > 1:
            told += _t("（第 {n} 次）").format(n=event.tries)
        return TimelineStep(event, word, told, False)
    if event.tries >= len(TRIES_AFTER):
        return TimelineStep(
            event,
            word,
            ngettext("通知 {n} 次未成，不再试", "通知 {n} 次未成，不再试", event.tries).format(n=event.tries),
            True,
        )
    again = ngettext("通知了 {n} 次未成，再试", "通知了 {n} 次未成，再试", event.tries).format(n=event.tries)
    return TimelineStep(event, word, again if event.tries else "", False)


# --- why there


@dataclass(frozen=True)
class ScoreRow:
    """A pool of a decision: its score by part and in all, in points (less is better), exact to a thousandth."""

    place: str
    chosen: bool
    parts: Sequence[tuple[str | Promise, str]]
    total: str


@dataclass(frozen=True)
class Decided:
    """A decision as the page shows it; `heads` are the parts with the weight that each had."""

    decision: placement_wire.Decision
    heads: Sequence[tuple[str | Promise, int | None]]
    rows: Sequence[ScoreRow]


def decided(decision: placement_wire.Decision) -> Decided:
    """A decision with its runners-up, part by part."""
    weights = next((each.score for each in load_weights() if each.name == decision.weights), None)
    names = [*_PARTS, *(name for name in decision.parts if name not in _PARTS)]
    heads = [(_PARTS.get(name, name), getattr(weights, name, None)) for name in names]
    chosen = {"centre": decision.centre, "model": decision.model, "parts": decision.parts}
    rows = [
        ScoreRow(
            f"{pool['centre']} {pool['model']}",
            pool is chosen,
            [(_PARTS.get(name, name), _points(pool["parts"].get(name, 0))) for name in names],
            _points(sum(pool["parts"].values())),
        )
        for pool in (chosen, *decision.runners_up)
    ]
    return Decided(decision, heads, rows)


def _points(millionths: int) -> str:
    """A score in points to three places, rounded half away from zero; a part can be less than nothing."""
    thousandths = (2 * abs(millionths) * 1000 + POINT) // (2 * POINT)
    return f"{'-' if millionths < 0 and thousandths else ''}{thousandths // 1000:,}.{thousandths % 1000:03d}"
