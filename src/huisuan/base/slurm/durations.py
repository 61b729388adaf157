"""Durations as Slurm writes them. Pure, and light: the site agent reads them, too."""

from __future__ import annotations

import re


def parse_slurm_duration(text: str) -> int | None:
    """Seconds of [DD-]HH:MM:SS or MM:SS, empty being none; None where it is something else."""
    if not text:
        return 0
    found = re.fullmatch(r"(?:(?:(\d{1,6})-)?(\d{1,6}):)?(\d{1,2}):(\d{2})(?:\.0+)?", text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return None if minutes > 59 or seconds > 59 else ((days * 24 + hours) * 60 + minutes) * 60 + seconds
