"""How a run ended, as the agent's memory keeps it after its scheduler forgot the run."""

from __future__ import annotations

from pydantic import TypeAdapter

from huisuan.compute.engines.interface import Observation

OBSERVATION = TypeAdapter(Observation)


def ending_json(seen: Observation) -> str:
    """An observation as it is kept."""
    return OBSERVATION.dump_json(seen).decode()


def ending_of(kept: str) -> Observation:
    """The observation that was kept."""
    return OBSERVATION.validate_json(kept)
