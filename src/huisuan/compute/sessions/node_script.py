"""The script that a session's job is: the modules of `node` one after the other, and the session's settings."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from huisuan.compute.sessions.node import bridge, foreground, frames, host, streams, terminal

_FUTURE = "from __future__ import annotations"
_OWN = "from huisuan."


def session_script(settings: Mapping[str, Any]) -> str:
    """A Python script for the node: the session with these settings; with the word `bridge`, its tunnel's end."""
    parts = [_body(module) for module in (frames, streams, bridge, terminal, foreground, host)]
    given = json.dumps(settings, ensure_ascii=True, sort_keys=True)
    end = f"if __name__ == '__main__':\n    sys.exit(main(json.loads({given!r})))\n"
    return "\n".join(["#!/usr/bin/env python3", _FUTURE, *parts, end])


def _body(module: ModuleType) -> str:
    """A module's source without what the script has already: imports of its other parts."""
    kept, skipping = [], False
    for line in inspect.getsource(module).splitlines():
        if skipping or line.startswith(_OWN):
            skipping = (skipping and line != ")") or line.endswith("(")
        elif line != _FUTURE:
            kept.append(line)
    return "\n".join(kept)
