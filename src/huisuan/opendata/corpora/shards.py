"""Reading shards: the door of released files (decision 059), asked for every source that a shard holds lines of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from huisuan.base.errors import Gone, NotAllowed, NotFound
from huisuan.opendata.access.released import ReadableRelease, list_readable, readable, why_gone
from huisuan.opendata.corpora.building import get_build
from huisuan.opendata.models import CorpusBuild, CorpusShard, CorpusSource
from huisuan.parties.viewer import Viewer


@dataclass(frozen=True)
class ReadableShard:
    """A shard that somebody may read, and by which grants its sources."""

    shard: CorpusShard
    reads: tuple[ReadableRelease, ...]


@dataclass(frozen=True)
class ShardState:
    """A shard as somebody sees it: `gone` says why nobody may read it now, `refused` why they may not."""

    shard: CorpusShard
    gone: Gone | None
    refused: NotAllowed | None


def shard_states(build: CorpusBuild, viewer: Viewer | None, now: datetime) -> list[ShardState]:
    """All shards of a build, and whether somebody may read them."""
    found = []
    for shard in _with_sources(build.shards.all()):
        gone: Gone | None = None
        refused: NotAllowed | None = None
        try:
            _check(shard, viewer, now)
        except Gone as wrong:
            gone = wrong
        except NotAllowed as wrong:
            refused = wrong
        found.append(ShardState(shard, gone, refused))
    return found


def get_shard(name: str, number: int, form: str, viewer: Viewer | None, now: datetime) -> ReadableShard:
    """A shard of the standing build of a corpus that somebody may read now.

    Raises:
        NotFound: no such corpus, or it never had such a shard.
        Gone: a source of it was taken back and it was not built anew, or it fell away with its sources.
        NotAllowed: a source of it is conditional, and whoever asks holds no grant in force.
    """
    build = get_build(name)
    shard = _with_sources(build.shards.filter(number=number, form=form)).first()
    if shard is None:
        if CorpusShard.objects.filter(build__corpus=build.corpus, number=number, form=form).exists():
            raise Gone(f"{build.title}的第 {number} 片已随它的来源一起不再提供", code="corpus.shard_fell_away")
        raise NotFound(f"{name} 没有第 {number} 片 {form}", code="corpus.no_shard")
    return ReadableShard(shard, _check(shard, viewer, now))


def shards_holding(release: int) -> list[CorpusSource]:
    """Every shard of a standing build that holds lines of a release, with how many."""
    found = CorpusSource.objects.filter(release_id=release).select_related("shard__build__corpus")
    rows = found.order_by("shard__build__corpus__name", "shard__number", "shard__form")
    return [each for each in rows if each.shard.build == get_build(each.shard.build.corpus.name)]


def shard_name(shard: CorpusShard) -> str:
    """What a shard is called where it is saved."""
    return f"{shard.build.corpus.name}-{shard.number:04}.{shard.form}"


def _with_sources(shards: QuerySet[CorpusShard]) -> QuerySet[CorpusShard]:
    releases = CorpusSource.objects.select_related("release__file__entry__latest__region", "release__product__remake")
    return shards.select_related("build__corpus").prefetch_related(Prefetch("sources", releases))


def _check(shard: CorpusShard, viewer: Viewer | None, now: datetime) -> tuple[ReadableRelease, ...]:
    releases = [source.release for source in shard.sources.all()]
    for release in releases:
        if gone := why_gone(release):
            raise Gone(f"{shard_name(shard)} 里有不再提供的来源，重新生成之前不提供：{gone}", code="corpus.source_gone")
    reads = list_readable(releases, viewer, now)
    known = {read.release.pk for read in reads}
    for release in releases:
        if release.pk not in known:
            readable(release, viewer, now)  # says that a grant is needed
    return tuple(reads)
