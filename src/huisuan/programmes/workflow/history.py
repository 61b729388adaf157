"""The steps of an application as its audit trail: each hash covers the step and the hash before."""

from __future__ import annotations

import json
from collections.abc import Iterable

from huisuan.base.hashing import text_sha256
from huisuan.law.procedure import State
from huisuan.programmes.models import NO_HASH, ApplicationStep


def step_hash(step: ApplicationStep) -> str:
    """SHA-256 over all that a step says and the hash of the one before it, as canonical JSON."""
    said = [
        step.application_id, step.number, step.edition_id, step.action, step.from_state, step.to_state, step.duty,
        step.person_id, step.post_id, step.at.isoformat(), step.reason, step.amount_fen, step.payload, step.key,
        step.previous_hash,
    ]  # fmt: skip
    return text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def replay_state(steps: Iterable[ApplicationStep]) -> str:
    """The state in which the steps of an application leave it."""
    state = State.DRAFT.value
    for step in steps:
        state = step.to_state
    return state


def find_breaks(steps: Iterable[ApplicationStep]) -> list[int]:
    """The numbers of the steps that do not follow the one before, or are not what their hash says."""
    broken, state, before = [], State.DRAFT.value, NO_HASH
    for expected, step in enumerate(steps, start=1):
        follows = (step.number, step.from_state, step.previous_hash) == (expected, state, before)
        if not follows or step.hash != step_hash(step):
            broken.append(step.number)
        state, before = step.to_state, step.hash
    return broken
