"""Storing flags: each once, with what it saw; what was raised before stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from huisuan.programmes.models import Application, ApplicationFlag, FlagReason


@dataclass(frozen=True)
class FoundFlag:
    """Something found about an application, or between two; `about` tells apart what is of one kind."""

    kind: FlagReason
    application: Application
    about: str
    other: Application | None = None
    saw: Mapping[str, Any] = field(default_factory=dict)


def store_flags(found: Iterable[FoundFlag], now: datetime) -> list[ApplicationFlag]:
    """The flags that are new. Of two applications it stands with the later one, whichever of them was looked at."""
    rows = []
    for each in found:
        pair = sorted((each.application.pk, *((each.other.pk,) if each.other else ())))
        rows.append(
            ApplicationFlag(
                application_id=pair[-1], other_id=pair[0] if each.other else None, kind=each.kind.value,
                about=each.about[:200], saw=dict(each.saw), raised_at=now,
            )
        )  # fmt: skip
    if not rows:
        return []
    before = set(ApplicationFlag.objects.filter(application__in=[row.application_id for row in rows]).values_list("pk"))
    ApplicationFlag.objects.bulk_create(rows, ignore_conflicts=True)
    after = ApplicationFlag.objects.filter(application__in=[row.application_id for row in rows])
    return [flag for flag in after if (flag.pk,) not in before]
