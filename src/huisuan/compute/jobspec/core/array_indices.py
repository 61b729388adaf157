"""The indices of an array as people write them: 0-9, 1,3,5, 0-100:10. Pure."""

from __future__ import annotations

import re

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobspec.core.request_rules import MOST_ARRAY_INDEX, MOST_IN_ARRAY

RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)


def parse_indices(text: str) -> list[int]:
    """The indices, in order and once each.

    Raises:
        InvalidRequest: it is not written so, or they are too many.
    """
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        match = RANGE.fullmatch(part)
        if not match:
            raise InvalidRequest(f"阵列下标 {text}：应形如 0-9、1,3,5 或 0-100:10", code="job.array_malformed")
        first, last = int(match[1]), int(match[2] or match[1])
        step = int(match[3] or 1)
        if last < first or step < 1:
            raise InvalidRequest(f"阵列下标 {part}：应从小到大，步长至少 1", code="job.array_malformed")
        if last > MOST_ARRAY_INDEX or (last - first) // step + 1 > MOST_IN_ARRAY:
            raise InvalidRequest(
                f"阵列下标 {part}：下标至多 {MOST_ARRAY_INDEX}，一个阵列至多 {MOST_IN_ARRAY} 个作业",
                code="job.array_too_large",
            )
        found.update(range(first, last + 1, step))
    if len(found) > MOST_IN_ARRAY:
        raise InvalidRequest(f"阵列下标 {text}：一个阵列至多 {MOST_IN_ARRAY} 个作业", code="job.array_too_large")
    return sorted(found)


def ranges(found: list[int]) -> str:
    """Indices, in order, as people write them: 1-4,10-12."""
    parts: list[list[int]] = []
    for index in found:
        if parts and index == parts[-1][1] + 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
