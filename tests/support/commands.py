"""Commands that tests run in their own process."""

from __future__ import annotations

from typing import Any

import typer
import typer.testing


def build_commands_once() -> None:
    """Let `CliRunner` build the commands of a group once: it reads the hints of all their functions, at each call.

    What is built is kept by the group itself, so that a test that makes one of its own never gets another's.
    """
    build = typer.testing._get_command

    def built(app: typer.Typer) -> Any:
        known = vars(app)
        state = (len(app.registered_commands), len(app.registered_groups))
        if known.get("_built_state") != state:
            known["_built"], known["_built_state"] = build(app), state
        return known["_built"]

    typer.testing._get_command = built
