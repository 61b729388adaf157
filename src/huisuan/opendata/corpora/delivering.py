"""Sending a shard: as it was made, or the copy with the marks of the grants under which it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.http import HttpRequest, HttpResponseBase

from huisuan.base.hashing import text_sha256
from huisuan.opendata.access.delivering import ReleaseDelivery, deliver, stored_file
from huisuan.opendata.access.ledger import record_download
from huisuan.opendata.access.released import ReadableRelease, readable_by
from huisuan.opendata.access.watermark import grant_mark, granted_shelf, store_marked
from huisuan.opendata.corpora.building import corpora_shelf
from huisuan.opendata.corpora.shard_files import MARK_FIELD, SHARD_FORMS
from huisuan.opendata.corpora.shards import ReadableShard, shard_name
from huisuan.opendata.gate.stores import checked_path
from huisuan.opendata.models import AccessWay, CorpusCopy, CorpusShard
from huisuan.parties.identity.client_address import client_place
from huisuan.parties.viewer import Viewer


def deliver_shard(
    request: HttpRequest, read: ReadableShard, viewer: Viewer | None, now: Callable[[], datetime], way: AccessWay
) -> HttpResponseBase:
    """The answer that hands out a shard; under grants marked, each access to a source written down before.

    Raises:
        Unavailable: its file is gone or changed.
    """
    shard, store = read.shard, corpora_shelf()
    sha256, size = shard.sha256, shard.size
    granted = [each for each in read.reads if each.grant is not None]
    name = shard_name(shard)
    write_down: Callable[[str], object] | None = None
    if granted:
        copy, store = _marked_copy(shard, granted, now()), granted_shelf()
        sha256, size = copy.sha256, copy.size
        if viewer is not None:
            write_down = partial(_write_down, granted, viewer, way, now(), name)
    still = [each.release.pk for each in read.reads]
    delivery = ReleaseDelivery(
        stored_file(store, sha256), sha256, size, SHARD_FORMS[shard.form], name,
        lambda: readable_by(viewer, now()).filter(pk__in=still).count() == len(still),
        f"opendata {client_place(request)}", write_down,
    )  # fmt: skip
    return deliver(request, delivery)


def _write_down(
    granted: Iterable[ReadableRelease], viewer: Viewer, way: AccessWay, now: datetime, name: str, wanted: str
) -> None:
    """A row of each grant's ledger for each source."""
    for each in granted:
        if each.grant is not None:
            record_download(each.grant, each.release, viewer.name, way, now, wanted, name)


def _marked_copy(shard: CorpusShard, granted: Iterable[ReadableRelease], now: datetime) -> CorpusCopy:
    marks = {each.grant.pk: grant_mark(each.grant) for each in granted if each.grant is not None}
    mark = ";".join(marks[number] for number in sorted(marks))
    digest = text_sha256(mark)
    made = CorpusCopy.objects.filter(shard=shard, mark_sha256=digest).first()
    if made is not None and granted_shelf().path_of(made.sha256).is_file():
        return made
    source = checked_path(corpora_shelf(), shard.sha256)
    sha256, size = store_marked(shard.form, source, mark, MARK_FIELD)
    return CorpusCopy.objects.get_or_create(
        shard=shard, mark_sha256=digest, defaults={"sha256": sha256, "size": size, "at": now}
    )[0]
