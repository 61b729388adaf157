"""A Kubernetes Job (batch/v1): image, command, environment and cards; what belongs to its cluster is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from huisuan.compute.formats import kubernetes_keys as keys
from huisuan.compute.formats import kubernetes_pod as pods
from huisuan.compute.formats.cards import meant
from huisuan.compute.formats.reading import Reading, ReadJob, shown
from huisuan.compute.formats.yaml_tree import Node
from huisuan.compute.job_request import LONGEST_NAME, LONGEST_TIME, MOST_IN_ARRAY, MOST_RETRIES
from huisuan.console import Refused

QUEUE = "kueue.x-k8s.io/queue-name"
CARD_LABEL = re.compile(r"gpu|npu|accelerator|chip|card|product", re.IGNORECASE)
#: for a gang: Kubernetes tells each pod its index, and so does the platform, by another name
RANKED = 'export JOB_COMPLETION_INDEX="${HUISUAN_NODE_RANK:-0}"; exec "$@"'
OTHER_KINDS = {
    "CronJob": "平台不定时重复：请用自己的定时器提交其中的 Job",
    "Deployment": "平台运行会结束的作业，不运行长期的服务",
    "StatefulSet": "平台运行会结束的作业，不运行长期的服务",
    "DaemonSet": "平台运行会结束的作业，不运行长期的服务",
    "Pod": "请改写成 batch/v1 的 Job：把 spec 放到 spec.template.spec",
    "List": "请把其中的 Job 单独存成一个文件",
}
DEFAULT_BACKOFF = "没有写 backoffLimit：Kubernetes 会重试 6 次，平台不重试；要重试请用 --retries"


def read(documents: Sequence[Node], reading: Reading) -> ReadJob:
    """The job that a manifest asks for; what stands beside the Job in the file is named.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    jobs = []
    for document in documents:
        fields = document.fields or {}
        kind = (fields["kind"].text if "kind" in fields else "") or ""
        version = (fields["apiVersion"].text if "apiVersion" in fields else "") or ""
        if kind == "Job" and version == "batch/v1":
            jobs.append(document)
        elif kind == "Job":
            reading.fault(document.at, f"{version or '没有 apiVersion 的'} Job：只接受 apiVersion: batch/v1")
        elif kind in OTHER_KINDS or len(documents) == 1:
            why = OTHER_KINDS.get(kind, "只接受 batch/v1 的 Job")
            reading.fault(document.key_at("kind"), f"{kind or '没有 kind'}：{why}")
        else:
            reading.note(f"{kind}：没有提交，平台只运行 Job", document.at)
    if len(jobs) > 1:
        reading.fault(jobs[1].at, "一个文件里有几个 Job：请分别提交，先后用 --after")
    if reading.faults or not jobs:
        if not reading.faults:
            reading.fault(documents[0].at, "没有 batch/v1 的 Job")
        return reading.done({})
    return _job(jobs[0], reading)


def _job(document: Node, reading: Reading) -> ReadJob:
    pods.rest(document, "", keys.TOP_READ, keys.TOP_NOTED, reading)
    spec = _inside(document, "spec", reading)
    template = _inside(spec, "template", reading)
    pod = _inside(template, "spec", reading)
    pods.rest(spec, "spec", keys.JOB_READ, keys.JOB_NOTED, reading)
    pods.rest(template, "template", frozenset({"metadata", "spec"}), {}, reading)
    pods.rest(pod, "template.spec", keys.POD_READ, keys.POD_NOTED, reading, keys.POD_REFUSED)
    container = _container(pod, reading)
    pods.rest(container, "containers[0]", keys.CONTAINER_READ, keys.CONTAINER_NOTED, reading, keys.CONTAINER_REFUSED)
    pods.volumes(pod, container, reading)
    fields = container.fields or {}
    environment = pods.environment(fields.get("env"), reading)
    cards = pods.cards(fields.get("resources"), reading)
    command = pods.command(container, environment, reading)
    image = fields["image"].text if "image" in fields else None
    if not image:
        reading.fault(container.at, "containers[0].image：没有写镜像")
    asked: dict[str, Any] = {
        "name": _name(document, template, reading),
        "image": image or "",
        "environment": environment,
        "vendor": cards.vendor or None,
        "models": _models(pod, cards, reading),
        "retries": _retries(spec, pod, reading),
        "time_limit_seconds": _limit(spec, reading),
        "source_format": "kubernetes",
        **_pods(spec, pod, command, max(cards.count, 1), reading),
    }
    if not cards.count:
        reading.note("没有写加速卡（resources.limits）：每个 pod 按 1 张卡，任何型号")
    return reading.done(asked)


def _inside(node: Node, key: str, reading: Reading) -> Node:
    found = (node.fields or {}).get(key)
    if found is None or found.fields is None:
        reading.fault(found.at if found else node.at, f"{key}：{'应是键值对' if found else '没有写'}")
        reading.done({})
        raise AssertionError("unreachable: there is a fault")
    return found


def _container(pod: Node, reading: Reading) -> Node:
    listed = (pod.fields or {}).get("containers")
    items = (listed.items if listed else None) or []
    if len(items) != 1 or items[0].fields is None:
        at = items[1].at if len(items) > 1 else listed.at if listed else pod.at
        reading.fault(at, f"containers 有 {len(items)} 个：平台的作业只有一个容器")
        reading.done({})
    return items[0]


def _name(document: Node, template: Node, reading: Reading) -> str:
    name = ""
    for where, node in (("metadata", document), ("template.metadata", template)):
        metadata = (node.fields or {}).get("metadata")
        if metadata is None or metadata.fields is None:
            continue
        pods.rest(metadata, where, keys.METADATA_READ, keys.METADATA_NOTED, reading)
        for key in ("labels", "annotations"):
            marks = metadata.fields.get(key)
            for mark in (marks.fields if marks else None) or {}:
                assert marks is not None
                why = "队列由中心决定；先后由平台的公平份额决定" if mark == QUEUE else "平台不保存"
                reading.note(f"{where}.{key}.{mark}：{why}", marks.key_at(mark))
        if not name:
            found = metadata.fields.get("name") or metadata.fields.get("generateName")
            name = ((found.text if found else None) or "").rstrip("-")
    return name[:LONGEST_NAME] or "job"


def _models(pod: Node, cards: pods.Cards, reading: Reading) -> list[str]:
    """The models of the resource's name, narrowed by a node selector that names a card."""
    models = list(cards.models)
    selector = (pod.fields or {}).get("nodeSelector")
    for key, value in ((selector.fields if selector else None) or {}).items():
        assert selector is not None
        at = selector.key_at(key)
        try:
            if not CARD_LABEL.search(key):
                raise Refused("")
            named = meant(value.text or "")
        except Refused:
            reading.note(f"nodeSelector.{key}={shown(value.text or '')}：{keys.NODES}", at)
            continue
        both = [model for model in named if not models or model in models]
        if not both:
            reading.fault(at, f"nodeSelector.{key} 的 {value.text} 与资源名的型号 {'、'.join(models)} 矛盾")
        models = both
    return models


def _retries(spec: Node, pod: Node, reading: Reading) -> int:
    policy = (pod.fields or {}).get("restartPolicy")
    if policy and policy.text == "OnFailure":
        reading.note("restartPolicy=OnFailure：重试时从头开始，可能换一个中心", policy.at)
    elif policy and policy.text != "Never":
        reading.fault(policy.at, f"restartPolicy {shown(policy.text or '')}：Job 只能是 Never 或 OnFailure")
    limit = (spec.fields or {}).get("backoffLimit")
    if limit is None or limit.value is None:
        reading.note(DEFAULT_BACKOFF)
        return 0
    retries = _whole(limit, "backoffLimit", 0, 10**6, reading)
    if retries > MOST_RETRIES:
        reading.note(f"backoffLimit={retries}：平台最多重试 {MOST_RETRIES} 次", limit.at)
    return min(retries, MOST_RETRIES)


def _limit(spec: Node, reading: Reading) -> int:
    limit = (spec.fields or {}).get("activeDeadlineSeconds")
    if limit is None or limit.value is None:
        reading.note("没有写 activeDeadlineSeconds：平台的时限按 1 小时；请用 --time-limit")
        return 3600
    return _whole(limit, "activeDeadlineSeconds", 1, LONGEST_TIME, reading)


def _pods(spec: Node, pod: Node, command: list[str], cards: int, reading: Reading) -> dict[str, Any]:
    """Pods that find each other are a gang, others an array: each index a job of its own."""
    fields = spec.fields or {}
    given = {
        key: _whole(fields[key], key, 0, MOST_IN_ARRAY, reading)
        for key in ("completions", "parallelism")
        if key in fields and fields[key].value is not None
    }
    count = given.get("completions", given.get("parallelism", 1))
    if 0 in given.values():
        reading.fault(spec.at, "completions 与 parallelism 应至少是 1")
    subdomain = (pod.fields or {}).get("subdomain")
    if count <= 1:
        if subdomain:
            reading.note("subdomain：只有一个 pod，用不到", subdomain.at)
        return {"command": command, "cards": cards}
    if subdomain and subdomain.text:
        reading.note(
            f"subdomain={shown(subdomain.text)}：{count} 个 pod 成为同时开始的 {count} 个节点；它们的域名与原来不同，"
            "第一个节点是 $HUISUAN_HEAD，序号是 $HUISUAN_NODE_RANK",
            subdomain.at,
        )
        if any(subdomain.text in word for word in command):
            reading.fault(subdomain.at, f"命令里写了 pod 的域名（{subdomain.text}）：请改用 $HUISUAN_HEAD")
        ranked = ["/bin/sh", "-c", RANKED, "sh", *command]
        return {"command": ranked, "cards": cards * count, "nodes": count}
    if "completions" not in given:
        reading.note(f"没有写 completions：parallelism 的 {count} 个 pod 成为 {count} 个作业，各自结束", spec.at)
    elif given.get("parallelism", 1) != count:
        reading.note(f"parallelism={given.get('parallelism', 1)}：同时运行几个由平台按公平份额决定", spec.at)
    reading.note(
        f"{count} 个 pod 成为 {count} 个作业的阵列；要它们同时开始、互相通信，请写 subdomain 或改用惠算文件的 nodes"
    )
    return {"command": command, "cards": cards, "array": list(range(count))}


def _whole(node: Node, key: str, least: int, most: int, reading: Reading) -> int:
    text = node.text or ""
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not least <= int(text) <= most:
        reading.fault(node.at, f"{key} {shown(text)}：应是 {least} 至 {most} 的整数")
        return least
    return int(text)
