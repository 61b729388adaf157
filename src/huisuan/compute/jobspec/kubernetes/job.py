"""A Kubernetes Job (batch/v1): image, command, environment and cards; what belongs to its cluster is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from huisuan.compute.jobspec.core.parse_result import ParsedJob, ParseReport, on_one_line
from huisuan.compute.jobspec.core.request_rules import MOST_IN_ARRAY
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.kubernetes import container as pods
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys
from huisuan.compute.jobspec.kubernetes.gang import pytorch_job, volcano_job
from huisuan.compute.jobspec.kubernetes.pod_template import PodTemplate, inside, read_template
from huisuan.compute.jobspec.kubernetes.workload import job_name, parse_integer, retries_of, time_limit

#: for a gang: Kubernetes tells each pod its index, and so does the platform, by another name
RANKED = 'export JOB_COMPLETION_INDEX="${HUISUAN_NODE_RANK:-0}"; exec "$@"'
ROLES = "平台的作业各节点运行同一条命令：请改写成 PyTorchJob 或 batch/v1 的 Job，用 $HUISUAN_NODE_RANK 分工"
OTHER_KINDS = {
    "CronJob": "平台不定时重复：请用自己的定时器提交其中的 Job",
    "Deployment": "平台运行会结束的作业，不运行长期的服务",
    "StatefulSet": "平台运行会结束的作业，不运行长期的服务",
    "DaemonSet": "平台运行会结束的作业，不运行长期的服务",
    "Pod": "请改写成 batch/v1 的 Job：把 spec 放到 spec.template.spec",
    "List": "请把其中的 Job 单独存成一个文件",
    "MPIJob": ROLES,
    "TFJob": ROLES,
    "PaddleJob": ROLES,
    "XGBoostJob": ROLES,
    "RayJob": "平台不建 Ray 集群：请把入口命令写成 batch/v1 的 Job；有的中心以 Ray 为执行引擎",
    "JobSet": "请把其中的一个 Job 单独存成一个文件，先后用 --after",
}
_ACCEPTED = "只接受 apiVersion: batch/v1 的 Job、Volcano 的 Job（batch.volcano.sh）与 PyTorchJob（kubeflow.org）"
_DEFAULT_BACKOFF = "没有写 backoffLimit：Kubernetes 会重试 6 次，平台不重试；要重试请用 --retries"


def parse_kubernetes_job(documents: Sequence[YamlNode], report: ParseReport) -> ParsedJob:
    """The job that a manifest asks for; what stands beside the Job in the file is named.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    jobs: list[tuple[YamlNode, Callable[[YamlNode, ParseReport], ParsedJob]]] = []
    for document in documents:
        version, kind = (_text(document, key) for key in ("apiVersion", "kind"))
        if read_workload := _reader_of(version, kind):
            jobs.append((document, read_workload))
        elif kind == "Job":
            report.fault(document.at, f"{version or '没有 apiVersion 的'} Job：{_ACCEPTED}")
        elif kind in OTHER_KINDS or len(documents) == 1:
            why = OTHER_KINDS.get(kind, _ACCEPTED)
            report.fault(document.key_at("kind"), f"{kind or '没有 kind'}：{why}")
        else:
            report.note(f"{kind}：没有提交，平台只运行 Job", document.at)
    if len(jobs) > 1:
        report.fault(jobs[1][0].at, "一个文件里有几个 Job：请分别提交，先后用 --after")
    if report.faults or not jobs:
        if not report.faults:
            report.fault(documents[0].at, f"没有作业：{_ACCEPTED}")
        return report.done({})
    document, read_workload = jobs[0]
    return read_workload(document, report)


def _reader_of(version: str, kind: str) -> Callable[[YamlNode, ParseReport], ParsedJob] | None:
    group = version.partition("/")[0]
    return None if group == "batch" and version != "batch/v1" else WORKLOADS.get((group, kind))


def _text(document: YamlNode, key: str) -> str:
    found = (document.fields or {}).get(key)
    return (found.text if found else None) or ""


def _job(document: YamlNode, report: ParseReport) -> ParsedJob:
    pods.rest(document, "", keys.TOP_READ, keys.TOP_NOTED, report)
    spec = inside(document, "spec", report)
    template = inside(spec, "template", report)
    pods.rest(spec, "spec", keys.JOB_READ, keys.JOB_NOTED, report)
    pod = read_template(template, report)
    asked: dict[str, Any] = {
        "name": job_name((document, template), report),
        "image": pod.image,
        "environment": pod.environment,
        "vendor": pod.vendor or None,
        "models": list(pod.models),
        "retries": _retries(spec, pod, report),
        "time_limit_seconds": time_limit(spec, report),
        "source_format": "kubernetes",
        **_pods(spec, pod, report),
    }
    return report.done(asked)


def _retries(spec: YamlNode, pod: PodTemplate, report: ParseReport) -> int:
    policy = pod.restart_policy
    if policy and policy.text == "OnFailure":
        report.note("restartPolicy=OnFailure：重试时从头开始，可能换一个中心", policy.at)
    elif policy and policy.text != "Never":
        report.fault(policy.at, f"restartPolicy {on_one_line(policy.text or '')}：Job 只能是 Never 或 OnFailure")
    return retries_of(spec, "backoffLimit", _DEFAULT_BACKOFF, report)


def _pods(spec: YamlNode, pod: PodTemplate, report: ParseReport) -> dict[str, Any]:
    """Pods that find each other are a gang, others an array: each index a job of its own."""
    fields = spec.fields or {}
    given = {
        key: parse_integer(fields[key], key, 0, MOST_IN_ARRAY, report)
        for key in ("completions", "parallelism")
        if key in fields and fields[key].value is not None
    }
    count = given.get("completions", given.get("parallelism", 1))
    if 0 in given.values():
        report.fault(spec.at, "completions 与 parallelism 应至少是 1")
    subdomain, command, cards = pod.subdomain, list(pod.command), pod.cards
    if count <= 1:
        if subdomain:
            report.note("subdomain：只有一个 pod，用不到", subdomain.at)
        return {"command": command, "cards": cards}
    if subdomain and subdomain.text:
        report.note(
            f"subdomain={on_one_line(subdomain.text)}：{count} 个 pod 成为同时开始的 {count} 个节点；它们的域名"
            "与原来不同，第一个节点是 $HUISUAN_HEAD，序号是 $HUISUAN_NODE_RANK",
            subdomain.at,
        )
        if any(subdomain.text in word for word in command):
            report.fault(subdomain.at, f"命令里写了 pod 的域名（{subdomain.text}）：请改用 $HUISUAN_HEAD")
        ranked = ["/bin/sh", "-c", RANKED, "sh", *command]
        return {"command": ranked, "cards": cards and cards * count, "nodes": count}
    if "completions" not in given:
        report.note(f"没有写 completions：parallelism 的 {count} 个 pod 成为 {count} 个作业，各自结束", spec.at)
    elif given.get("parallelism", 1) != count:
        report.note(f"parallelism={given.get('parallelism', 1)}：同时运行几个由平台按公平份额决定", spec.at)
    report.note(
        f"{count} 个 pod 成为 {count} 个作业的阵列；要它们同时开始、互相通信，请写 subdomain 或改用惠算文件的 nodes"
    )
    return {"command": command, "cards": cards, "array": list(range(count))}


#: the kinds of workload that become a job, by the group of their API
WORKLOADS: dict[tuple[str, str], Callable[[YamlNode, ParseReport], ParsedJob]] = {
    ("batch", "Job"): _job,
    ("batch.volcano.sh", "Job"): volcano_job,
    ("kubeflow.org", "PyTorchJob"): pytorch_job,
}
