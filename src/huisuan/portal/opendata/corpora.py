"""Corpora for everyone: what there is, one with its statistics, data card and shards, and the shards themselves."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import Gone, NotAllowed, NotFound
from huisuan.opendata.corpora.building import get_build, standing_builds
from huisuan.opendata.corpora.delivering import deliver_shard
from huisuan.opendata.corpora.queries import data_card, entries_of, may_read_all
from huisuan.opendata.corpora.shards import ShardState, get_shard, shard_states
from huisuan.opendata.models import AccessWay, CorpusBuild
from huisuan.opendata.vocabulary import Access
from huisuan.parties.route_access import public_page, viewer_if_any
from huisuan.portal.opendata.datasets import answer_refused

_BY_ENTRY = "SELECT entry, count(*), sum(length(text)) FROM read_parquet([{files}]) GROUP BY entry"
_WITH_HEADER = 'curl -C - -H "Authorization: Bearer $TOKEN" -O {way}'
_HEADERS = ', storage_options={"headers": {"Authorization": f"Bearer {token}"}}'
_LOADED = (
    ("datasets", 'datasets.load_dataset("parquet", data_files=[{0[parquet]}], split="train"{headers})'),
    ("datasets", 'datasets.load_dataset("json", data_files=[{0[jsonl]}], split="train", streaming=True{headers})'),
)
_LEFT_OUT = {
    "empty": _("没有文字"), "short": _("太短"), "long": _("太长"), "language": _("中文太少"),
    "same": _("与另一页相同"), "alike": _("与另一页近似"),
}  # fmt: skip


@public_page
def corpus_list(request: HttpRequest) -> HttpResponseBase:
    """All corpora by name."""
    return render(request, "portal/opendata/corpora.html", {"here": "opendata", "builds": standing_builds()})


@public_page
def corpus_page(request: HttpRequest, name: str) -> HttpResponseBase:
    """One corpus: from what it is, how it was made, what was left out, its shards and how to load them."""
    build = _build(name)
    states = shard_states(build, viewer_if_any(request), timezone.now())
    context = {
        "here": "opendata", "build": build, "entries": entries_of(build), "states": states,
        "statistics": build.statistics if may_read_all(states) else None,
        "left_out": [(word, build.statistics["left_out"].get(reason, 0)) for reason, word in _LEFT_OUT.items()],
        "loading": _loading(request, build, states),
    }  # fmt: skip
    return render(request, "portal/opendata/corpus.html", context)


@public_page
def corpus_card(request: HttpRequest, name: str) -> HttpResponseBase:
    """The data card, as Markdown, to whoever may read the whole corpus."""
    build = _build(name)
    if not may_read_all(shard_states(build, viewer_if_any(request), timezone.now())):
        raise Http404
    return HttpResponse(data_card(build), content_type="text/markdown; charset=utf-8")


@public_page
def corpus_shard(request: HttpRequest, name: str, number: int, form: str) -> HttpResponseBase:
    """A shard, whole or a range; 410 while a source of it is out no more."""
    viewer = viewer_if_any(request)
    try:
        read = get_shard(name, number, form, viewer, timezone.now())
        return deliver_shard(request, read, viewer, timezone.now, AccessWay.FILE)
    except NotFound as wrong:
        raise Http404 from wrong
    except (Gone, NotAllowed) as refusal:
        return answer_refused(request, refusal)


def _build(name: str) -> CorpusBuild:
    try:
        return get_build(name)
    except NotFound as wrong:
        raise Http404 from wrong


def _loading(request: HttpRequest, build: CorpusBuild, states: list[ShardState]) -> list[tuple[str, str]]:
    """How to load what may be read with common tools."""
    readable = [state.shard for state in states if state.gone is None and state.refused is None]
    ways: dict[str, list[str]] = {"parquet": [], "jsonl": []}
    for shard in readable:
        way = reverse("corpus-shard", args=[build.corpus.name, shard.number, shard.form])
        ways[shard.form].append(request.build_absolute_uri(way))
    if not readable:
        return []
    lists: dict[str, Any] = {form: ", ".join(f'"{way}"' for way in found) for form, found in ways.items()}
    quoted = ", ".join(f"'{way}'" for way in ways["parquet"])
    if any(entry.access != Access.OPEN for entry in entries_of(build)):
        curls = "\n".join(_WITH_HEADER.format(way=way) for way in ways["jsonl"])
        return [(tool, text.format(lists, headers=_HEADERS)) for tool, text in _LOADED] + [("curl", curls)]
    return [
        *((tool, text.format(lists, headers="")) for tool, text in _LOADED),
        ("duckdb", _BY_ENTRY.format(files=quoted)),
        ("curl", "\n".join(f"curl -C - -O {way}" for way in ways["jsonl"])),
    ]
