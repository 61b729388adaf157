"""A cluster's nodes and their cards, from the API's JSON: pure.

A card is a resource that a device plugin offers. Parts of cards (nvidia.com/gpucores and the like) count for nothing:
the meter knows whole cards only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from huisuan.compute.accelerators import part_of
from huisuan.compute.engines.interface import NodeSeen
from huisuan.compute.engines.kubernetes.config import KubernetesSite

#: device plugins' names for whole cards, by their publishers' documentation
CARDS = re.compile(
    r"(nvidia\.com/gpu|amd\.com/gpu|gpu\.intel\.com/(i915|xe)|huawei\.com/(Ascend\w+|npu)|hygon\.com/dcu|"
    r"cambricon\.com/(mlu\w*|real-mlu)|kunlunxin\.com/xpu|enflame\.com/gcu|iluvatar\.com/gpu|metax-tech\.com/gpu|"
    r"mthreads\.com/gpu|biren\w*\.com/gpu|habana\.ai/gaudi)"
)


def card_names(amounts: Mapping[str, str]) -> list[str]:
    """Which resources of a node are whole cards."""
    return sorted(name for name in amounts if CARDS.fullmatch(name) and not part_of(name))


def kubernetes_nodes(
    nodes: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], site: KubernetesSite
) -> list[NodeSeen]:
    """The nodes with their cards of each kind, and how many of them the pods hold."""
    used: dict[tuple[str, str], int] = defaultdict(int)
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node:
            for name, count in _held(pod["spec"]).items():
                used[node, name] += count
    seen = []
    for node in nodes:
        name, labels = node["metadata"]["name"], node["metadata"].get("labels", {})
        amounts = node.get("status", {}).get("allocatable", {})
        for card in card_names(amounts):
            cards = int(amounts[card])
            partition = labels.get(site.partition_label, "") if site.partition_label else site.partition
            held = min(cards, used[name, card])
            if cards:
                seen.append(NodeSeen(name, partition, card, cards, held, _state(node)))
    return seen


def _held(spec: Mapping[str, Any]) -> dict[str, int]:
    """The cards a pod holds: what its containers hold together, or an init container alone if that is more."""
    together: dict[str, int] = defaultdict(int)
    for container in spec.get("containers", []):
        for name, count in _cards(container).items():
            together[name] += count
    for container in spec.get("initContainers", []):
        for name, count in _cards(container).items():
            together[name] = max(together[name], count)
    return together


def _cards(container: Mapping[str, Any]) -> dict[str, int]:
    limits = container.get("resources", {}).get("limits", {})
    return {name: int(limits[name]) for name in card_names(limits)}


def _state(node: Mapping[str, Any]) -> str:
    conditions = {condition["type"]: condition["status"] for condition in node.get("status", {}).get("conditions", [])}
    if conditions.get("Ready") != "True":
        return "down"
    return "drained" if node["spec"].get("unschedulable") else "up"
