"""What the workloads of Kubernetes have in common: name, retries, time limit. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from huisuan.compute.jobspec.core.parse_result import ParseReport, on_one_line
from huisuan.compute.jobspec.core.request_rules import LONGEST_NAME, LONGEST_TIME, MOST_RETRIES
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.kubernetes import container as pods
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys

_QUEUE = "kueue.x-k8s.io/queue-name"


def job_name(nodes: Sequence[YamlNode], report: ParseReport) -> str:
    """The name in the metadata of a workload (the first node), else of its templates; marks are noted."""
    name = ""
    for number, node in enumerate(nodes):
        where = "template.metadata" if number else "metadata"
        metadata = (node.fields or {}).get("metadata")
        if metadata is None or metadata.fields is None:
            continue
        pods.rest(metadata, where, keys.METADATA_READ, keys.METADATA_NOTED, report)
        for key in ("labels", "annotations"):
            marks = metadata.fields.get(key)
            for mark in (marks.fields if marks else None) or {}:
                assert marks is not None
                why = "队列由中心决定；先后由平台的公平份额决定" if mark == _QUEUE else "平台不保存"
                report.note(f"{where}.{key}.{mark}：{why}", marks.key_at(mark))
        if not name:
            found = metadata.fields.get("name") or metadata.fields.get("generateName")
            name = ((found.text if found else None) or "").rstrip("-")
            if found and len(name) > LONGEST_NAME:
                report.note(f"{where}.name：作业名至多 {LONGEST_NAME} 个字，只取前面的", found.at)
    return name[:LONGEST_NAME] or "job"


def retries_of(spec: YamlNode, key: str, default: str, report: ParseReport) -> int:
    """How often to try again, by the key of that kind of workload; `default` is noted where it is not written."""
    limit = (spec.fields or {}).get(key)
    if limit is None or limit.value is None:
        report.note(default)
        return 0
    retries = parse_integer(limit, key, 0, 10**6, report)
    if retries > MOST_RETRIES:
        report.note(f"{key}={retries}：平台最多重试 {MOST_RETRIES} 次", limit.at)
    return min(retries, MOST_RETRIES)


def time_limit(spec: YamlNode, report: ParseReport) -> int:
    """Seconds that the workload may run (activeDeadlineSeconds), an hour where it does not say."""
    limit = (spec.fields or {}).get("activeDeadlineSeconds")
    if limit is None or limit.value is None:
        report.note("没有写 activeDeadlineSeconds：平台的时限按 1 小时；请用 --time-limit")
        return 3600
    return parse_integer(limit, "activeDeadlineSeconds", 1, LONGEST_TIME, report)


def parse_integer(node: YamlNode, key: str, least: int, most: int, report: ParseReport) -> int:
    """A whole number within its bounds; the least where it is none, which is a fault."""
    text = node.text or ""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
        report.fault(node.at, f"{key} {on_one_line(text)}：应是 {least} 至 {most} 的整数")
        return least
    return int(text)
