"""An sbatch script: its #SBATCH lines as sbatch reads them; the script itself is kept and runs as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.compute.accelerators import matching_models
from huisuan.compute.jobspec.core.array_indices import parse_indices
from huisuan.compute.jobspec.core.parse_result import FilePlace, ParsedJob, ParseReport, on_one_line
from huisuan.compute.jobspec.core.request_rules import LONGEST_NAME, LONGEST_TIME, VARIABLE
from huisuan.compute.jobspec.core.timestamps import parse_timestamp
from huisuan.compute.jobspec.sbatch import values
from huisuan.compute.jobspec.sbatch.options import Fate
from huisuan.compute.jobspec.sbatch.tokens import Given, given_options

THROTTLE = re.compile(r"%\d*", re.ASCII)
#: what a script may use that only a centre with Slurm has; the array's own variables the platform sets everywhere
ONLY_SLURM = re.compile(r"(?<![\w./-])(srun|sbcast|scontrol|module)(?![\w.-])|\b(SLURM_(?!ARRAY_)[A-Z_]+)")


def parse_sbatch_script(script: str, report: ParseReport) -> ParsedJob:
    """The job that a script asks for.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    if not script.startswith("#!"):
        report.fault(FilePlace(), "脚本的第一行应是 #! 加解释器，例如 #!/bin/bash")
    if re.search(r"^#SBATCH\s+(het|pack)job", script, re.MULTILINE):
        report.fault(FilePlace(), "平台没有异构作业（hetjob）：请拆成几个作业")
    asked = _Asked(report)
    for given in given_options(script, report):
        if given.option.fate is Fate.REFUSED:
            report.fault(given.at, f"--{given.option.name}：{given.option.why}")
        elif given.option.fate is Fate.NOTED:
            report.note(f"--{given.option.name}{_equals(given)}：{given.option.why}{_hint(given)}", given.at)
        else:
            asked.take(given)
    asked.settle()
    if used := sorted({found[1] or found[2] for found in ONLY_SLURM.finditer(_body(script))}):
        report.note(f"脚本用到 {'、'.join(used)}：只有 Slurm 中心有；必要时用 --centre 指定这样的中心")
    asked.fields.setdefault("name", PurePath(report.name).name[:LONGEST_NAME])
    return report.done({**asked.fields, "script": script, "source_format": "sbatch"})


@dataclass
class _Asked:
    """The options carried over, one after the other; a later one overrides an earlier one."""

    report: ParseReport
    fields: dict[str, object] = field(default_factory=dict)
    places: dict[str, FilePlace] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    cards: dict[str, values.RequestedCards] = field(default_factory=dict)

    def take(self, given: Given) -> None:
        """Read one option."""
        name, text = given.option.name, given.value or ""
        self.places[name] = given.at
        parse_sbatch_script = getattr(self, f"_{name.replace('-', '_')}")
        try:
            parse_sbatch_script(text, given.at)
        except Refused as refusal:
            self.report.fault(given.at, f"--{name}：{refusal}")

    def _job_name(self, text: str, at: FilePlace) -> None:
        if not text:
            raise InvalidRequest("之后缺少值", code="sbatch.value_missing")
        self.fields["name"] = text

    def _time(self, text: str, at: FilePlace) -> None:
        limit = values.parse_time_limit(text)
        if limit is None:
            self.report.note(f"--time={text}：平台的时限至多 {LONGEST_TIME // 86400} 天，按此计", at)
        self.fields["time_limit_seconds"] = LONGEST_TIME if limit is None else limit

    def _deadline(self, text: str, at: FilePlace) -> None:
        self.fields["deadline"] = parse_timestamp(text)

    def _dependency(self, text: str, at: FilePlace) -> None:
        self.fields["after"] = values.after(text)

    def _array(self, text: str, at: FilePlace) -> None:
        # %n may stand behind any part of the list; sbatch runs all of them
        listed = THROTTLE.sub("", text.strip("[]"))
        self.fields["array"] = parse_indices(",".join(part for part in listed.strip("[]").split(",") if part))
        for most in dict.fromkeys(THROTTLE.findall(text)):
            self.report.note(f"--array 的 {most}：同时运行几个由平台按公平份额决定", at)

    def _export(self, text: str, at: FilePlace) -> None:
        environment: dict[str, str] = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = item.partition("=")
            if item in ("ALL", "NONE", "NIL"):
                if item == "ALL":
                    self.report.note("--export=ALL：提交时的环境不会带过去，需要的变量请逐个写出或用 --env 名", at)
            elif not VARIABLE.fullmatch(name):
                raise InvalidRequest(f"“{on_one_line(item)}”不是环境变量名或 名=值", code="sbatch.export_malformed")
            elif equals:
                environment[name] = value
            else:
                self.report.wanted.append(name)
        self.fields["environment"] = environment

    def _nodes(self, text: str, at: FilePlace) -> None:
        self.numbers["nodes"], more = values.least_nodes(text)
        if more:
            self.report.note(f"--nodes={text}：按最少的 {self.numbers['nodes']} 个节点", at)

    def _ntasks(self, text: str, at: FilePlace) -> None:
        self.numbers["ntasks"] = values.count(text)
        self._tasks_noted("ntasks", text, at)

    def _ntasks_per_node(self, text: str, at: FilePlace) -> None:
        self.numbers["ntasks-per-node"] = values.count(text)
        self._tasks_noted("ntasks-per-node", text, at)

    def _tasks_noted(self, name: str, text: str, at: FilePlace) -> None:
        if int(text) > 1:
            self.report.note(f"--{name}={text}：只用来推算卡数和节点数；进程数请写在脚本里的 srun 或 torchrun 上", at)

    def _gpus(self, text: str, at: FilePlace) -> None:
        self.cards["gpus"] = values.gpus(text)

    def _gpus_per_node(self, text: str, at: FilePlace) -> None:
        self.cards["gpus-per-node"] = values.gpus(text)

    def _gpus_per_task(self, text: str, at: FilePlace) -> None:
        self.cards["gpus-per-task"] = values.gpus(text)

    def _gres(self, text: str, at: FilePlace) -> None:
        self._resources("gres", text, at)

    def _tres_per_task(self, text: str, at: FilePlace) -> None:
        self._resources("tres-per-task", text, at)

    def _resources(self, name: str, text: str, at: FilePlace) -> None:
        found, others = values.gres(text)
        if found:
            self.cards[name] = found
        else:
            self.cards.pop(name, None)
        if others:
            self.report.note(f"--{name} 的 {'、'.join(others)}：平台只分配加速卡", at)

    def settle(self) -> None:
        """What the numbers come to together: nodes, cards, models."""
        nodes = self._settled_nodes()
        totals = self._totals(nodes)
        if not totals:
            self.report.note(f"没有写加速卡：每个节点按 1 张卡，任何型号，处理器槽也可以（{nodes} 卡）")
        if "time_limit_seconds" not in self.fields and "time" not in self.places:
            self.report.note("没有写 --time：平台的时限按 1 小时")
        cards = max(totals.values(), default=nodes)
        for name, total in totals.items():
            if total != cards:
                other = next(other for other, most in totals.items() if most == cards)
                self.report.fault(self.places[name], f"--{name} 合计 {total} 卡，--{other} 合计 {cards} 卡，两者矛盾")
        if cards % nodes:
            at = self.places.get("nodes") or next((self.places[name] for name in totals), FilePlace())
            self.report.fault(at, f"{cards} 卡不能平均放在 {nodes} 个节点上")
        kinds = {model for wanted in self.cards.values() for model in wanted.models}
        named = [set(wanted.models) for wanted in self.cards.values() if wanted.models]
        common = set.intersection(*named) if named else set()
        if named and not common:
            at = self.places[next(reversed(self.cards))]
            self.report.fault(at, f"几处写的型号不同（{'、'.join(sorted(kinds))}）：一个作业只能用一种型号的卡")
        vendors = {wanted.vendor for wanted in self.cards.values() if wanted.vendor}
        self.fields |= {
            "cards": cards if totals else None,
            "nodes": nodes,
            "models": sorted(common),
            "vendor": min(vendors, default=None),
        }

    def _settled_nodes(self) -> int:
        numbers, cards = self.numbers, self.cards
        if "nodes" in numbers:
            return numbers["nodes"]
        if "ntasks" in numbers and "ntasks-per-node" in numbers:
            return -(-numbers["ntasks"] // numbers["ntasks-per-node"])
        per_node = cards.get("gpus-per-node") or cards.get("gres")
        if "gpus" in cards and per_node:
            return max(cards["gpus"].count // per_node.count, 1)
        return 1

    def _totals(self, nodes: int) -> dict[str, int]:
        """Cards of the whole job by each option that gives a number."""
        tasks = self.numbers.get("ntasks") or self.numbers.get("ntasks-per-node", 1) * nodes
        times = {"gpus": 1, "gpus-per-node": nodes, "gres": nodes, "gpus-per-task": tasks, "tres-per-task": tasks}
        if "gpus" in self.cards and not self.numbers.keys() & {"ntasks", "ntasks-per-node"}:
            # so many cards a task: as many tasks as the cards are enough for
            for name in ("gpus-per-task", "tres-per-task"):
                if name in self.cards and not self.cards["gpus"].count % self.cards[name].count:
                    times[name] = self.cards["gpus"].count // self.cards[name].count
        return {name: wanted.count * times[name] for name, wanted in self.cards.items()}


def _equals(given: Given) -> str:
    return f"={on_one_line(given.value)}" if given.value else ""


def _hint(given: Given) -> str:
    """For a node's feature that names a card: how to say so."""
    if given.option.name not in ("constraint", "prefer") or not given.value:
        return ""
    try:
        return f"（{given.value} 即 --models {','.join(matching_models(given.value))}）"
    except Refused:
        return ""


def _body(script: str) -> str:
    return "\n".join(line for line in script.split("\n") if not line.lstrip().startswith("#"))
