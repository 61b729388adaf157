"""The list in DCAT 3 (W3C, 2024) as JSON-LD, whose context stands within: nothing else need be fetched to read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from huisuan.opendata.access.released import RELEASE_FORMS, public_files
from huisuan.opendata.catalogue.listed import find_entries
from huisuan.opendata.catalogue.queries import first_listed
from huisuan.opendata.models import CatalogueVersion, GateRelease
from huisuan.opendata.vocabulary import ACCESS_WORDS, Updates, list_word

DCAT_PAGE = 100  # datasets
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#", "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}  # fmt: skip
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_FREQUENCIES = "http://publications.europa.eu/resource/authority/frequency/"
_FREQUENCY_NAMES = {
    Updates.REALTIME: "UPDATE_CONT", Updates.DAILY: "DAILY", Updates.WEEKLY: "WEEKLY", Updates.MONTHLY: "MONTHLY",
    Updates.QUARTERLY: "QUARTERLY", Updates.HALF_YEARLY: "ANNUAL_2", Updates.YEARLY: "ANNUAL", Updates.ONCE: "NEVER",
}  # fmt: skip
_Node = dict[str, Any]


def dcat_dataset(row: CatalogueVersion, site: str, now: datetime) -> _Node:
    """An entry as a dataset; `site` is the address of the platform, without a slash at its end."""
    return {"@context": _CONTEXT, **_datasets([row], site, now)[0]}


def dcat_catalogue(page: int, site: str, now: datetime) -> _Node:
    """A page of the list (from 1) as a catalogue, with the addresses of the pages around it."""
    found = find_entries()
    total = found.total
    last = max(1, -(-total // DCAT_PAGE))
    shown = found.page((page - 1) * DCAT_PAGE, page * DCAT_PAGE)
    here = site + reverse("opendata-catalogue-dcat")
    pages = {"first": 1, "previous": min(page - 1, last), "next": page + 1 if page < last else 0, "last": last}
    view = {f"hydra:{name}": {"@id": f"{here}?page={at}"} for name, at in pages.items() if at}
    catalogue = {
        "@id": site + reverse("opendata"), "@type": ["dcat:Catalog", "hydra:Collection"], "dct:title": _zh("开放数据"),
        "dct:description": _zh("公共数据资源开放清单"), "dct:language": "zh", "hydra:totalItems": total,
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": "惠算"}, "dcat:dataset": _datasets(shown, site, now),
        "hydra:view": {"@id": f"{here}?page={page}", "@type": "hydra:PartialCollectionView", **view},
    }  # fmt: skip
    return {"@context": _CONTEXT, **catalogue}


def _datasets(rows: Sequence[CatalogueVersion], site: str, now: datetime) -> list[_Node]:
    files, listed = public_files([row.entry_id for row in rows], now), first_listed(rows)
    return [_dataset(row, files.get(row.entry_id, []), listed[row.entry_id], site) for row in rows]


def _dataset(row: CatalogueVersion, files: Sequence[GateRelease], listed: datetime, site: str) -> _Node:
    page = site + reverse("opendata-entry", args=[row.entry.code])
    rights = "：".join(filter(None, (list_word(ACCESS_WORDS, row.access), row.terms)))
    region = {"@type": "dct:Location", "dct:identifier": row.region_id, "rdfs:label": _zh(row.region.name_zh)}
    return {
        "@id": page, "@type": "dcat:Dataset", "dct:identifier": row.entry.code, "dct:title": _zh(row.title),
        "dct:description": _zh(row.summary or row.title), "dcat:keyword": _zh(row.theme),
        "dcat:landingPage": {"@id": page},
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": _zh(row.department)},
        "dcat:contactPoint": {"@type": "vcard:Organization", "vcard:fn": _zh(row.contact)},
        "dct:issued": _moment(listed), "dct:modified": _moment(row.at), "dcat:version": str(row.number),
        "dct:accrualPeriodicity": {"@id": _FREQUENCIES + _FREQUENCY_NAMES[Updates(row.frequency)]},
        "dct:accessRights": {"@type": "dct:RightsStatement", "rdfs:label": _zh(rights)}, "dct:spatial": region,
        "dcat:distribution": [_distribution(each, row, page, site) for each in files],
    }  # fmt: skip


def _distribution(release: GateRelease, row: CatalogueVersion, page: str, site: str) -> _Node:
    form = release.product.format
    address = site + reverse("released-file", args=[release.pk, form])
    digest = {"@value": release.sha256, "@type": "xsd:hexBinary"}
    return {
        "@id": address, "@type": "dcat:Distribution", "dcat:downloadURL": {"@id": address},
        "dcat:accessURL": {"@id": page}, "dct:issued": _moment(release.at),
        "dct:title": f"{row.entry.code}.{form}",
        "dcat:mediaType": {"@id": _MEDIA_TYPES + RELEASE_FORMS[form].partition(";")[0]},
        "dcat:byteSize": {"@value": str(release.product.size), "@type": "xsd:nonNegativeInteger"},
        "dct:license": {"@type": "dct:LicenseDocument", "dct:title": _zh(row.licence)},
        "dct:conformsTo": {"@id": site + reverse("table-schema", args=[release.pk]), "@type": "dct:Standard"},
        "spdx:checksum": {
            "@type": "spdx:Checksum", "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": digest,
        },
    }  # fmt: skip


def _zh(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "zh"}


def _moment(at: datetime) -> dict[str, str]:
    return {"@value": at.isoformat(), "@type": "xsd:dateTime"}
