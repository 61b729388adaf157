"""A platform that came back from a backup is behind its agents.

What they sent since, they send again by themselves: the platform names its last batch, and they keep theirs. Of jobs
that came after the backup the platform knows nothing: they go on, and their use is kept as doubtful. A job that waits
in the backup may have run since: it is placed only once a person released the restore.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from huisuan.compute.models import Restoration


def unreleased() -> Restoration | None:
    """The restore that nobody has released yet, if there is one."""
    return Restoration.objects.filter(released_at__isnull=True).first()


def may_be_placed() -> Q:
    """Waiting jobs that a restore does not hold back."""
    held = unreleased()
    return Q() if held is None else Q(submitted_at__gt=held.restored_at)


def release(now: datetime) -> int:
    """Let everything go on as ever; returns how many restores waited for it."""
    return Restoration.objects.filter(released_at__isnull=True).update(released_at=now)
