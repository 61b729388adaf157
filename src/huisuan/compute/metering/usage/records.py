"""What is known of centres, tariffs and usage. A superseded record shows nowhere but under its own name."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)  # fmt: skip
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least

from huisuan.compute.metering.exports.usage_parquet import export_usage
from huisuan.compute.metering.intake.source_file import line_of
from huisuan.compute.models import Centre, SourceChunk, Tariff, UsageRecord
from huisuan.parties.viewer import Viewer
from huisuan.terminal import Refused

BIGINT = BigIntegerField()

__all__ = [
    "card_seconds_within", "centre_row", "centres_for", "current_usage", "export_usage",
    "overlapping", "raw_line", "tariff_row", "tariffs_for", "unclaimed",
]  # fmt: skip


def exact(value: Decimal) -> str:
    """A decimal as text, without zeros that say nothing."""
    return format(value.normalize(), "f")


def centres_for(viewer: Viewer | None = None) -> QuerySet[Centre]:
    """The centres whose inside a viewer may see; all of them for an operator (None)."""
    centres = Centre.objects.select_related("operator", "region").prefetch_related("partitions__accelerator")
    return centres if viewer is None else centres.filter(viewer.centres())


def centre_row(centre: Centre) -> dict[str, Any]:
    """A centre as lists and JSON show it; P are exact decimal texts."""
    partitions = [
        {
            "name": partition.name,
            "model": partition.accelerator.model,
            "nodes": partition.nodes,
            "cards_per_node": partition.cards_per_node,
            "cards": partition.cards,
            "capacity_p": exact(partition.capacity_p),
            "local_names": partition.local_names,
        }
        for partition in centre.partitions.all()
    ]
    return {
        "code": centre.code,
        "name": centre.name,
        "name_en": centre.name_en,
        "operator": centre.operator.uscc,
        "operator_name": centre.operator.name,
        "region": centre.region_id,
        "region_name": centre.region.name_zh,
        "timezone": centre.timezone,
        "engine": centre.engine,
        "cards": sum(partition["cards"] for partition in partitions),
        "capacity_p": exact(centre.capacity_p),
        "last_sequence": centre.last_sequence,
        "demo": centre.demo,
        "partitions": partitions,
    }


def tariffs_for(centre: str | None = None) -> QuerySet[Tariff]:
    """Tariffs, all or a centre's: prices are public."""
    tariffs = Tariff.objects.select_related("centre", "accelerator").order_by(
        "centre__code", "accelerator__model", "valid_from"
    )
    return tariffs.filter(centre__code=centre) if centre else tariffs


def tariff_row(tariff: Tariff) -> dict[str, Any]:
    """A tariff as lists and JSON show it."""
    return {
        "centre": tariff.centre.code,
        "model": tariff.accelerator.model,
        "fen_per_card_hour": tariff.fen_per_card_hour,
        "valid_from": tariff.valid_from,
        "valid_to": tariff.valid_to,
    }


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


def unclaimed(code: str | None = None) -> list[dict[str, Any]]:
    """Users and accounts whose current records belong to no party yet, the largest use first."""
    records = current_usage().filter(party__isnull=True)
    if code is not None:
        if not Centre.objects.filter(code=code).exists():
            raise Refused(f'没有代码为 "{code}" 的智算中心；用 huisuan centre list 查看')
        records = records.filter(centre__code=code)
    rows = (
        records.order_by()
        .values("centre__code", "user", "account")
        .annotate(records=Count("sequence"), total=Sum("card_seconds"))
        .order_by("-total", "centre__code", "user", "account")
    )
    return [
        {
            "centre": row["centre__code"],
            "user": row["user"],
            "account": row["account"],
            "records": row["records"],
            "card_seconds": row["total"],
        }
        for row in rows
    ]


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


def raw_line(source_file_id: int, line_no: int) -> bytes:
    """A line of a source file exactly as it came, without its LF; line 1 is the first.

    Raises:
        Refused: the file has no such line.
    """
    chunk = SourceChunk.objects.filter(file_id=source_file_id, first_line__lte=line_no).order_by("-first_line").first()
    if chunk is None or line_no >= chunk.first_line + chunk.line_count:
        raise Refused(f"源文件 {source_file_id} 没有第 {line_no} 行")
    raw = pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
    return line_of(raw, line_no - chunk.first_line)
