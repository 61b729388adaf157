"""Parts of cards, by the names that schedulers, device plugins and job files give them. Pure.

A card can be cut (NVIDIA MIG, Ascend vNPU, Cambricon MIM) or shared (Slurm's shard and mps, time slicing, vGPU, and the
device plugins that count cores and memory). The meter counts whole cards only, so a part is never taken for one, nor
for an unknown model that somebody should register. Every reader of names asks here.

Names after: NVIDIA's MIG User Guide (profiles such as 1g.10gb, with compute instances 1c.3g.20gb and +me), its vGPU
User Guide (A100-8C, T4-4Q) and device plugin (gpu.shared, mig-1g.10gb); Slurm's gres.conf (shard, mps); Huawei's
MindCluster (templates vir04_3c, resources Ascend910-16c, npu-core); HAMi, Volcano, Aliyun, TKE and Koordinator
(gpumem, vgpu-number, gpu-mem, qgpu-core, gpu-core); Cambricon (smlu, mim), Hygon (vdcu), Enflame (vgcu, shared-gcu),
Kunlunxin (cgpu, vxpu), MetaX and Moore Threads (sgpu).
"""

from __future__ import annotations

import re

#: the slice of a MIG card: how many of its compute slices, and its memory
MIG = re.compile(r"(?:^|[^a-z0-9])(?:mig)?((?:\d{1,2}c\.)?(\d{1,2})g[._-]?\d{1,4}gb)(?![a-z0-9])", re.IGNORECASE)
MIM = re.compile(r"(?:^|[^a-z0-9])(mim-\d{1,2}m[._-]?\d{1,3}gb)(?![a-z0-9])", re.IGNORECASE)
VNPU = re.compile(r"(?:^|[^a-z0-9])(vir\d{1,2}(?:_\w+)?|ascend\w*-\d{1,2}c(?:\.\w+)*)$", re.IGNORECASE)
VGPU = re.compile(r"[-_]((?:\d{1,2}|141)[abcq])$", re.IGNORECASE)  # not the 910B of Ascend-910B
_SHARED = re.compile(r"(?:[a-z0-9][-_.](?:shared?|time-?slic\w*|time-?shar\w*)|(?:shared|drs)-gcu)$", re.IGNORECASE)
#: words of a name, each of which alone says that it counts parts
WORDS = {
    "mig": "MIG 切片",
    "mim": "MIM 切片",
    "mps": "MPS 份额",
    "smlu": "切分的 MLU",
    **dict.fromkeys(("shard", "shards", "gpushare", "gpushard"), "共享卡的份额"),
    **dict.fromkeys(("cgpu", "qgpu", "sgpu", "vcuda", "vgpu", "vgpus"), "虚拟 GPU"),
    **dict.fromkeys(("vdcu", "vgcu", "vmlu", "vnpu", "vxpu"), "虚拟加速卡"),
}
#: amounts of a card's cores or memory: a device plugin's, or a Slurm gres named after a card (bigmem is none)
AMOUNT = re.compile(
    r"(?:/|gpu|npu|dcu|mlu|gcu|xpu)\S*?(?:cores?|mem(?:ory)?|percentage|ratio|fraction)$", re.IGNORECASE
)
WHOLE_ONLY = "平台按整卡分配和计量"
#: labels of nodes whose value says that their cards are cut or shared; the values that say that they are not
_LABELS = {
    "mig.strategy": frozenset({"none", ""}),
    "mig.config": frozenset({"all-disabled", ""}),
    "gpu.sharing-strategy": frozenset({"none", ""}),
    "gpu.replicas": frozenset({"0", "1", ""}),
    "vgpu.present": frozenset({"false", ""}),
    "gke-gpu-partition-size": frozenset({""}),
    "gke-gpu-sharing-strategy": frozenset({"none", ""}),
    "gke-max-shared-clients-per-gpu": frozenset({"0", "1", ""}),
}


def part_of(name: str) -> str:
    """What part of a card a name means, in Chinese; "" for a whole card, or no card.

    `name` is a card's type (a100_3g.20gb), a generic resource (shard), a device plugin's resource (nvidia.com/gpucores)
    or a product label (NVIDIA-A100-SXM4-80GB-MIG-1g.10gb).
    """
    name = name.strip()
    for pattern, what in ((MIG, "MIG 切片"), (MIM, "MIM 切片"), (VNPU, "昇腾 vNPU"), (VGPU, "虚拟 GPU")):
        if found := pattern.search(name):
            return f"{what} {found[1]}"
    for word in re.split(r"[^a-z0-9]+", name.lower()):
        if word in WORDS:
            return WORDS[word]
    if _SHARED.search(name):
        return "分时共享的卡"
    return "卡的算力或显存的份额" if AMOUNT.search(name) else ""


def is_all_of_it(name: str) -> bool:
    """Whether a part is all seven compute slices of a MIG card: a centre may name such a slice as the whole card."""
    found = MIG.search(name)
    return bool(found and found[2] == "7" and "c." not in found[1].lower())


def part_refusal(name: str, what: str) -> str:
    """Why a job cannot have a part, and what to write."""
    return f'"{name}" 是一张卡的一部分（{what}）：{WHOLE_ONLY}，请写整卡'


def label_part(key: str, value: str) -> str:
    """What part of a card a node's label asks for; "" for none. `mig.capable` only says what a card could be."""
    name = key.rpartition("/")[2].lower()
    if name in _LABELS:
        return (part_of(value) or "切分或共享的卡") if value.strip().lower() not in _LABELS[name] else ""
    if name.startswith("mig-"):
        return part_of(name)
    return part_of(value)
