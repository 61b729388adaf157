"""What a corpus is, to whoever asks: its build as JSON, its data card, the shards that they may read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.opendata.corpora.building import gone_sources
from huisuan.opendata.corpora.pages import LEFT_OUT_WORDS
from huisuan.opendata.corpora.shard_files import LINE_FIELDS
from huisuan.opendata.corpora.shards import ShardState, shard_states
from huisuan.opendata.models import CatalogueVersion, CorpusBuild
from huisuan.parties.viewer import Viewer

_FIELD_WORDS = {
    "text": "正文", "entry": "目录代码", "version": "目录的版本", "release": "放行的文件，编号",
    "page": "页（表为行），自 1 起", "sha256": "放行的文件的 SHA-256", "licence": "许可",
}  # fmt: skip


def corpus_to_dict(build: CorpusBuild, viewer: Viewer | None, now: datetime) -> dict[str, Any]:
    """A corpus as JSON carries it; figures and digests only of what whoever asks may read."""
    states = shard_states(build, viewer, now)
    found = summary_to_dict(build)
    whole = may_read_all(states)
    return {
        **found, "statistics": build.statistics if whole else None, "gone": [one.pk for one in gone_sources(build)],
        "shards": [state_to_dict(state) for state in states], "card": data_card(build) if whole else "",
    }  # fmt: skip


def summary_to_dict(build: CorpusBuild) -> dict[str, Any]:
    """What everyone may know of a corpus: its name, its entries and its rules."""
    return {
        "name": build.corpus.name, "title": build.title, "build": build.number, "entries": build.entries,
        "rules": build.rules, "steps": build.steps, "reason": build.reason, "at": build.at.isoformat(),
    }  # fmt: skip


def may_read_all(states: Sequence[ShardState]) -> bool:
    """Whether nothing of a build is kept from whoever asks, nor gone: a gone shard may hold conditional sources too."""
    return not any(state.refused or state.gone for state in states)


def state_to_dict(state: ShardState) -> dict[str, Any]:
    """A shard as JSON carries it."""
    shard = state.shard
    found: dict[str, Any] = {"number": shard.number, "form": shard.form, "state": "out"}
    if state.gone is not None:
        return {**found, "state": "gone", "why": str(state.gone)}
    if state.refused is not None:
        return {**found, "state": "granted_only", "why": str(state.refused)}
    return {
        **found, "lines": shard.lines, "size": shard.size, "sha256": shard.sha256,
        "releases": [source.release_id for source in shard.sources.all()],
    }  # fmt: skip


def entries_of(build: CorpusBuild) -> list[CatalogueVersion]:
    """The entries of a corpus as they stand, by code."""
    return list(standing_entries().filter(entry__code__in=build.entries).order_by("entry__code"))


def data_card(build: CorpusBuild) -> str:
    """What a corpus is, from what and how it was made: Markdown under a YAML head, as tools for data sets read it."""
    said, name = build.statistics, build.corpus.name
    licences = sorted({row.licence for row in entries_of(build) if row.licence})
    left_out = "\n".join(f"| {word} | {said['left_out'].get(reason, 0):,} |" for reason, word in LEFT_OUT_WORDS.items())
    rules = build.rules
    language = "汉字占字母的一半以上" if rules["language"] == "zh" else "不限"
    sources = "\n".join(f"| `{row['entry']}` | {row['lines']:,} | {row['characters']:,} |" for row in said["by_entry"])
    fields = "\n".join(f"- `{field}`：{_FIELD_WORDS[field]}" for field in LINE_FIELDS)
    return f"""---
language: [zh]
license: other
pretty_name: "{build.title.replace(chr(34), "")}"
configs:
  - config_name: default
    data_files: "{name}-*.parquet"
---

# {build.title}

第 {build.number} 次生成，{build.at.isoformat()}，步骤版本 {build.steps}。{build.reason}

许可：{"；".join(licences) or "见每行的 licence"}。每行写明来源；
来源被撤回时，含有它的分片立即停止提供，重新生成后再提供。

## 每行的字段

{fields}

## 怎样生成

1. 只取已放行的文件的正文：原文件不进入语料。
2. 统一写法：NFC，全角数字和字母改为半角，去掉控制字符和看不见的字符，被版面折断的行接起来。
3. 筛选：语言（{language}），长度 {rules["shortest"]:,} 至 {rules["longest"]:,} 字。
4. 去重：只看字和数字，相同的留最先的一页；200 字以上的，每 5 个字为一段，以 MinHash 找出可能近似的，
   段的 Jaccard 相似度达到 {rules["similarity"]}% 的留最先的一页。

## 统计

{said["releases"]:,} 个文件，{said["pages"]:,} 页，留下 {said["lines"]:,} 行，{said["characters"]:,} 字；
每行字数的第 10、50、90 百分位：{said["p10"]:,}、{said["p50"]:,}、{said["p90"]:,}。

| 没有留下的原因 | 页 |
| --- | --- |
{left_out}

| 来源 | 行 | 字 |
| --- | --- | --- |
{sources}
"""
