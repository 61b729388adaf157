"""SkyPilot's `resources`: its accelerators in every form, and what of the rest can be kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.compute.accelerators import WHOLE_ONLY, matching_models, matching_vendor, part_refusal
from huisuan.compute.jobspec.core.parse_result import FilePlace, ParseReport, nearest, on_one_line
from huisuan.compute.jobspec.core.yaml_tree import YamlNode

CLOUD = "平台在全省的智算中心之间调度；要限定地点请用 --centre 或 --city"
_BY_CARDS = "由中心按卡配给"
NOTED_RESOURCE_KEYS = {
    "accelerator_args": "只用于 TPU",
    "autostop": "平台上没有要停的虚拟机：作业结束即释放",
    "cloud": CLOUD,
    "cpus": _BY_CARDS,
    "disk_size": _BY_CARDS,
    "disk_tier": _BY_CARDS,
    "hooks": "平台上没有要停的虚拟机",
    "infra": CLOUD,
    "instance_type": "中心没有云主机规格：卡数与型号按 accelerators",
    "labels": "平台不保存标签",
    "local_disk": _BY_CARDS,
    "max_hourly_cost": "平台按每卡时计价：请用 --price-ceiling",
    "memory": _BY_CARDS,
    "network_tier": _BY_CARDS,
    "ports": "作业不能从外面访问",
    "priority": "先后由平台的公平份额决定",
    "priority_class": "先后由平台的公平份额决定",
    "region": CLOUD,
    "use_spot": "中心没有竞价实例",
    "zone": CLOUD,
}
RESOURCE_KEYS = frozenset(
    {"accelerators", "gpus", "any_of", "ordered", "image_id", "job_recovery", "spot_recovery", "volumes"}
)
BY_MEMORY = re.compile(r"(?:(?P<vendor>[A-Za-z-]+):)?(?P<gib>\d{1,5})(?:GB)?\+", re.IGNORECASE)


@dataclass(frozen=True)
class AcceleratorChoice:
    """One kind of accelerator that would do, so many on each node; `unknown` says why nobody knows it."""

    at: FilePlace
    name: str
    count: int
    models: tuple[str, ...] = ()
    vendor: str = ""
    memory_gib: int = 0
    unknown: str = ""


@dataclass
class Resources:
    """What `resources` comes to; `cards` are those of one node, 0 where none are asked for."""

    cards: int = 0
    models: tuple[str, ...] = ()
    vendor: str = ""
    memory_gib: int = 0
    image: str = ""
    retries: int = 0


def read_resources(node: YamlNode | None, report: ParseReport) -> Resources:
    """Read `resources`; what is wrong and what cannot be kept goes into the report."""
    found = Resources()
    if node is None or node.value is None:
        return found
    if node.fields is None:
        report.fault(node.at, "resources 应是键值对，例如 accelerators: A100:8")
        return found
    written = list(_choices(node, report, found))
    choices = [choice for choice in written if not choice.unknown]
    for choice in written:
        # one of several that would do may be missing here; the only one may not
        if choice.unknown and choices:
            report.note(choice.unknown, choice.at)
        elif choice.unknown:
            report.fault(choice.at, choice.unknown)
    if not choices:
        return found
    first, kept = choices[0], [choice for choice in choices if choice.count == choices[0].count]
    for other in choices:
        if other not in kept:
            report.note(
                f"{other.name}:{other.count}：与 {first.name}:{first.count} 张数不同，一个作业只有一个卡数，没有保留",
                other.at,
            )
    found.cards = first.count
    if any(choice.memory_gib for choice in kept) and len(kept) > 1:
        report.fault(first.at, "按显存写的卡（如 80GB+）不能与别的候选并列：请只写显存，或只写型号")
    found.memory_gib, found.vendor = first.memory_gib, first.vendor
    found.models = tuple(dict.fromkeys(model for choice in kept for model in choice.models))
    return found


def _choices(node: YamlNode, report: ParseReport, found: Resources) -> Iterator[AcceleratorChoice]:
    """The accelerators of this level, and of the candidates below it, which override it."""
    _rest(node, report, found)
    fields = node.fields or {}
    own = fields.get("accelerators") or fields.get("gpus")
    candidates = [item for key in ("any_of", "ordered") if key in fields for item in fields[key].items or []]
    inherits = not candidates
    for candidate in candidates:
        if candidate.fields is None:
            report.fault(candidate.at, "候选应是键值对，例如 - accelerators: A100:8")
            continue
        inherits = inherits or not candidate.fields.keys() & {"accelerators", "gpus"}
        yield from _choices(candidate, report, found)
    if own is not None and inherits:
        yield from _accelerators(own)


def _rest(node: YamlNode, report: ParseReport, found: Resources) -> None:
    """What of this level is no accelerator: kept, noted or refused."""
    for key, value in (node.fields or {}).items():
        at = node.key_at(key)
        if key in NOTED_RESOURCE_KEYS:
            report.note(f"resources.{key}{_equals(value)}：{NOTED_RESOURCE_KEYS[key]}", at)
        elif key in ("job_recovery", "spot_recovery"):
            _recovery(value, report, found)
        elif key == "image_id":
            _image(value, report, found)
        elif key == "volumes":
            report.fault(at, "resources.volumes：平台没有云盘；数据请用 --data-at 说明在哪里，在脚本里读取")
        elif key in ("any_of", "ordered") and value.items is None:
            report.fault(value.at, f"resources.{key} 应是列表")
        elif key == "ordered":
            report.note("resources.ordered：先后由平台按价格与排队决定", at)
        elif key.startswith("_"):
            report.note(f"resources.{key}：SkyPilot 自己的记录", at)
        elif key not in RESOURCE_KEYS:
            report.fault(at, f"resources 里不认识的键 {key}{nearest(key, [*NOTED_RESOURCE_KEYS, *RESOURCE_KEYS])}")


def _accelerators(node: YamlNode) -> Iterator[AcceleratorChoice]:
    """`A100`, `A100:8`, `{A100: 8}`, `{A100:8, H100:8}`, `[A100:8, H100:8]`, `[{A100: 8}, {H100: 8}]`."""
    if node.text is not None:
        written = [(node.at, node.text)]
    elif node.items is not None:
        written = [
            pair for item in node.items for pair in (_pairs(item) if item.fields else [(item.at, item.text or "")])
        ]
    elif node.fields is not None:
        written = _pairs(node)
    else:
        written = []
    for at, text in written:
        try:
            yield _choice(at, text)
        except Refused as refusal:
            yield AcceleratorChoice(at, text, 0, unknown=f"accelerators：{refusal}")


def _pairs(node: YamlNode) -> list[tuple[FilePlace, str]]:
    return [
        (node.key_at(name), name if value.value is None else f"{name}:{value.text}")
        for name, value in (node.fields or {}).items()
    ]


def _choice(at: FilePlace, text: str) -> AcceleratorChoice:
    memory = re.fullmatch(rf"({BY_MEMORY.pattern})(?::(\d+))?", text, re.IGNORECASE)
    if memory:
        vendor = matching_vendor(memory["vendor"]) if memory["vendor"] else ""
        return AcceleratorChoice(at, memory[1], _count(memory[4] or "1"), (), vendor, int(memory["gib"]))
    name, colon, number = text.partition(":")
    if re.match(r"tpu", name, re.IGNORECASE):
        raise InvalidRequest(f"{name}：全省没有 TPU，请换成目录中的型号", code="skypilot.tpu")
    return AcceleratorChoice(at, name, _count(number if colon else "1"), tuple(matching_models(name)))


def _count(text: str) -> int:
    whole = re.fullmatch(r"(\d{1,5})(\.0+)?", text.strip(), re.ASCII)
    if re.fullmatch(r"0?\.0*[1-9]\d*", text.strip(), re.ASCII):
        raise InvalidRequest(part_refusal(text, "不足一张"), code="skypilot.part_of_a_card")
    if not whole or not int(whole[1]):
        raise InvalidRequest(f"张数 {text} 应是正整数：{WHOLE_ONLY}", code="skypilot.count_malformed")
    return int(whole[1])


def _recovery(node: YamlNode, report: ParseReport, found: Resources) -> None:
    fields = node.fields
    if fields is None:
        if node.text:
            report.note(f"resources.job_recovery={on_one_line(node.text)}：换中心由平台决定", node.at)
        return
    for key, value in fields.items():
        if key == "max_restarts_on_errors" and value.text and value.text.isdigit():
            found.retries = int(value.text)
        elif key == "max_restarts_on_errors":
            report.fault(value.at, "max_restarts_on_errors 应是非负整数")
        else:
            report.note(f"resources.job_recovery.{key}{_equals(value)}：换中心由平台决定", node.key_at(key))


def _image(node: YamlNode, report: ParseReport, found: Resources) -> None:
    if node.text and node.text.startswith("docker:"):
        found.image = node.text.removeprefix("docker:")
    else:
        report.note(f"resources.image_id{_equals(node)}：是云主机的镜像；容器请写 docker:镜像", node.at)


def _equals(node: YamlNode) -> str:
    return f"={on_one_line(node.text)}" if node.text else ""
