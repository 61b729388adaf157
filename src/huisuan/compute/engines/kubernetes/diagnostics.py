"""What `huisuan agent doctor` asks of a cluster: what an operator could have got wrong, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from huisuan.compute.accelerators import part_of
from huisuan.compute.engines.interface import CheckResult, EngineError
from huisuan.compute.engines.kubernetes.api_client import Cluster
from huisuan.compute.engines.kubernetes.config import KubernetesSite
from huisuan.compute.engines.kubernetes.nodes import card_names

OLDEST = (1, 24)  # Indexed and suspended jobs are there for good

#: verb, API group, resource, in our namespace or in the cluster
NEEDED = (
    ("create", "batch", "jobs", True),
    ("get", "batch", "jobs", True),
    ("list", "batch", "jobs", True),
    ("delete", "batch", "jobs", True),
    ("list", "", "pods", True),
    ("patch", "", "pods", True),
    ("get", "", "pods/log", True),
    ("create", "", "configmaps", True),
    ("get", "", "configmaps", True),
    ("delete", "", "configmaps", True),
    ("create", "", "services", True),
    ("get", "", "services", True),
    ("delete", "", "services", True),
    ("list", "", "nodes", False),
    ("list", "", "pods", False),
)


def kubernetes_checks(cluster: Cluster, site: KubernetesSite) -> list[CheckResult]:
    """Everything that is checked, each with whether it is well and, where not, what to do."""
    found: list[CheckResult] = []
    try:
        for finding in _findings(cluster, site):
            found.append(finding)
    except EngineError as error:
        found.append(("Kubernetes API", False, str(error)))
    return found


def _findings(cluster: Cluster, site: KubernetesSite) -> Iterator[CheckResult]:
    version = cluster.version()
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    recent = bool(numbers) and (int(numbers[1]), int(numbers[2])) >= OLDEST if numbers else False
    old = "早于 1.24：多节点作业的 Pod 不知道自己的序号，作业也不能挂起等 Kueue；请升级"
    yield f"Kubernetes API {version}", recent, "" if recent else old
    denied = [need for need in NEEDED if not cluster.may(*need)]
    for verb, group, resource, namespaced in denied:
        where = f"命名空间 {site.namespace}" if namespaced else "整个集群"
        role = "Role" if namespaced else "ClusterRole"
        remedy = f"在 {role} 里给站点代理加 apiGroups: [{group!r}] resources: [{resource}] verbs: [{verb}]"
        yield f"权限 {verb} {resource}（{where}）", False, remedy
    if not denied:
        yield f"权限（命名空间 {site.namespace}）", True, ""
    if ("list", "", "nodes", False) not in denied:
        yield from _cards(cluster, site)
    if site.queues:
        there = "kueue.x-k8s.io" in cluster.groups()
        yield "Kueue", there, "" if there else "没有安装 Kueue，作业会一直挂起；请安装，或去掉引擎选项 queues=yes"
    yield "默认镜像", True, "" if site.image else "没有设引擎选项 image：不带镜像的作业会被拒绝"
    if site.workdir_root is not None and not site.workdir_root.is_dir():
        yield (
            "工作目录",
            False,
            f"引擎选项 workdir_root={site.workdir_root} 不是这台机器上的目录；请把该持久卷也挂到这里",
        )


def _cards(cluster: Cluster, site: KubernetesSite) -> Iterator[CheckResult]:
    cards: dict[str, int] = {}
    parts: set[str] = set()
    partitions = set()
    for node in cluster.nodes():
        amounts = node.get("status", {}).get("allocatable", {})
        parts |= {name for name, amount in amounts.items() if "/" in name and amount != "0" and part_of(name)}
        for name in card_names(amounts):
            if int(amounts[name]):  # a device plugin that died leaves its name behind, with none
                cards[name] = cards.get(name, 0) + int(amounts[name])
        partitions.add(node["metadata"].get("labels", {}).get(site.partition_label, ""))
    listing = "、".join(f"{name} {count} 张" for name, count in sorted(cards.items()))
    remedy = "没有节点提供加速卡资源；请安装设备插件（如 nvidia-device-plugin、Ascend device plugin）"
    yield f"加速卡资源 {listing}".strip(), bool(cards), "" if cards else remedy
    if parts:
        listed = "、".join(sorted(parts))
        yield f"部分卡资源 {listed}", True, "是一张卡的一部分：平台按整卡分配和计量，不算作卡"
    if site.partition_label and partitions <= {""}:
        yield (
            f"分区标签 {site.partition_label}",
            False,
            "没有节点带这个标签；请给节点打标签，或更正 partition_label",
        )
