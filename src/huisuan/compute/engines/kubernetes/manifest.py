"""What the Kubernetes engine creates for one run: pure, from the job asked for to the objects.

Kubernetes itself expands `$(NAME)` in commands, arguments and environment: every `$` a user writes is doubled, which
tells it to leave them alone. No shell sees anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from huisuan.compute.accelerators import part_of, part_refusal
from huisuan.compute.engines.common.spec_checks import check_program
from huisuan.compute.engines.interface import JobSpec
from huisuan.compute.engines.kubernetes.config import KubernetesSite, multiply_quantity

OURS = "app.kubernetes.io/managed-by"
MANAGER = "huisuan"
RUN, UID, DIGEST = "huisuan/run", "huisuan/uid", "huisuan/spec"
KEEP = "huisuan/usage"  # a pod's finalizer: it does not go before its times are written down
_QUEUE = "kueue.x-k8s.io/queue-name"
INDEX = "batch.kubernetes.io/job-completion-index"
CONTAINER = "job"
SCRIPT_FOLDER, WORK = "/huisuan", "/work"
_GRACE_SECONDS = 10
SCRIPT_BYTES = 900_000  # etcd takes objects of 1.5 MiB, a ConfigMap 1 MiB
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?")
_CARD = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def job_manifests(job: JobSpec, site: KubernetesSite) -> list[tuple[str, dict[str, Any]]]:
    """The plural and the object of everything a run needs, in the order to create it; the Job itself last.

    Raises:
        ValueError: it can never run here; says why.
    """
    check_kubernetes_job(job, site)
    meta = {
        "name": job.name,
        "namespace": site.namespace,
        "labels": {OURS: MANAGER, RUN: job.name, UID: job.uid},
    }
    made: list[tuple[str, dict[str, Any]]] = []
    if job.script:
        made.append(
            ("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"script": job.script}})
        )
    if job.nodes > 1:
        # without it the pods of a gang have no names by which to find each other
        spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {RUN: job.name}}
        named = {**meta, "name": gang(job.name)}
        made.append(("services", {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec}))
    made.append(("jobs", _job(job, site, meta)))
    return made


def gang(run: str) -> str:
    """What a gang's Service is called: unlike a Job's, its name has to begin with a letter."""
    return f"gang-{run}"


def check_kubernetes_job(job: JobSpec, site: KubernetesSite) -> None:
    """Refuse what this cluster can never run.

    Raises:
        ValueError: says why.
    """
    if not _NAME.fullmatch(job.name):
        raise ValueError(f"作业名格式不对：{job.name!r}；Kubernetes 的名字只含小写字母、数字和 -，最长 52 个字符")
    check_program(job)
    if not (job.image or site.image):
        raise ValueError("Kubernetes 上的作业须指明容器镜像（image）；中心也没有设默认镜像（引擎选项 image）")
    if not _CARD.fullmatch(job.local_card):
        raise ValueError(
            f"加速卡名 {job.local_card!r} 不是 Kubernetes 的资源名；应如 nvidia.com/gpu、huawei.com/Ascend910B3"
        )
    if what := part_of(job.local_card):
        raise ValueError(f"{part_refusal(job.local_card, what)}；这个中心不能以切分的卡接平台的作业")
    if job.cards % job.nodes:
        raise ValueError(f"{job.cards} 张卡不能均分到 {job.nodes} 个节点；每个 Pod 的卡数须相同")
    if len(job.script.encode()) > SCRIPT_BYTES:
        raise ValueError(f"脚本有 {len(job.script.encode())} 字节，超过 {SCRIPT_BYTES}；大文件请放进工作目录或镜像")
    if job.workdir is not None:
        _sub_path(job.workdir, site)


def spec_digest(job: JobSpec) -> str:
    """What a run asks for, as 64 hex digits: tells a run found by its name from another of that name."""
    asked = [job.name, job.command, job.script, job.cards, job.nodes, job.local_card, sorted(job.environment.items())]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()


def literally(text: str) -> str:
    """A text as Kubernetes must be given it to reach the program unchanged."""
    return text.replace("$", "$$")


def _sub_path(workdir: Path, site: KubernetesSite) -> str:
    if not site.workdir_claim or site.workdir_root is None:
        raise ValueError("这个中心的 Kubernetes 不接收工作目录：没有设引擎选项 workdir_claim 与 workdir_root")
    try:
        return workdir.resolve().relative_to(site.workdir_root.resolve()).as_posix()
    except ValueError:
        raise ValueError(f"工作目录 {workdir} 不在引擎选项 workdir_root={site.workdir_root} 之下") from None


def _job(job: JobSpec, site: KubernetesSite, meta: dict[str, Any]) -> dict[str, Any]:
    labels = dict(meta["labels"])
    if site.queues and job.partition:
        labels[_QUEUE] = job.partition
    spec: dict[str, Any] = {
        "backoffLimit": 0,  # a job begins once: the platform decides about another run, under another name
        "parallelism": job.nodes,
        "completions": job.nodes,
        "template": {
            "metadata": {"labels": meta["labels"], "finalizers": [KEEP]},
            "spec": _pod(job, site),
        },
    }
    if job.nodes > 1:
        spec["completionMode"] = "Indexed"
    if site.queues:
        spec["suspend"] = True  # Kueue lets it go when its queue has room
    annotations = {DIGEST: spec_digest(job)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**meta, "labels": labels, "annotations": annotations},
        "spec": spec,
    }


def _pod(job: JobSpec, site: KubernetesSite) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,  # whoever's job it is: not the cluster's
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        # the pod's own deadline, not the Job's: that one counts the wait for cards, too
        "activeDeadlineSeconds": job.time_limit_seconds,
        "tolerations": [{"key": job.local_card, "operator": "Exists"}],
        "containers": [_container(job, site)],
    }
    if volumes := _volumes(job, site):
        pod["volumes"] = volumes
    if site.partition_label and job.partition and not site.queues:
        pod["nodeSelector"] = {site.partition_label: job.partition}
    if job.nodes > 1:
        pod["subdomain"] = gang(job.name)
    return pod


def _container(job: JobSpec, site: KubernetesSite) -> dict[str, Any]:
    each = job.cards // job.nodes
    amounts = {job.local_card: str(each)}
    for resource, per_card in (("cpu", site.cpu_per_card), ("memory", site.memory_per_card)):
        if per_card:
            amounts[resource] = multiply_quantity(per_card, each)
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": job.image or site.image,
        "command": [f"{SCRIPT_FOLDER}/script"] if job.script else [literally(word) for word in job.command],
        "env": _environment(job, each),
        "resources": {"limits": amounts, "requests": amounts},
        "securityContext": {"allowPrivilegeEscalation": False},
    }
    mounts = []
    if job.script:
        mounts.append({"name": "script", "mountPath": SCRIPT_FOLDER, "readOnly": True})
    if job.workdir is not None:
        mounts.append({"name": "work", "mountPath": WORK, "subPath": _sub_path(job.workdir, site)})
        container["workingDir"] = WORK
    if mounts:
        container["volumeMounts"] = mounts
    return container


def _environment(job: JobSpec, each: int) -> list[dict[str, Any]]:
    """The user's own, then ours; the rank of a gang's pod comes from Kubernetes."""
    own = {"HUISUAN_JOB_UID": job.uid, "HUISUAN_NODES": str(job.nodes), "HUISUAN_CARDS_PER_NODE": str(each)}
    if job.nodes > 1:
        own["HUISUAN_HEAD"] = f"{job.name}-0.{gang(job.name)}"
    variables: list[dict[str, Any]] = [
        {"name": key, "value": literally(value)} for key, value in {**job.environment, **own}.items()
    ]
    rank = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
    variables.append({"name": "HUISUAN_NODE_RANK", **({"valueFrom": rank} if job.nodes > 1 else {"value": "0"})})
    return variables


def _volumes(job: JobSpec, site: KubernetesSite) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = []
    if job.script:
        volumes.append({"name": "script", "configMap": {"name": job.name, "defaultMode": 0o555}})
    if job.workdir is not None:
        volumes.append({"name": "work", "persistentVolumeClaim": {"claimName": site.workdir_claim}})
    return volumes
