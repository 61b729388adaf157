"""The one container of a Kubernetes Job: what it runs, its environment, its cards. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.compute.accelerators import known_cards, matching_models, part_of, part_refusal
from huisuan.compute.jobspec.core.parse_result import FilePlace, ParseReport, nearest, on_one_line
from huisuan.compute.jobspec.core.request_rules import VARIABLE
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys

REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
IN_FOLDER = 'cd "$0" && exec "$@"'


@dataclass(frozen=True)
class PodCards:
    """The cards of one pod: 0 where none are asked for; models that will do (empty: any), and the maker."""

    count: int = 0
    models: tuple[str, ...] = ()
    vendor: str = ""


def rest(
    node: YamlNode,
    where: str,
    read: frozenset[str],
    noted: Mapping[str, str],
    report: ParseReport,
    refused: Mapping[str, str] | None = None,
) -> None:
    """What of a level is not carried over: noted, refused, or unknown to Kubernetes."""
    refused = refused or {}
    for key, value in (node.fields or {}).items():
        at, path = node.key_at(key), f"{where}.{key}" if where else key
        if key in refused and value.value:
            report.fault(at, f"{path}：{refused[key]}")
        elif key in noted and value.value is not None:
            report.note(f"{path}：{noted[key]}", at)
        elif key not in read and key not in noted and key not in refused:
            report.fault(at, f"{path}：Kubernetes 没有这个键{nearest(key, [*read, *noted, *refused])}")


def command(container: YamlNode, environment: Mapping[str, str], report: ParseReport) -> list[str]:
    """The words to run, $(NAME) expanded as Kubernetes expands it, in the container's working directory."""
    fields = container.fields or {}
    parts = {key: _list(fields.get(key), key, report) for key in ("command", "args")}
    if not parts["command"]:
        report.fault(
            container.key_at("args") if parts["args"] else container.at,
            "containers[0].command：没有写；平台不知道镜像自己的 ENTRYPOINT，请把要运行的程序写出来",
        )
    words_given = [*parts["command"], *parts["args"]]
    for name in {found[1] for word in words_given for found in REFERENCE.finditer(word)} & set(report.wanted):
        at = container.key_at("command" if "command" in fields else "args")
        report.fault(at, f"命令里的 $({name})：它的值到提交时才知道，请改成由 sh -c 读 ${name}")
    found = [expanded(word, environment) for word in words_given]
    folder = fields.get("workingDir")
    if folder is None or not folder.text:
        return found
    return ["/bin/sh", "-c", IN_FOLDER, folder.text, *found]


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where the environment has it, `$$` a plain dollar sign: what Kubernetes does."""
    return REFERENCE.sub(lambda found: "$" if not found[1] else environment.get(found[1], found[0]), text)


def environment(node: YamlNode | None, report: ParseReport) -> dict[str, str]:
    """The variables with their values; one whose value only the cluster knows is asked of the submitter."""
    found: dict[str, str] = {}
    if node is None or node.value is None:
        return found
    for item in node.items or []:
        fields = item.fields or {}
        name = fields["name"].text if "name" in fields else None
        if not name or not VARIABLE.fullmatch(name):
            report.fault(item.at, f"env：{on_one_line(name or '')} 不是环境变量名（字母、数字和下划线）")
            continue
        for key in fields.keys() - {"name", "value", "valueFrom"}:
            report.fault(item.key_at(key), f"env.{key}：Kubernetes 没有这个键")
        value = fields.get("value")
        if "valueFrom" in fields:
            _value_from(name, fields["valueFrom"], item.key_at("valueFrom"), report)
        elif value is None or value.value is None:
            found[name] = ""
        elif value.text is None or not value.string:
            report.fault(value.at, f"env {name} 的值应是文字：请加引号")
        else:
            found[name] = expanded(value.text, found)
    if node.items is None:
        report.fault(node.at, "env 应是列表，例如 - {name: A, value: '1'}")
    return found


def _value_from(name: str, node: YamlNode, at: FilePlace, report: ParseReport) -> None:
    kinds = {
        "secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap", "fieldRef": "pod 的字段",
        "resourceFieldRef": "容器的资源", "fileKeyRef": "容器里的文件",
    }  # fmt: skip
    kind = next(iter(node.fields or {}), "")
    source = (node.fields or {}).get(kind)
    optional = source and source.fields and source.fields.get("optional")
    from_what = kinds.get(kind, kind or "空")
    if optional and optional.text == "true":
        report.note(f"env {name}：来自集群的 {from_what}，平台读不到；是可选的，没有设", at)
    else:
        report.note(f"env {name}：来自集群的 {from_what}，平台读不到；由 --env {name}=值 给出", at)
        report.wanted.append(name)


def cards(node: YamlNode | None, report: ParseReport) -> PodCards:
    """The cards among a container's resources; processors and memory are the centre's to give."""
    fields = (node.fields or {}) if node else {}
    found: dict[str, tuple[str, FilePlace]] = {}
    for level in ("requests", "limits"):  # the limit is what counts
        amounts = fields.get(level)
        for key, amount in ((amounts.fields if amounts else None) or {}).items():
            assert amounts is not None
            at = amounts.key_at(key)
            domain = key.split("/")[0]
            if "/" in key and domain in keys.NOT_CARDS:
                report.note(f"resources.{level}.{key}={on_one_line(amount.text or '')}：{keys.NOT_CARDS[domain]}", at)
            elif "/" in key and domain != "kubernetes.io":
                found[key] = (amount.text or "", at)
            else:
                report.note(f"resources.{level}.{key}={on_one_line(amount.text or '')}：处理器与内存由中心按卡配给", at)
    if node and node.fields is not None:
        rest(node, "resources", frozenset({"limits", "requests"}), {"claims": "平台按卡数分配"}, report)
    kinds = []
    for key, (text, at) in found.items():
        try:
            kinds.append(_kind(key, text, at, report))
        except Refused as refusal:
            report.fault(at, f"资源 {key}：{refusal}")
    kinds = [kind for kind in kinds if kind.count]
    if len(kinds) > 1:
        report.fault(node.at if node else FilePlace(), f"要几种卡（{'、'.join(found)}）：一个作业只能用一种型号的卡")
    return kinds[0] if kinds else PodCards()


def _kind(key: str, text: str, at: FilePlace, report: ParseReport) -> PodCards:
    """The cards of one resource.

    Raises:
        InvalidRequest: no card that anyone knows, or a part of one.
    """
    domain, _, name = key.partition("/")
    if what := part_of(key):
        raise InvalidRequest(part_refusal(key, what), code="job_file.part_of_a_card")
    vendor = keys.VENDORS.get(domain)
    if vendor is None:
        raise InvalidRequest(
            f"平台不认识；可用的有 {'、'.join(keys.VENDORS)} 之下的整卡", code="job_file.resource_unknown"
        )
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise InvalidRequest(f"数量 {on_one_line(text)} 应是整数", code="job_file.count_malformed")
    if name.lower() in keys.ANY_CARD:
        return PodCards(int(text), (), vendor)
    own = [card for card in known_cards() if card.vendor == vendor]
    models = matching_models(name, own)
    if len(models) > 1:  # huawei.com/Ascend910 is every card of the family: its plugin does not tell them apart
        report.note(f"资源 {key}：可以是 {'、'.join(models)}，都接受", at)
    return PodCards(int(text), tuple(models), vendor)


def volumes(pod: YamlNode, container: YamlNode, report: ParseReport) -> None:
    """Only what is empty at the start can be left out; whatever brings data along stops the job."""
    fields = pod.fields or {}
    for volume in (fields["volumes"].items if "volumes" in fields else None) or []:
        own = volume.fields or {}
        name = own["name"].text if "name" in own else ""
        kind = next((key for key in own if key != "name"), "")
        if kind == "hostPath" and (drivers := _driver_path(own["hostPath"])):
            report.note(f"卷 {name}（{drivers}）：驱动与设备由中心放进容器，平台不挂载", volume.at)
        elif kind == "emptyDir":
            report.note(f"卷 {name}（emptyDir）：平台不挂载；容器里的路径由中心决定", volume.at)
        else:
            report.fault(volume.at, f"卷 {name}（{kind or '空'}）：平台不挂载集群里的卷；{keys.DATA}")
    mounts = (container.fields or {}).get("volumeMounts")
    for mount in (mounts.items if mounts else None) or []:
        path = (mount.fields or {}).get("mountPath")
        report.note(f"挂载点 {path.text if path else ''}：没有挂载", mount.at)


def _driver_path(volume: YamlNode) -> str | None:
    """The path of a node that a volume shows, if it is where drivers and devices are; None: it may hold data."""
    given = (volume.fields or {}).get("path")
    path = PurePosixPath(posixpath.normpath(given.text) if given and given.text else ".")
    if keys.SHARED_MEMORY in path.parents:  # files that somebody put there
        return None
    return str(path) if any(root in (path, *path.parents) for root in keys.DRIVER_PATHS) else None


def _list(node: YamlNode | None, key: str, report: ParseReport) -> list[str]:
    if node is None or node.value is None:
        return []
    if node.items is None or any(item.text is None for item in node.items):
        report.fault(node.at, f"containers[0].{key} 应是列表，例如 [python, train.py]")
        return []
    for item in node.items:
        if not item.string:
            report.fault(item.at, f"containers[0].{key} 里的 {on_one_line(item.text or '')} 应是文字，请加引号")
    return [item.text or "" for item in node.items]
