"""A call of an action: its parameters, read as CKAN reads them, and how it is refused. Pure.

Words of refusals are CKAN's own, in English: clients compare them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

_TRUE = frozenset({"true", "yes", "on", "1", "t", "y"})
_LARGEST = 10**9  # beyond any list: a page that starts there is empty

_MOST_NAMES = 20  # facets or filters of one call


class ActionRefused(Exception):
    """An action that is not done: the status of the answer, CKAN's `__type`, and what is wrong."""

    def __init__(self, status: int, kind: str, said: Mapping[str, object]) -> None:
        super().__init__(kind)
        self.status, self.error = status, {"__type": kind, **said}


def no_such(message: str = "Not found") -> ActionRefused:
    """There is none of that name."""
    return ActionRefused(404, "Not Found Error", {"message": message})


def invalid(name: str, message: str) -> ActionRefused:
    """A parameter that cannot be used."""
    return ActionRefused(409, "Validation Error", {name: [message], "message": f"{name}: {message}"})


def bad_search(message: str) -> ActionRefused:
    """A search that cannot be read."""
    return ActionRefused(400, "Search Query Error", {"message": f"Search Query is invalid: {message}"})


@dataclass(frozen=True)
class ActionCall:
    """What an action is asked; `site` is the address of the platform, without a slash at its end."""

    params: Mapping[str, object]
    site: str
    now: datetime

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text.

        Raises:
            ActionRefused: it is a list or an object.
        """
        value = self.params.get(name)
        if value is None:
            return default
        if isinstance(value, list | dict):
            raise invalid(name, "Must be a Unicode string value")
        return str(value)

    def required(self, name: str) -> str:
        """A parameter that must be there.

        Raises:
            ActionRefused: it is missing.
        """
        if not (value := self.text(name)):
            raise invalid(name, "Missing value")
        return value

    def number(self, name: str, default: int, most: int = _LARGEST) -> int:
        """A natural number; more than `most` is `most`, as CKAN has it.

        Raises:
            ActionRefused: it is none.
        """
        written = self.text(name, str(default)).strip() or str(default)
        if not written.isascii() or not written.isdecimal():
            raise invalid(name, "Must be a natural number")
        return min(int(written[:20]), most)

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        return self.text(name, str(default)).strip().lower() in _TRUE

    def names(self, name: str) -> list[str]:
        """Several names, each once: a list, or one written as JSON, as an address carries it.

        Raises:
            ActionRefused: it is neither, or has too many: each costs the database a look.
        """
        value = self.params.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else []
            except (ValueError, RecursionError):
                raise invalid(name, "Could not parse as valid JSON") from None
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise invalid(name, "Not a list")
        names = list(dict.fromkeys(value))
        if len(names) > _MOST_NAMES:
            raise invalid(name, f"At most {_MOST_NAMES} items")
        return names
