"""The command line's options that say which column of a trace is what: the same for `usage import` and `simulate`."""

from __future__ import annotations

from typing import Annotated

import typer

SubmitColumn = Annotated[str | None, typer.Option(help="轨迹：提交时间列")]
StartColumn = Annotated[str | None, typer.Option(help="轨迹：开始时间列")]
EndColumn = Annotated[str | None, typer.Option(help="轨迹：结束时间列")]
DurationColumn = Annotated[str | None, typer.Option(help="轨迹：时长列（秒）")]
CardsColumn = Annotated[str | None, typer.Option(help="轨迹：卡数列")]
UserColumn = Annotated[str | None, typer.Option(help="轨迹：用户列")]
AccountColumn = Annotated[str | None, typer.Option(help="轨迹：账户列，即按什么分租户（虚拟集群、VO；SWF 如 group）")]
JobColumn = Annotated[str | None, typer.Option(help="轨迹：作业号列")]
StateColumn = Annotated[str | None, typer.Option(help="轨迹：状态列")]
