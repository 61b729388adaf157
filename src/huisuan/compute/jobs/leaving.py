"""A colleague is removed from a firm while jobs of theirs run: the owner says whether these go on or end, on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobs.services import cancel_jobs
from huisuan.compute.models import FINAL_STATES, Job
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.members import check_owner, remove_member
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer

JOBS_CHOICES = {"keep": "继续运行", "cancel": "请求取消"}


@dataclass(frozen=True)
class MemberRemoval:
    """Who was removed, and the uids of their jobs that were not over."""

    person: Person
    uids: list[str]


@transaction.atomic
def remove_with_jobs(viewer: Viewer, username: str, jobs: str, actor: Actor, now: datetime) -> MemberRemoval:
    """End a colleague's access at once; their jobs that are not over go on (`keep`) or are cancelled (`cancel`).

    Raises:
        NotAllowed: the viewer is no owner, or it is the last owner.
        Refused: no such colleague, removed already, or neither choice.
    """
    if jobs not in JOBS_CHOICES:
        raise InvalidRequest(f"作业 {jobs}：请说明 keep（继续）还是 cancel（取消）", code="member.jobs_undecided")
    party = check_owner(viewer)
    # the person first: with their tokens gone, nothing is submitted any more between the look and the removal
    person = remove_member(viewer, username, actor, now, f"其未结束的作业{JOBS_CHOICES[jobs]}")
    own = Job.objects.filter(party=party, submitted_by=username[:80]).exclude(state__in=FINAL_STATES).order_by("pk")
    left = list(own.select_for_update(of=("self",)))
    if jobs == "cancel":
        cancel_jobs(left, viewer.name, now)
    return MemberRemoval(person, [job.uid for job in left])
