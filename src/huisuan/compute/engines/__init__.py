"""What runs jobs at a centre: one small interface, found by the entry point group `huisuan.engines`.

Light on purpose: the runner of every job imports this package, and its memory counts as the job's floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from huisuan.compute.engines.interface import Engine

GROUP = "huisuan.engines"


def load(name: str, folder: Path, options: Mapping[str, str] | None = None) -> Engine:
    """The engine of that name, keeping its files under `folder`; `options` are the centre's own (docs of the engine).

    Raises:
        LookupError: no installed package offers it.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        return cast("Engine", point.load()(folder, options or {}))
    raise LookupError(f"没有名为 {name} 的执行引擎；已安装：{'、'.join(installed()) or '无'}")


@cache  # what is installed is read from many files, and a process that runs keeps to what it found
def installed() -> tuple[str, ...]:
    """Names of the engines that installed packages offer."""
    from importlib.metadata import entry_points

    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))
