"""What stands on a register, on a day; an entry with its versions. What a field hides from the public stays hidden."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.entry_line import normalise_entry_code


def list_registers() -> list[tuple[Policy, RegisterSpec]]:
    """Every register of every policy here that can be read."""
    found = []
    for name in list_policies():
        try:
            policy = load_policy(name)
        except LawError:  # its own page says what is wrong with it
            continue
        found += [(policy, spec) for spec in policy.registers]
    return found


def every_standing_version() -> QuerySet[RegisterVersion]:
    """The newest version of every entry of every register."""
    found = RegisterVersion.objects.filter(standing_for__isnull=False)
    return found.select_related("entry", "holder", "region")


def standing_versions(policy: str, key: str, on: date | None = None) -> QuerySet[RegisterVersion]:
    """The newest version of every entry; with a day only what is on the register that day."""
    found = every_standing_version().filter(entry__policy=policy, entry__register=key)
    if on is None:
        return found
    return found.filter(Q(until_day__isnull=True) | Q(until_day__gte=on), from_day__lte=on)


def get_version(policy: str, key: str, code: str) -> RegisterVersion:
    """The version of an entry that stands.

    Raises:
        NotFound: no such entry.
    """
    found = standing_versions(policy, key).filter(entry__code=normalise_entry_code(code)).first()
    if found is None:
        raise NotFound(f"名录 {key} 里没有 {code[:40]}", code="register.entry_unknown")
    return found


def list_versions(version: RegisterVersion) -> QuerySet[RegisterVersion]:
    """Everything that was ever said of its entry, the newest first."""
    return version.entry.versions.select_related("entry", "holder", "region").order_by("-number")


def public_fields(spec: RegisterSpec) -> tuple[RegisterField, ...]:
    """The fields that anyone may see."""
    return tuple(one for one in spec.fields if one.public)


def value_text(one: RegisterField, value: Any) -> Any:
    """A value as people read it: a choice by its word; amounts stay fen, days and counts as they are."""
    if one.kind is FieldKind.CHOICE and value is not None:
        return one.options[value][0] if value in one.options else value
    return value


def version_to_dict(spec: RegisterSpec, version: RegisterVersion) -> dict[str, Any]:
    """A version as JSON carries it (amounts in fen), without what is not public."""
    return {
        "code": version.entry.code, "name": version.name, "holder": version.holder.uscc if version.holder else None,
        "region": version.region_id, "from": version.from_day, "until": version.until_day, "ended": version.ended,
        "values": {one.key: version.values.get(one.key) for one in public_fields(spec)}, "version": version.number,
        "reason": version.reason, "at": version.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
    }  # fmt: skip


def register_to_dict(policy: Policy, spec: RegisterSpec) -> dict[str, Any]:
    """A register as JSON carries it: what it is, who keeps it, its columns."""
    return {
        "policy": policy.name, "key": spec.key, "sentence": spec.sentence, "title": spec.title,
        "title_en": spec.title_en, "office": spec.office,
        "columns": [{"key": key, "title": title} for key, title in spec.columns.items()],
        "entries": standing_versions(policy.name, spec.key).filter(ended=False).count(),
    }  # fmt: skip
