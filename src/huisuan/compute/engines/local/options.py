"""What an operator may say of the local engine."""

from __future__ import annotations

import os
from collections.abc import Mapping

_GRACE_SECONDS = 5.0
_OPTIONS = {"slots": "处理器槽位数，默认是本机的处理器数", "grace_seconds": "结束作业时从 SIGTERM 到 SIGKILL 的秒数"}


def parse_local_options(options: Mapping[str, str]) -> tuple[int, float]:
    """Slots, and the seconds from SIGTERM to SIGKILL.

    Raises:
        ValueError: an option is unknown or out of bounds.
    """
    if unknown := sorted(set(options) - set(_OPTIONS)):
        known = "；".join(f"{name}（{text}）" for name, text in _OPTIONS.items())
        raise ValueError(f"local 引擎没有选项 {'、'.join(unknown)}；可用的有：{known}")
    try:
        slots = int(options.get("slots", os.cpu_count() or 1))
        grace_seconds = float(options.get("grace_seconds", _GRACE_SECONDS))
    except ValueError:
        raise ValueError("local 引擎的选项 slots 应为整数，grace_seconds 应为秒数") from None
    if not (1 <= slots <= 4096 and 0 < grace_seconds <= 3600):
        raise ValueError("local 引擎的选项超出范围：slots 1 至 4096，grace_seconds 大于 0 至 3600")
    return slots, grace_seconds
