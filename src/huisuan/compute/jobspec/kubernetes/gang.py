"""Workloads whose pods start together (Volcano Job, PyTorchJob): every pod becomes a node of one gang. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huisuan.compute.jobspec.core.parse_result import ParsedJob, ParseReport, on_one_line
from huisuan.compute.jobspec.core.request_rules import MOST_CARDS
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.kubernetes import container as pods
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys
from huisuan.compute.jobspec.kubernetes.pod_template import PodTemplate, inside, read_template
from huisuan.compute.jobspec.kubernetes.workload import job_name, parse_integer, retries_of, time_limit

#: what the operators set in every pod, by the platform's own: PyTorchJob's variables, Volcano's plugin `env`
PYTORCH = (
    'export MASTER_ADDR="${HUISUAN_HEAD:-127.0.0.1}" MASTER_PORT="${MASTER_PORT:-23456}" '
    'RANK="${HUISUAN_NODE_RANK:-0}" WORLD_SIZE=%(nodes)d PET_NNODES=%(nodes)d PET_NODE_RANK="${HUISUAN_NODE_RANK:-0}" '
    'PET_MASTER_ADDR="${HUISUAN_HEAD:-127.0.0.1}" PET_MASTER_PORT="${MASTER_PORT:-23456}"%(more)s; exec "$@"'
)
VOLCANO = 'export VC_TASK_INDEX="${HUISUAN_NODE_RANK:-0}" VK_TASK_INDEX="${HUISUAN_NODE_RANK:-0}"; exec "$@"'
DEFAULT_MAX_RETRY = "没有写 maxRetry：Volcano 会重试 3 次，平台不重试；要重试请用 --retries"
_DEFAULT_BACKOFF = "没有写 runPolicy.backoffLimit：平台不重试；要重试请用 --retries"


@dataclass(frozen=True)
class PodRole:
    """One kind of pod of a workload (a task of Volcano's, Master or Worker), and how many of it."""

    name: str
    replicas: int
    template: YamlNode
    pod: PodTemplate


def volcano_job(document: YamlNode, report: ParseReport) -> ParsedJob:
    """The job that a Volcano Job asks for: all pods of all its tasks are nodes that start together.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    pods.rest(document, "", keys.TOP_READ, keys.TOP_NOTED, report)
    spec = inside(document, "spec", report)
    pods.rest(spec, "spec", keys.VOLCANO_READ, keys.VOLCANO_NOTED, report, keys.VOLCANO_REFUSED)
    tasks = spec.fields["tasks"] if spec.fields and "tasks" in spec.fields else None
    if tasks is None or not tasks.items:
        report.fault(tasks.at if tasks else spec.at, "spec.tasks：应是列表，至少一项")
        return report.done({})
    roles = []
    for number, task in enumerate(tasks.items):
        pods.rest(task, f"tasks[{number}]", keys.VOLCANO_TASK_READ, keys.VOLCANO_TASK_NOTED, report)
        roles.append(_role(_name_of(task, f"tasks[{number}]"), task, report))
    retries = retries_of(spec, "maxRetry", DEFAULT_MAX_RETRY, report)
    return _gang(document, roles, VOLCANO, {"retries": retries, "time_limit_seconds": time_limit(spec, report)}, report)


def pytorch_job(document: YamlNode, report: ParseReport) -> ParsedJob:
    """The job that a PyTorchJob asks for: its master is the first node, its workers are the others.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    pods.rest(document, "", keys.TOP_READ, keys.TOP_NOTED, report)
    spec = inside(document, "spec", report)
    fields = spec.fields or {}
    if "pytorchReplicaSpecs" not in fields and "template" in fields:
        why = "这是 batch/v1 Job 的写法：请改成 apiVersion: batch/v1、kind: Job"
        report.fault(spec.key_at("template"), f"spec.template：{why}；或移到 pytorchReplicaSpecs.Master.template")
        return report.done({})
    pods.rest(spec, "spec", keys.PYTORCH_READ, keys.PYTORCH_NOTED, report)
    replicas = inside(spec, "pytorchReplicaSpecs", report)
    for key in (replicas.fields or {}).keys() - {"Master", "Worker"}:
        report.fault(replicas.key_at(key), f"pytorchReplicaSpecs.{on_one_line(key)}：只能是 Master 与 Worker")
    roles = []
    for key in ("Master", "Worker"):
        if replica := (replicas.fields or {}).get(key):
            pods.rest(replica, key, keys.PYTORCH_ROLE_READ, {}, report)
            roles.append(_role(key, replica, report))
    if not roles:
        report.fault(replicas.at, "pytorchReplicaSpecs：请写出 Master 或 Worker")
        return report.done({})
    policy = fields.get("runPolicy") or YamlNode(spec.at, {}, keys={})
    pods.rest(policy, "runPolicy", keys.RUN_POLICY_READ, keys.RUN_POLICY_NOTED, report)
    limits = {
        "retries": retries_of(policy, "backoffLimit", _DEFAULT_BACKOFF, report),
        "time_limit_seconds": time_limit(policy, report),
    }
    per_node = fields.get("nprocPerNode")
    more = f" PET_NPROC_PER_NODE={per_node.text}" if per_node and (per_node.text or "").isalnum() else ""
    nodes = sum(role.replicas for role in roles)
    return _gang(document, roles, PYTORCH % {"nodes": nodes, "more": more}, limits, report)


def _name_of(task: YamlNode, otherwise: str) -> str:
    name = (task.fields or {}).get("name")
    return (name.text if name else None) or otherwise


def _role(name: str, node: YamlNode, report: ParseReport) -> PodRole:
    replicas = (node.fields or {}).get("replicas")
    count = (
        1 if replicas is None or replicas.value is None else parse_integer(replicas, "replicas", 1, MOST_CARDS, report)
    )
    template = inside(node, "template", report)
    pod = read_template(template, report)
    own = (node.fields or {}).get("restartPolicy") or pod.restart_policy
    if own and own.text in ("OnFailure", "Always", "ExitCode"):
        report.note(f"{name} 的 restartPolicy={own.text}：平台整个作业一起重试，从头开始", own.at)
    return PodRole(name, count, template, pod)


def _gang(
    document: YamlNode, roles: list[PodRole], variables: str, limits: dict[str, int], report: ParseReport
) -> ParsedJob:
    first, nodes = roles[0], sum(role.replicas for role in roles)
    for other in roles[1:]:
        if other.pod != first.pod:
            report.fault(
                other.pod.at,
                f"{other.name} 与 {first.name} 的镜像、命令、环境变量或卡不同：平台的作业各节点运行同一条命令，"
                "请写成一样的，在命令里按 $HUISUAN_NODE_RANK 分工（0 是第一个节点）",
            )
    pod = first.pod
    if nodes > 1:
        report.note(
            f"{nodes} 个 pod 成为同时开始的 {nodes} 个节点；它们的域名与原来不同，"
            "第一个节点是 $HUISUAN_HEAD，序号是 $HUISUAN_NODE_RANK"
        )
    asked: dict[str, Any] = {
        "name": job_name((document, *(role.template for role in roles)), report),
        "image": pod.image,
        "command": ["/bin/sh", "-c", variables, "sh", *pod.command],
        "environment": pod.environment,
        "cards": pod.cards and pod.cards * nodes,
        "nodes": nodes,
        "models": list(pod.models),
        "vendor": pod.vendor or None,
        "source_format": "kubernetes",
        **limits,
    }
    return report.done(asked)
