"""The values of settings that a claim is decided under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Terms:
    """What a rule reads beside its facts: settings by name, the option chosen for each open question."""

    settings: Mapping[str, Any]
    options: Mapping[str, str]
