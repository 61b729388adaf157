"""Entries, released files and providers as CKAN's packages, resources and organisations; no query a row.

A package is an entry by its code in small letters; a resource is a release that everyone may read, called as in SQL
(`r12`); an organisation is a provider by its USCC, titled by the department of its newest entry; a tag is a theme.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from huisuan.opendata.access.released import RELEASE_FORMS, download_name, public_files
from huisuan.opendata.catalogue.listed import listed_groups
from huisuan.opendata.catalogue.queries import first_listed
from huisuan.opendata.ckan.calls import ActionCall
from huisuan.opendata.models import CatalogueVersion, GateRelease
from huisuan.opendata.vocabulary import ACCESS_WORDS, FREQUENCY_WORDS, KIND_WORDS, PROVIDER_LENGTH, Access, list_word

RESOURCE_FORMATS = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSONL", "txt": "TXT", "pdf": "PDF"}


def package_dicts(rows: Sequence[CatalogueVersion], call: ActionCall) -> list[dict[str, Any]]:
    """Packages as `package_show` gives them."""
    files, listed = public_files([row.entry_id for row in rows], call.now), first_listed(rows)
    providers = provider_titles()
    return [_package(row, files.get(row.entry_id, []), listed[row.entry_id], providers, call) for row in rows]


def _package(
    row: CatalogueVersion,
    files: Sequence[GateRelease],
    listed: datetime,
    providers: Mapping[str, str],
    call: ActionCall,
) -> dict[str, Any]:
    name, provider = row.entry.code.lower(), row.entry.code[:PROVIDER_LENGTH]
    return {
        "id": name, "name": name, "title": row.title, "notes": row.summary, "type": "dataset", "state": "active",
        "private": False, "isopen": row.access == Access.OPEN, "version": str(row.number),
        "url": call.site + reverse("opendata-entry", args=[row.entry.code]),
        "author": row.department, "author_email": None, "maintainer": row.contact, "maintainer_email": None,
        "license_id": row.licence, "license_title": row.licence, "creator_user_id": None,
        "metadata_created": ckan_time(listed), "metadata_modified": ckan_time(row.at),
        "owner_org": provider.lower(), "organization": organization_dict(provider, providers[provider]),
        "resources": [resource_dict(each, at, call) for at, each in enumerate(files)], "num_resources": len(files),
        "tags": [tag_dict(row.theme)], "num_tags": 1, "groups": [], "extras": _extras(row),
        "relationships_as_subject": [], "relationships_as_object": [],
    }  # fmt: skip


def _extras(row: CatalogueVersion) -> list[dict[str, str]]:
    found = {
        "access": row.access, "access_zh": list_word(ACCESS_WORDS, row.access), "kind": row.kind,
        "kind_zh": list_word(KIND_WORDS, row.kind), "frequency": row.frequency,
        "frequency_zh": list_word(FREQUENCY_WORDS, row.frequency), "region": row.region_id,
        "region_zh": row.region.name_zh, "ground": row.ground, "terms": row.terms, "registration": row.registration,
    }  # fmt: skip
    return [{"key": key, "value": value} for key, value in found.items() if value]


def resource_dict(release: GateRelease, position: int, call: ActionCall) -> dict[str, Any]:
    """A resource as `resource_show` gives it; its `url` is the file's, with ranges."""
    form, at = release.product.format, ckan_time(release.at)
    return {
        "id": f"r{release.pk}", "package_id": release.file.entry.code.lower(), "name": download_name(release),
        "description": "", "format": RESOURCE_FORMATS[form], "position": position,
        "mimetype": RELEASE_FORMS[form].partition(";")[0], "mimetype_inner": None, "size": release.product.size,
        "hash": release.sha256, "url": call.site + reverse("released-file", args=[release.pk, form]),
        "url_type": None, "resource_type": "file", "state": "active", "datastore_active": False,
        "created": at, "last_modified": at, "metadata_modified": at, "cache_url": None, "cache_last_updated": None,
        "describedBy": call.site + reverse("table-schema", args=[release.pk]),
        "rows": release.product.remake.rows,
    }  # fmt: skip


def tag_dict(theme: str) -> dict[str, Any]:
    """A theme as a tag."""
    return {"id": theme, "name": theme, "display_name": theme, "state": "active", "vocabulary_id": None}


def organization_dict(provider: str, title: str) -> dict[str, Any]:
    """A provider as an organisation, as packages carry it."""
    name = provider.lower()
    return {
        "id": name, "name": name, "title": title, "display_name": title, "type": "organization", "description": "",
        "is_organization": True, "approval_status": "approved", "state": "active", "image_url": "",
    }  # fmt: skip


def provider_titles() -> dict[str, str]:
    """By USCC what providers are called: as the department of their newest entry."""
    newest: dict[str, tuple[int, str]] = {}
    for group in listed_groups().values():
        said = group.said
        newest[said["provider"]] = max(newest.get(said["provider"], (0, "")), (group.newest, said["department"]))
    return {provider: title for provider, (_, title) in newest.items()}


def provider_counts() -> dict[str, int]:
    """By USCC how many packages there are of a provider."""
    found: Counter[str] = Counter()
    for group in listed_groups().values():
        found[group.said["provider"]] += group.count
    return dict(found)


def ckan_time(moment: datetime) -> str:
    """A moment as CKAN writes it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
