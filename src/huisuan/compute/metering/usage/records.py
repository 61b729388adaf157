"""What is known of centres, tariffs and usage. A superseded record shows nowhere but under its own name."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime

import pyarrow as pa
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)  # fmt: skip
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least

from huisuan.base.errors import Refused
from huisuan.compute.metering.intake.source_file import line_of
from huisuan.compute.models import Centre, SourceChunk, UsageRecord

BIGINT = BigIntegerField()


def current_usage(cursors: Mapping[str, int] | None = None) -> QuerySet[UsageRecord]:
    """Usage records that nothing supersedes, in order of centre and sequence.

    Args:
        cursors: centre code -> last sequence read: what was current then. A centre that is not named has none.

    Raises:
        Refused: a centre that is named does not exist.
    """
    records = UsageRecord.objects.all()
    newer = UsageRecord.objects.filter(centre_id=OuterRef("centre_id"), supersedes=OuterRef("sequence"))
    if cursors is not None:
        ids = dict(Centre.objects.values_list("code", "pk"))
        unknown = sorted(set(cursors) - set(ids))
        if unknown:
            raise Refused(f"没有智算中心 {'、'.join(unknown)}")
        read = Q(sequence__lt=0)  # nothing, where no centre is named
        for code, last in cursors.items():
            read |= Q(centre_id=ids[code], sequence__lte=last)
        records, newer = records.filter(read), newer.filter(read)
    return records.filter(~Exists(newer)).order_by("centre_id", "sequence")


def overlapping(starts: datetime | Combinable, ends: datetime | Combinable) -> Q:
    """Records that hold cards in [starts, ends); one without length, if it lies within."""
    instant = Q(started_at=F("ended_at"), started_at__gte=starts, started_at__lt=ends)
    return Q(started_at__lt=ends, ended_at__gt=starts) | instant


def card_seconds_within(starts: datetime | Combinable, ends: datetime | Combinable) -> Case:
    """A record's card-seconds in [starts, ends), by the cumulative rule of `metering.slicing`."""
    begun, ended = _second(F("started_at")), _second(F("ended_at"))
    length = ended - begun
    held = length - F("suspended_seconds")
    to = Least(ended, _edge(ends)) - begun
    since = Greatest(begun, _edge(starts)) - begun
    cut = F("cards") * (held * to / length - held * since / length)  # bigint: the division leaves whole seconds
    return Case(When(started_at=F("ended_at"), then=Value(0, BIGINT)), default=cut, output_field=BIGINT)


def _edge(moment: datetime | Combinable) -> Value | Func:
    return Value(int(moment.timestamp()), BIGINT) if isinstance(moment, datetime) else _second(moment)


def _second(moment: Combinable) -> Func:
    return Func(moment, template="extract(epoch FROM %(expressions)s)::bigint", output_field=BIGINT)


def raw_lines(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Lines by (source file, line), as `raw_line` gives one; each piece of a file is unpacked once.

    Raises:
        Refused: a file has no such line.
    """
    wanted = set(places)
    chunks = SourceChunk.objects.filter(file_id__in={file for file, _ in wanted})
    ranges = sorted(chunks.values_list("file_id", "first_line", "line_count", "pk"))
    found: dict[int, list[tuple[int, int]]] = {}
    for file, line in wanted:
        at = bisect_right(ranges, (file, line, sys.maxsize)) - 1
        if at < 0 or ranges[at][0] != file or line >= ranges[at][1] + ranges[at][2]:
            raise Refused(f"源文件 {file} 没有第 {line} 行")
        found.setdefault(ranges[at][3], []).append((file, line))
    lines: dict[tuple[int, int], bytes] = {}
    for chunk in SourceChunk.objects.filter(pk__in=found).iterator(chunk_size=20):
        raw = pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
        lines |= {place: line_of(raw, place[1] - chunk.first_line) for place in found[chunk.pk]}
    return lines
