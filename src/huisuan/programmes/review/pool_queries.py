"""What the pool of experts says now, for lists and JSON."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet

from huisuan.base.errors import NotFound
from huisuan.programmes.models import Expert, ExpertTie
from huisuan.programmes.review.conflicts import is_active_on
from huisuan.programmes.review.pool_import import current_entries


def list_experts(day: date, field: str = "") -> list[dict[str, Any]]:
    """Every expert by username, with the entry that counts now; `field`: only those who know it."""
    entries = current_entries().select_related("expert__person", "employer").order_by("expert__person__username")
    return [
        {
            "username": entry.expert.person.username, "name": entry.expert.person.name,
            "employer": entry.employer.name if entry.employer else entry.employer_name,
            "employer_uscc": entry.employer.uscc if entry.employer else None,
            "fields": entry.fields, "active_from": entry.active_from, "active_until": entry.active_until,
            "active": is_active_on(entry, day) and entry.expert.person.is_active,
        }
        for entry in (entries.filter(fields__contains=[field]) if field else entries)
    ]  # fmt: skip


def list_ties(username: str = "") -> list[dict[str, Any]]:
    """The ties of one expert, or of all, the newest first.

    Raises:
        NotFound: no expert of that name.
    """
    ties: QuerySet[ExpertTie] = ExpertTie.objects.select_related("expert__person", "party").order_by("-id")
    if username:
        if not Expert.objects.filter(person__username=username).exists():
            raise NotFound(f"专家库里没有 {username}：用 huisuan experts list 查看", code="experts.unknown")
        ties = ties.filter(expert__person__username=username)
    return [
        {
            "username": tie.expert.person.username, "party": tie.party.uscc, "party_name": tie.party.name,
            "kind": tie.kind, "starts": tie.starts, "ends": tie.ends, "source": tie.source,
            "known_from": tie.known_from,
        }
        for tie in ties
    ]  # fmt: skip
