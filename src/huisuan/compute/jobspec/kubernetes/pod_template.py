"""A pod template, wherever it stands (Job, Volcano Job, PyTorchJob): what one pod runs, and on which cards. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.compute.accelerators import label_part, matching_models, part_refusal
from huisuan.compute.jobspec.core.parse_result import FilePlace, ParseReport, on_one_line
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.kubernetes import container as pods
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys

CARD_LABEL = re.compile(r"gpu|npu|accelerator|chip|card|product", re.IGNORECASE)


@dataclass(frozen=True)
class PodTemplate:
    """One pod: its image, its command, its environment; `cards` None where it asks for none.

    Two are equal if they run the same on the same cards, wherever they stand.
    """

    at: FilePlace = field(compare=False)
    image: str
    command: tuple[str, ...]
    environment: dict[str, str]
    cards: int | None
    models: tuple[str, ...]
    vendor: str
    subdomain: YamlNode | None = field(compare=False)
    restart_policy: YamlNode | None = field(compare=False)


def inside(node: YamlNode, key: str, report: ParseReport) -> YamlNode:
    """The mapping under a key.

    Raises:
        FileRefused: there is none.
    """
    found = (node.fields or {}).get(key)
    if found is None or found.fields is None:
        report.fault(found.at if found else node.at, f"{key}：{'应是键值对' if found else '没有写'}")
        report.done({})
        raise AssertionError("unreachable: there is a fault")
    return found


def read_template(template: YamlNode, report: ParseReport) -> PodTemplate:
    """Read a template; what is wrong and what cannot be carried over goes into the report.

    Raises:
        FileRefused: it has no container, or several.
    """
    pod = inside(template, "spec", report)
    pods.rest(template, "template", frozenset({"metadata", "spec"}), {}, report)
    pods.rest(pod, "template.spec", keys.POD_READ, keys.POD_NOTED, report, keys.POD_REFUSED)
    container = _container(pod, report)
    pods.rest(container, "containers[0]", keys.CONTAINER_READ, keys.CONTAINER_NOTED, report, keys.CONTAINER_REFUSED)
    pods.volumes(pod, container, report)
    fields = container.fields or {}
    environment = pods.environment(fields.get("env"), report)
    cards = pods.cards(fields.get("resources"), report)
    image = fields["image"].text if "image" in fields else None
    if not image:
        report.fault(container.at, "containers[0].image：没有写镜像")
    if not cards.count:
        report.note("没有写加速卡（resources.limits）：每个 pod 按 1 张卡，任何型号，处理器槽也可以")
    return PodTemplate(
        at=pod.at,
        image=image or "",
        command=tuple(pods.command(container, environment, report)),
        environment=environment,
        cards=cards.count or None,
        models=tuple(_models(pod, cards, report)),
        vendor=cards.vendor,
        subdomain=(pod.fields or {}).get("subdomain"),
        restart_policy=(pod.fields or {}).get("restartPolicy"),
    )


def _container(pod: YamlNode, report: ParseReport) -> YamlNode:
    listed = (pod.fields or {}).get("containers")
    items = (listed.items if listed else None) or []
    if len(items) != 1 or items[0].fields is None:
        at = items[1].at if len(items) > 1 else listed.at if listed else pod.at
        report.fault(at, f"containers 有 {len(items)} 个：平台的作业只有一个容器")
        report.done({})
    return items[0]


def _models(pod: YamlNode, cards: pods.PodCards, report: ParseReport) -> list[str]:
    """The models of the resource's name, narrowed by a node selector that names a card."""
    models = list(cards.models)
    selector = (pod.fields or {}).get("nodeSelector")
    for key, value in ((selector.fields if selector else None) or {}).items():
        assert selector is not None
        at, text = selector.key_at(key), value.text or ""
        if what := label_part(key, text):
            report.fault(at, f"nodeSelector.{part_refusal(f'{key}: {text}', what)}")
            continue
        try:
            named = _labelled(key, text)
        except Refused:
            report.note(f"nodeSelector.{key}={on_one_line(text)}：{keys.CENTRE_PICKS_NODES}", at)
            continue
        both = [model for model in named if not models or model in models]
        if not both:
            report.fault(at, f"nodeSelector.{key} 的 {text} 与资源名的型号 {'、'.join(models)} 矛盾")
        models = both
    return models


def _labelled(key: str, value: str) -> list[str]:
    """The models that a node's label names.

    Raises:
        InvalidRequest: it names none.
    """
    if not CARD_LABEL.search(key):
        raise InvalidRequest("", code="job_file.count_malformed")
    for start, family in keys.ASCEND_TYPES.items():
        if key == "accelerator-type" and f"{value}-".startswith(f"{start}-"):
            return matching_models(family)
    return matching_models(value)
