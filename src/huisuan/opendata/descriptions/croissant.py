"""A dataset as Croissant 1.0 (MLCommons), for tools of machine learning: its newest files, and its rows by column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from huisuan.base.errors import NotFound
from huisuan.opendata.access.released import RELEASE_FORMS, download_name, last_gone, list_columns, public_files
from huisuan.opendata.models import CatalogueVersion, GateRelease

#: names of the vocabulary: those that are called as in Croissant, then those that are kept as they are
_NAMES = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: dict[str, Any] = {
    "@language": "zh", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in _NAMES},
}  # fmt: skip

_LINE_KEYS = ("part", "line", "text")  # of a document's lines
_ENCODINGS = {"jsonl": "application/jsonlines"}  # as Croissant calls it


def croissant_dataset(row: CatalogueVersion, site: str, now: datetime) -> dict[str, Any]:
    """The newest public files of an entry; `site` is the address of the platform, without a slash at its end.

    Raises:
        NotFound: there is none that everyone may read.
        Gone: what there was is out no more.
    """
    files = public_files([row.entry_id], now).get(row.entry_id, [])
    newest = [each for each in files if each.file_id == files[0].file_id]
    table = next((each for each in newest if each.product.format in ("csv", "jsonl")), None)
    if table is None:
        if gone := last_gone(row.entry.code):
            raise gone
        raise NotFound(f"{row.entry.code} 没有人人可读的文件", code="opendata.no_public_file")
    return {
        "@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": row.entry.code, "alternateName": row.title, "description": row.summary or row.title,
        "url": site + reverse("opendata-entry", args=[row.entry.code]), "license": row.licence,
        "creator": {"@type": "sc:Organization", "name": row.department}, "keywords": [row.theme],
        "datePublished": table.at.isoformat(), "version": f"{row.number}.0.{table.file_id}",
        "citeAs": f"{row.department}：{row.title}（{row.entry.code}，r{table.pk}）",
        "distribution": _files(newest, site), "recordSet": [_rows(table)],
    }  # fmt: skip


def _files(releases: Sequence[GateRelease], site: str) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject", "@id": f"r{each.pk}", "name": download_name(each), "sha256": each.sha256,
            "contentUrl": site + reverse("released-file", args=[each.pk, each.product.format]),
            "contentSize": f"{each.product.size} B",
            "encodingFormat": _ENCODINGS.get(each.product.format, RELEASE_FORMS[each.product.format].partition(";")[0]),
        }
        for each in releases
    ]  # fmt: skip


def _rows(table: GateRelease) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field", "@id": f"rows/{name}", "name": name, "dataType": "sc:Text",
            "source": {"fileObject": {"@id": f"r{table.pk}"}, "extract": {"column": name}},
        }
        for name in list_columns(table) or _LINE_KEYS
    ]  # fmt: skip
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}
