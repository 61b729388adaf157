"""What a centre's operator says of its Ray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huisuan.compute.engines.common.spec_checks import check_options

_OPTIONS = {
    "address": "head 的 dashboard，如 http://10.0.0.1:8265；默认 http://127.0.0.1:8265",
    "token_file": "存放 Ray 令牌的文件（RAY_AUTH_MODE=token 的集群）",
    "shared": "yes：代理的文件夹在所有 Ray 节点上以同一路径可见；默认 no",
    "cards": "除 GPU、NPU 等以外也算加速卡的自定义资源，逗号分隔",
    "partition": "这个集群在平台上的分区名",
    "python": "Ray 节点上的 Python（3.10 或更新），默认 python3",
    "grace_seconds": "结束作业时从 SIGTERM 到 SIGKILL 的秒数，默认 5",
}
RAY_FAMILIES = ("GPU", "NPU", "HPU", "TPU", "neuron_cores", "RBLN", "FURIOSA", "MBLT", "TTNPU")  # as Ray detects them


@dataclass(frozen=True)
class RaySite:
    """The cluster's options, by the names of `_OPTIONS`."""

    address: str = "http://127.0.0.1:8265"
    token_file: Path | None = None
    shared: bool = False
    cards: tuple[str, ...] = RAY_FAMILIES
    partition: str = ""
    python: str = "python3"
    grace_seconds: int = 5


def parse_ray_site(given: Mapping[str, str]) -> RaySite:
    """The options as an operator writes them.

    Raises:
        ValueError: one is unknown, or its value makes no sense.
    """
    check_options("ray", given, _OPTIONS)
    address = given.get("address", RaySite.address).rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"ray 引擎的选项 address={address} 应以 http:// 或 https:// 开头，指向 head 的 dashboard")
    if given.get("shared", "no") not in ("yes", "no"):
        raise ValueError(f"ray 引擎的选项 shared={given['shared']} 应为 yes 或 no")
    grace = given.get("grace_seconds", "5")
    if not grace.isdecimal() or not 1 <= int(grace) <= 3600:
        raise ValueError(f"ray 引擎的选项 grace_seconds={grace} 应为 1 至 3600 的整数")
    more = tuple(name.strip() for name in given.get("cards", "").split(",") if name.strip())
    token = given.get("token_file")
    return RaySite(
        address=address,
        token_file=Path(token) if token else None,
        shared=given.get("shared") == "yes",
        cards=RAY_FAMILIES + more,
        partition=given.get("partition", ""),
        python=given.get("python", "python3"),
        grace_seconds=int(grace),
    )
