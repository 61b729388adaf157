"""Building a corpus from what is released now, and again where a source is out no more."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from huisuan.base.content_store import ContentStore
from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.base.hashing import bytes_sha256
from huisuan.base.paths import ensure_folder, home
from huisuan.opendata.access.released import why_gone
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.corpora.duckdb_steps import CorpusSteps
from huisuan.opendata.corpora.pages import LEFT_OUT_WORDS, STEPS, CorpusRules, check_name
from huisuan.opendata.corpora.shard_files import ShardFile, make_shards
from huisuan.opendata.corpora.sources import read_pages, text_releases
from huisuan.opendata.models import Corpus, CorpusBuild, CorpusShard, CorpusSource, GateRelease
from huisuan.parties.models import Person, Role

_MOST_ENTRIES = 1000
_LONGEST_TITLE = 200

log = logging.getLogger(__name__)


def corpora_shelf() -> ContentStore:
    """Shards that were made; whether they may be read, the database says."""
    return ContentStore(home() / "opendata" / "corpora")


def build_corpus(
    name: str, title: str, entries: Sequence[str], rules: CorpusRules, person: Person, now: datetime
) -> CorpusBuild:
    """Build a corpus from the released texts of entries: a new one, or the next build of one that is there.

    Raises:
        NotFound: no such entry.
        NotAllowed: not of the city of all entries, nor of the province.
        InvalidRequest: the name, the title or the entries are none, or an entry has files without texts.
        Conflict: a source was taken back meanwhile.
    """
    check_name(name)
    if not 0 < len(title.strip()) <= _LONGEST_TITLE:
        raise InvalidRequest(f"名称：须为 1 至 {_LONGEST_TITLE} 个字", code="corpus.title")
    if not 0 < len(set(entries)) <= _MOST_ENTRIES:
        raise InvalidRequest(f"目录：须为 1 至 {_MOST_ENTRIES} 个", code="corpus.entries")
    versions = [get_entry(code) for code in entries]
    if person.role != Role.PROVINCE and not (
        person.role == Role.CITY and all(version.region_id == person.city_id for version in versions)
    ):
        raise NotAllowed("只有省专班和全部目录所在市的人员能生成语料", code="corpus.not_a_steward")
    codes = sorted({version.entry.code for version in versions})
    return _build(name, title.strip(), codes, rules, person.username, now, text_releases(codes))


def rebuild_stale(now: datetime) -> list[CorpusBuild]:
    """Build anew every corpus of which a source is out no more; one that cannot be is left for the next time."""
    made = []
    for build in standing_builds():
        if gone_sources(build):
            try:
                made.append(rebuild(build.corpus.name, "后台", now))
            except Refused as refusal:
                log.warning("corpus %s was not built anew: %s", build.corpus.name, refusal)
    return made


def rebuild(name: str, by: str, now: datetime) -> CorpusBuild:
    """Build a corpus anew by its standing rules, from what is released now.

    Raises:
        NotFound: no such corpus.
        Conflict: a source was taken back meanwhile.
    """
    last = get_build(name)
    gone = gone_sources(last)
    reason = "、".join(f"r{release.pk}" for release in gone[:20])
    said = f"来源不再提供：{reason}" if gone else ""
    releases = text_releases(last.entries, each_has_some=False)
    return _build(name, last.title, last.entries, CorpusRules(**last.rules), by, now, releases, said)


def standing_builds() -> list[CorpusBuild]:
    """The newest build of each corpus, by name."""
    found = CorpusBuild.objects.order_by("corpus__name", "-number").distinct("corpus__name")
    return list(found.select_related("corpus"))


def get_build(name: str) -> CorpusBuild:
    """The build of a corpus that stands.

    Raises:
        NotFound: no such corpus.
    """
    found = CorpusBuild.objects.filter(corpus__name=name).select_related("corpus").order_by("number").last()
    if found is None:
        raise NotFound(f"没有名为 {name} 的语料", code="corpus.unknown")
    return found


def gone_sources(build: CorpusBuild) -> list[GateRelease]:
    """The sources of a build that are out no more."""
    found = GateRelease.objects.filter(corpus_sources__shard__build=build).distinct()
    return [each for each in found.select_related("file__entry__latest") if why_gone(each) is not None]


def _build(
    name: str, title: str, entries: Sequence[str], rules: CorpusRules, by: str, now: datetime,
    releases: Sequence[GateRelease], reason: str = "",
) -> CorpusBuild:  # fmt: skip
    place = ensure_folder(home() / "opendata" / "drafts")
    with tempfile.TemporaryDirectory(dir=place) as folder, CorpusSteps(Path(folder), rules) as steps:
        steps.run(read_pages(releases))
        shards = make_shards(steps.kept(), rules.shards)
        statistics = _statistics(steps, releases)
    for shard in shards:
        corpora_shelf().store(shard.content)  # on the shelf before its row
    try:
        return _written(CorpusBuild(
            title=title, entries=list(entries), rules=asdict(rules), steps=STEPS, statistics=statistics,
            reason=reason[:300], by=by, at=now,
        ), name, shards)  # fmt: skip
    except IntegrityError as error:
        if "corpus_source_is_out" in str(error) or "a shard holds lines" in str(error):
            raise Conflict("生成期间有来源被撤回：请重来", code="corpus.source_gone_meanwhile") from None
        raise


@transaction.atomic
def _written(build: CorpusBuild, name: str, shards: Sequence[ShardFile]) -> CorpusBuild:
    Corpus.objects.get_or_create(name=name)
    build.corpus = Corpus.objects.select_for_update().get(name=name)
    last = build.corpus.builds.last()
    build.number = last.number + 1 if last else 1
    build.save()
    for shard in shards:
        made = CorpusShard.objects.create(
            build=build, number=shard.number, form=shard.form, sha256=bytes_sha256(shard.content),
            size=len(shard.content), lines=shard.lines,
        )  # fmt: skip
        CorpusSource.objects.bulk_create(
            CorpusSource(shard=made, release_id=release, lines=lines)
            for release, lines in sorted(shard.sources.items())
        )
    return build


def _statistics(steps: CorpusSteps, releases: Sequence[GateRelease]) -> dict[str, Any]:
    left_out = steps.left_out()
    sizes = steps.sizes()
    return {
        "releases": len(releases), "pages": sizes["lines"] + sum(left_out.values()),
        "left_out": {reason: left_out.get(reason, 0) for reason in LEFT_OUT_WORDS}, **sizes,
        "by_entry": steps.by_entry(),
    }  # fmt: skip
