"""What the page of an entry shows of its released files: those that the reader may have, and what is gone."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t

from huisuan.base.errors import Gone, Unavailable
from huisuan.opendata.access.ledger import note_access
from huisuan.opendata.access.preview import Preview, Spread, table_preview
from huisuan.opendata.access.released import ReadableRelease, list_readable, readable_by, released_now, why_gone
from huisuan.opendata.access.watermark import copies_made
from huisuan.opendata.models import AccessWay, CatalogueVersion, DataGrant, GateRelease
from huisuan.opendata.vocabulary import Access
from huisuan.parties.route_access import viewer_if_any
from huisuan.portal.ui.charts import Bar, Chart, columns
from huisuan.portal.ui.number_format import format_integer

_MOST_GONE = 20
_Ways = dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class ShownFile:
    """A file as its reader gets it; under a grant that is a copy, without digest and bytes until it is made."""

    release: GateRelease
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Dataset:
    """The files of an entry as somebody sees them: `hidden` are out, and not for them; `grant` is by which they may."""

    files: list[ShownFile]
    grant: DataGrant | None
    hidden: int
    gone: list[tuple[GateRelease, Gone]]
    more_gone: int
    preview: Preview | None
    chart: Chart | None
    loading: list[tuple[str, str]]
    query: str


def dataset_of(request: HttpRequest, entry: CatalogueVersion) -> Dataset:
    """What is shown of an entry's released files to whoever asks."""
    code = entry.entry.code
    viewer, now = viewer_if_any(request), timezone.now()
    reads = list_readable(readable_by(viewer, now, code), viewer, now)
    if reads and request.method == "GET":
        note_access(reads[0], viewer, AccessWay.PAGE, now)
    files, preview = _shown(reads), _preview(reads)
    gone, more_gone = _gone(code)
    return Dataset(
        files,
        reads[0].grant if reads else None,
        released_now(code).count() - len(files),
        gone,
        more_gone,
        preview,
        _chart(preview.spread) if preview and preview.spread else None,
        _loading(request, files, _LINES if entry.access == Access.OPEN else _LINES_BY_TOKEN),
        reverse("opendata-query"),
    )


def _shown(reads: list[ReadableRelease]) -> list[ShownFile]:
    copies = copies_made(reads)
    shown: list[ShownFile] = []
    for release, grant in ((read.release, read.grant) for read in reads):
        copy = copies.get(release.pk)
        if grant is None:
            shown.append(ShownFile(release, release.sha256, release.product.size))
        else:
            shown.append(ShownFile(release, copy.sha256 if copy else "", copy.size if copy else None))
    return shown


def _preview(reads: list[ReadableRelease]) -> Preview | None:
    try:
        return table_preview(reads[0]) if reads else None
    except Unavailable:
        return None


def _gone(code: str) -> tuple[list[tuple[GateRelease, Gone]], int]:
    """The newest that are out no more, each with why, and how many others."""
    still_out = released_now(code).order_by().values("pk")
    found = GateRelease.objects.filter(file__entry__code=code).exclude(pk__in=still_out)
    shown = found.select_related("file__entry__latest", "product").order_by("-pk")[:_MOST_GONE]
    rows = [(each, gone) for each in shown if (gone := why_gone(each)) is not None]
    return rows, max(0, found.count() - _MOST_GONE)


def _chart(spread: Spread) -> Chart:
    bars = [Bar(f"{_short(low)}–", format_integer(rows), Decimal(rows)) for low, _high, rows in spread.bins]
    title = _t("{column}的分布（行数，共 {rows} 行有数）").format(
        column=spread.column, rows=format_integer(spread.rows)
    )
    return columns(title, (spread.column, _t("行")), bars)


def _short(value: Decimal) -> str:
    """A bound, short enough to stand under a bar."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def _loading(request: HttpRequest, files: list[ShownFile], ways: _Ways) -> list[tuple[str, str]]:
    """How to load the newest file with common tools."""
    found: list[tuple[str, str]] = []
    for form, lines in ways.items():
        shown = next((each for each in files if each.release.product.format == form), None)
        if shown is not None:
            release = shown.release
            address = request.build_absolute_uri(reverse("released-file", args=[release.pk, form]))
            words: dict[str, Any] = {"url": address, "name": f"{release.file.entry.code}.{form}"}
            words |= {
                "check": _CHECK.format(sha=shown.sha256, **words) if shown.sha256 else "",
                "schema": request.build_absolute_uri(reverse("table-schema", args=[release.pk])),
                "croissant": request.build_absolute_uri(reverse("opendata-croissant", args=[release.file.entry.code])),
            }
            found += [(tool, text.format(**words)) for tool, text in lines]
    return found


_CHECK = " && echo '{sha}  {name}' | sha256sum -c"
_CURL = ("curl", 'curl -C - -H "Authorization: Bearer $TOKEN" -o {name} {url}{check}')
_HEADER = 'storage_options={{"Authorization": f"Bearer {{token}}"}}'
_HEADERS = 'storage_options={{"headers": {{"Authorization": f"Bearer {{token}}"}}}}'
_LINES_BY_TOKEN: _Ways = {
    "csv": [
        _CURL,
        ("pandas", 'pandas.read_csv("{url}", dtype=str, ' + _HEADER + ")"),
        ("datasets", 'datasets.load_dataset("csv", data_files="{url}", streaming=True, ' + _HEADERS + ")"),
    ],
    "jsonl": [
        _CURL,
        ("datasets", 'datasets.load_dataset("json", data_files="{url}", streaming=True, ' + _HEADERS + ")"),
    ],
    "parquet": [("pandas", 'pandas.read_parquet("{url}", ' + _HEADER + ")")],
}
_LINES: _Ways = {
    "csv": [
        ("curl", "curl -C - -o {name} {url}{check}"),
        ("pandas", 'pandas.read_csv("{url}", dtype=str)'),
        ("frictionless", 'frictionless.Resource(path="{url}", encoding="utf-8", schema="{schema}").validate()'),
        ("mlcroissant", 'mlcroissant.Dataset(jsonld="{croissant}").records(record_set="rows")'),
        ("datasets", 'datasets.load_dataset("csv", data_files="{url}", streaming=True)'),
    ],
    "jsonl": [
        ("curl", "curl -C - -o {name} {url}{check}"),
        ("datasets", 'datasets.load_dataset("json", data_files="{url}", streaming=True)'),
    ],
    "parquet": [
        ("duckdb", "SELECT * FROM read_parquet('{url}')"),
        ("pandas", 'pandas.read_parquet("{url}")'),
    ],
}
