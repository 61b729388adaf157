"""How a run ended, as the agent stores it after the scheduler has forgotten the run."""

from __future__ import annotations

from pydantic import TypeAdapter

from huisuan.compute.engines.interface import Observation

OBSERVATION = TypeAdapter(Observation)


def format_ending(seen: Observation) -> str:
    """An observation as JSON."""
    return OBSERVATION.dump_json(seen).decode()


def parse_ending(stored: str) -> Observation:
    """The observation in that JSON."""
    return OBSERVATION.validate_json(stored)
