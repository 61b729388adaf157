"""What a centre's operator says of its cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huisuan.compute.engines.common.spec_checks import check_options

_OPTIONS = {
    "kubeconfig": "kubeconfig 文件；不设时在集群内用服务账号，在集群外用默认位置",
    "context": "kubeconfig 里的 context",
    "namespace": "作业所在的命名空间，默认 default",
    "image": "不带镜像的作业用的默认镜像",
    "queues": "yes：由 Kueue 准入，分区名即 LocalQueue 名；默认 no",
    "partition_label": "节点标签，其值是分区名；作业按它选节点",
    "partition": "没有 partition_label 时，所有节点所属的分区名",
    "workdir_claim": "存放工作目录的持久卷声明（ReadWriteMany）",
    "workdir_root": "该持久卷在代理这台机器上的挂载点",
    "cpu_per_card": "每张卡配的处理器，如 8、500m",
    "memory_per_card": "每张卡配的内存，如 64Gi",
}


@dataclass(frozen=True)
class KubernetesSite:
    """The cluster's options, by the names of `_OPTIONS`."""

    namespace: str = "default"
    image: str = ""
    queues: bool = False
    partition_label: str = ""
    partition: str = ""
    workdir_claim: str = ""
    workdir_root: Path | None = None
    cpu_per_card: str = ""
    memory_per_card: str = ""


def parse_kubernetes_site(given: Mapping[str, str]) -> KubernetesSite:
    """The options as an operator writes them.

    Raises:
        ValueError: one is unknown, or its value makes no sense.
    """
    check_options("kubernetes", given, _OPTIONS)
    if given.get("queues", "no") not in ("yes", "no"):
        raise ValueError(f"kubernetes 引擎的选项 queues={given['queues']} 应为 yes 或 no")
    if bool(given.get("workdir_claim")) != bool(given.get("workdir_root")):
        raise ValueError("kubernetes 引擎的选项 workdir_claim 与 workdir_root 要么都设，要么都不设")
    for name in ("cpu_per_card", "memory_per_card"):
        if given.get(name):
            multiply_quantity(given[name], 1)
    plain = {name: given[name] for name in _TEXTS if name in given}
    root = given.get("workdir_root")
    return KubernetesSite(**plain, queues=given.get("queues") == "yes", workdir_root=Path(root) if root else None)


_TEXTS = ("namespace", "image", "partition_label", "partition", "workdir_claim", "cpu_per_card", "memory_per_card")


def multiply_quantity(quantity: str, count: int) -> str:
    """A quantity of Kubernetes (8, 500m, 64Gi) so many times over.

    Raises:
        ValueError: it is no quantity in whole numbers.
    """
    found = re.fullmatch(r"(\d+)([a-zA-Z]{0,2})", quantity)
    if not found:
        raise ValueError(f"{quantity!r} 不是 Kubernetes 的数量；应如 8、500m、64Gi")
    return f"{int(found[1]) * count}{found[2]}"
