"""A SkyPilot task: resources, setup and run become one script; what belongs to clouds is named and left behind."""

from __future__ import annotations

import re
from pathlib import PurePath

from huisuan.compute.jobspec.core.parse_result import ParsedJob, ParseReport, nearest, on_one_line
from huisuan.compute.jobspec.core.request_rules import LONGEST_NAME, VARIABLE
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.compute.jobspec.skypilot.resources import read_resources

NOTED_TASK_KEYS = {
    "config": "是 SkyPilot 自己的设置",
    "experimental": "是 SkyPilot 自己的设置",
    "event_callback": "请用 --notify 网址",
    "inputs": "平台不估算数据搬运；数据在哪里请用 --data-at",
    "outputs": "平台不估算数据搬运；数据在哪里请用 --data-at",
    "job": "是 SkyPilot 自己的分组",
}
_DATA = "数据请先放到一个中心，用 --data-at 说明在哪里，在脚本里读取；本机文件请放进 workdir"
REFUSED_TASK_KEYS = {
    "file_mounts": f"平台不挂载本机目录或对象存储：{_DATA}",
    "storage_mounts": f"平台不挂载对象存储：{_DATA}",
    "volumes": f"平台不挂载云盘：{_DATA}",
    "volume_mounts": f"平台不挂载云盘：{_DATA}",
    "service": "平台运行会结束的作业，不运行长期的服务（SkyServe）",
    "pool": "平台没有 SkyPilot 的工作池：请直接提交作业",
}
TASK_KEYS = ("name", "num_nodes", "resources", "setup", "run", "envs", "secrets", "workdir")
#: SkyPilot's variables that differ from node to node, by the platform's own
OF_A_NODE = {
    "SKYPILOT_NODE_RANK": '"${HUISUAN_NODE_RANK:-0}"',
    "SKYPILOT_SETUP_NODE_RANK": '"${HUISUAN_NODE_RANK:-0}"',
    "SKYPILOT_NODE_IPS": '"${HUISUAN_HEAD:-127.0.0.1}"',
    "SKYPILOT_SETUP_NODE_IPS": '"${HUISUAN_HEAD:-127.0.0.1}"',
}
OF_SKYPILOT = re.compile(r"\bSKYPILOT_[A-Z_]+\b")


def parse_skypilot_task(document: YamlNode, report: ParseReport) -> ParsedJob:
    """The job that a task asks for.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    fields = document.fields or {}
    for key, value in fields.items():
        at = document.key_at(key)
        if key in REFUSED_TASK_KEYS and value.value:
            report.fault(at, f"{key}：{REFUSED_TASK_KEYS[key]}")
        elif key in NOTED_TASK_KEYS:
            report.note(f"{key}：{NOTED_TASK_KEYS[key]}", at)
        elif key.startswith("_"):
            report.note(f"{key}：SkyPilot 自己的记录", at)
        elif key not in TASK_KEYS and key not in REFUSED_TASK_KEYS:
            report.fault(
                at, f"SkyPilot 任务里不认识的键 {key}{nearest(key, [*TASK_KEYS, *NOTED_TASK_KEYS, *REFUSED_TASK_KEYS])}"
            )
    nodes = _nodes(fields.get("num_nodes"), report)
    resources = read_resources(fields.get("resources"), report)
    if not resources.cards:
        report.note(f"没有写 accelerators：每个节点按 1 张卡，任何型号，处理器槽也可以（{nodes} 卡）")
    setup, run = (_commands(key, fields.get(key), report) for key in ("setup", "run"))
    if not any(fields.get(key) and fields[key].value for key in ("setup", "run")):
        report.fault(document.at, "没有 run 也没有 setup：请写出要运行什么")
    environment = _variables(document, report)
    used = set(OF_SKYPILOT.findall(f"{setup}\n{run}"))
    script = _script(setup, run, used)
    report.note("SkyPilot 没有时限，平台的时限按 1 小时：请用 --time-limit")
    asked = {
        "name": _text(fields.get("name"), "name", report) or PurePath(report.name).stem[:LONGEST_NAME],
        # of a gang every node runs the command, as with SkyPilot; a script runs on the first alone
        **({"command": ["/bin/bash", "-c", script]} if nodes > 1 else {"script": script}),
        "image": resources.image,
        "environment": {**_own_variables(used, nodes, resources.cards, report), **environment},
        "cards": resources.cards * nodes or None,
        "nodes": nodes,
        "models": list(resources.models),
        "vendor": resources.vendor or None,
        "min_memory_gib": resources.memory_gib,
        "retries": resources.retries,
        "source_format": "skypilot",
    }
    return report.done(asked, workdir=_workdir(fields.get("workdir"), environment, report))


def _nodes(node: YamlNode | None, report: ParseReport) -> int:
    if node is None or node.value is None:
        return 1
    if node.text is None or not re.fullmatch(r"[1-9]\d{0,4}", node.text, re.ASCII):
        report.fault(node.at, f"num_nodes {on_one_line(node.text or '')}：应是正整数")
        return 1
    return int(node.text)


def _commands(key: str, node: YamlNode | None, report: ParseReport) -> str:
    return (_text(node, key, report) or "").strip("\n")


def _text(node: YamlNode | None, key: str, report: ParseReport) -> str | None:
    if node is None or node.value is None:
        return None
    if node.text is None:
        report.fault(node.at, f"{key} 应是文字，不是{node.kind}")
    return node.text


def _script(setup: str, run: str, used: set[str]) -> str:
    """One script: what setup leaves in its shell stays there, as with SkyPilot; if it fails, nothing runs."""
    lines = ["#!/bin/bash", *(f"export {name}={ours}" for name, ours in OF_A_NODE.items() if name in used)]
    if setup:
        # not `( … ) || exit`: beside || the shell ignores a `set -e` inside
        lines += ["# setup", "(", setup, ")", "huisuan_setup=$?", '[ "$huisuan_setup" -eq 0 ] || exit "$huisuan_setup"']
    if run:
        lines += ["# run", run]
    return "\n".join([*lines, ""])


def _variables(document: YamlNode, report: ParseReport) -> dict[str, str]:
    """envs and secrets: both become environment, whose values are never shown; one without a value is asked for."""
    environment: dict[str, str] = {}
    fields = document.fields or {}
    for key in ("envs", "secrets"):
        node = fields.get(key)
        if node is None or node.value is None:
            continue
        if node.fields is None:
            report.fault(node.at, f"{key} 应是键值对")
            continue
        for name, value in node.fields.items():
            if not VARIABLE.fullmatch(name):
                report.fault(node.key_at(name), f"{key}：{on_one_line(name)} 不是环境变量名")
            elif value.value is None:
                report.wanted.append(name)
            elif value.text is None:
                report.fault(value.at, f"{key}.{name} 应是文字，不是{value.kind}")
            else:
                environment[name] = value.text
    return environment


def _own_variables(used: set[str], nodes: int, cards: int, report: ParseReport) -> dict[str, str]:
    """SkyPilot's variables that a task uses and that are the same on every node; those unknown here are noted."""
    own = {"SKYPILOT_NUM_NODES": str(nodes), "SKYPILOT_NUM_GPUS_PER_NODE": str(cards)}
    for name in sorted(used - own.keys() - OF_A_NODE.keys()):
        report.note(f"{name}：平台上没有这个变量")
    if nodes > 1 and used & {"SKYPILOT_NODE_IPS", "SKYPILOT_SETUP_NODE_IPS"}:
        report.note("SKYPILOT_NODE_IPS：只有第一个节点的地址（HUISUAN_HEAD），没有其余节点的")
    return {name: value for name, value in own.items() if name in used}


def _workdir(node: YamlNode | None, environment: dict[str, str], report: ParseReport) -> str | None:
    if node is None or node.value is None:
        return None
    if node.text is None:
        report.fault(node.at, "workdir：平台不拉取 git 仓库；请在本机检出后写目录，或在 setup 里 git clone")
        return None
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda found: environment.get(found[1], found[0]), node.text)
