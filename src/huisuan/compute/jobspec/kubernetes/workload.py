"""What the workloads of Kubernetes have in common: name, retries, time limit. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from huisuan.compute.jobspec.core.parse_result import Reading, shown
from huisuan.compute.jobspec.core.request_rules import LONGEST_NAME, LONGEST_TIME, MOST_RETRIES
from huisuan.compute.jobspec.core.yaml_tree import Node
from huisuan.compute.jobspec.kubernetes import container as pods
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys

_QUEUE = "kueue.x-k8s.io/queue-name"


def job_name(nodes: Sequence[Node], reading: Reading) -> str:
    """The name in the metadata of a workload (the first node), else of its templates; marks are noted."""
    name = ""
    for number, node in enumerate(nodes):
        where = "template.metadata" if number else "metadata"
        metadata = (node.fields or {}).get("metadata")
        if metadata is None or metadata.fields is None:
            continue
        pods.rest(metadata, where, keys.METADATA_READ, keys.METADATA_NOTED, reading)
        for key in ("labels", "annotations"):
            marks = metadata.fields.get(key)
            for mark in (marks.fields if marks else None) or {}:
                assert marks is not None
                why = "队列由中心决定；先后由平台的公平份额决定" if mark == _QUEUE else "平台不保存"
                reading.note(f"{where}.{key}.{mark}：{why}", marks.key_at(mark))
        if not name:
            found = metadata.fields.get("name") or metadata.fields.get("generateName")
            name = ((found.text if found else None) or "").rstrip("-")
    return name[:LONGEST_NAME] or "job"


def retries_of(spec: Node, key: str, default: str, reading: Reading) -> int:
    """How often to try again, by the key of that kind of workload; `default` is noted where it is not written."""
    limit = (spec.fields or {}).get(key)
    if limit is None or limit.value is None:
        reading.note(default)
        return 0
    retries = whole(limit, key, 0, 10**6, reading)
    if retries > MOST_RETRIES:
        reading.note(f"{key}={retries}：平台最多重试 {MOST_RETRIES} 次", limit.at)
    return min(retries, MOST_RETRIES)


def time_limit(spec: Node, reading: Reading) -> int:
    """Seconds that the workload may run (activeDeadlineSeconds), an hour where it does not say."""
    limit = (spec.fields or {}).get("activeDeadlineSeconds")
    if limit is None or limit.value is None:
        reading.note("没有写 activeDeadlineSeconds：平台的时限按 1 小时；请用 --time-limit")
        return 3600
    return whole(limit, "activeDeadlineSeconds", 1, LONGEST_TIME, reading)


def whole(node: Node, key: str, least: int, most: int, reading: Reading) -> int:
    """A whole number within its bounds; the least where it is none, which is a fault."""
    text = node.text or ""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
        reading.fault(node.at, f"{key} {shown(text)}：应是 {least} 至 {most} 的整数")
        return least
    return int(text)
