"""What officials see of a register beyond the public: what they have to look at, and what private fields say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import RegisterSpec
from huisuan.parties.models import Person
from huisuan.portal.registers.field_words import field_title
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.keepers import may_correct
from huisuan.programmes.registers.linked import all_said_twice, ending_soon, not_answered, not_looked_at

_SEE_ALL = ("province", "department", "treasury", "auditor")
_LOOK = ("city", *_SEE_ALL)


def sees_private(spec: RegisterSpec, version: RegisterVersion, reader: Person | None, now: datetime) -> bool:
    """Whether somebody learns what private fields of an entry say: officials of the province; of a city, its own."""
    if reader is None:
        return False
    return reader.role in _SEE_ALL or (reader.role == "city" and may_correct(spec, version, reader, now))


def load_to_look_at(reader: Person | None, policy: str, spec: RegisterSpec, today: date) -> dict[str, Any]:
    """What officials have to look at: what is said twice, what is not answered, what nobody looked at last year."""
    if reader is None or reader.role not in _LOOK:
        return {}
    now, twice = timezone.now(), [(spec.field_of(key), rows) for key, rows in all_said_twice(policy, spec)]
    return {
        "twice": [
            (field_title(one), rows)
            for one, rows in twice
            if one is not None and (one.public or any(sees_private(spec, row, reader, now) for row in rows))
        ],
        "late": not_answered(load_policy(policy), spec, today), "unlooked": not_looked_at(policy, spec, today),
        **_ending(load_policy(policy), spec, today),
    }  # fmt: skip


def _ending(policy: Policy, spec: RegisterSpec, today: date) -> dict[str, Any]:
    """What ends within the days that are set for the register; nothing where none are."""
    setting = spec.notice_setting
    held = policy.adopted(min(today, policy.valid_to), today).get(setting.name) if setting else None
    if held is None:
        return {}
    days = int(str(held.value))
    return {"days": days, "ending": list(ending_soon(policy.name, spec.key, today, today + timedelta(days=days)))}
