"""`huisuan bulletin`: bulletins; their commands stand in the rooms that they belong to."""

from __future__ import annotations

import typer

from huisuan.bulletins.suppression.commands import attack

app = typer.Typer()
app.command("attack")(attack)
