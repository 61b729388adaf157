"""The cluster's nodes, cards and partitions: what there is, and where a job could run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from huisuan.compute.engines.interface import EngineError, JobSpec, NodeSeen
from huisuan.compute.engines.slurm.config import Options
from huisuan.compute.engines.slurm.types import CardKind, SlurmClient, SlurmNode, SlurmPartition, seen_cards

KEPT_SECONDS = 30  # a cluster's make-up changes by the day: not asked for each job


class ClusterView:
    """What the cluster is made of, asked when it is older than KEPT_SECONDS."""

    def __init__(
        self, options: Options, speaker: Callable[[], SlurmClient], settings: Callable[[], Mapping[str, str]]
    ) -> None:
        self.options = options
        self.speaker = speaker
        self.settings = settings
        self._accounted: str | None = None
        self._read_at = -float(KEPT_SECONDS)
        self._nodes: Sequence[SlurmNode] = ()
        self._partitions: dict[str, SlurmPartition] = {}

    def capacity(self) -> list[NodeSeen]:
        """The nodes with cards in the offered partitions, as they are now; one in two is reported in both."""
        self._read()
        reported: list[NodeSeen] = []
        for node in self._nodes:
            for partition in node.partitions:
                for name in self.options.on_platform(partition):
                    reported += seen_cards(node, name)
        return reported

    def place(self, job: JobSpec) -> tuple[str, str]:
        """Slurm's partition for a job and its cards on each node (`gpu:a100:8`).

        Raises:
            ValueError: it can never run here.
            EngineError: Slurm cannot be asked.
        """
        if time.monotonic() - self._read_at > KEPT_SECONDS:
            self._read()
        if job.nodes < 1 or job.cards < 1 or job.cards % job.nodes:
            raise ValueError(f"{job.cards} 张卡不能均分到 {job.nodes} 个节点；每个节点的卡数须相同")
        each = job.cards // job.nodes
        partition = self._partition(job)
        name = f"分区 {partition.name}"
        nodes = [node for node in self._nodes if partition.name in node.partitions]
        kind = _kind(job.local_card, nodes, name)
        if not self.tracks(kind):  # it would run, and nobody could say what it used
            lacking = f"gres/{kind[0]}"
            raise EngineError(
                f"Slurm 的记账不含 {lacking}：请加入 AccountingStorageTRES 并重启 slurmctld，然后作业才会提交"
            )
        able = sum(node.cards.get(kind, 0) >= each for node in nodes)
        if able < job.nodes:
            most = max((node.cards.get(kind, 0) for node in nodes), default=0)
            raise ValueError(
                f"{name} 没有 {job.nodes} 个各有 {each} 张 {spelt(kind)} 的节点：有 {able} 个，每节点最多 {most} 张"
            )
        if partition.most_nodes and job.nodes > partition.most_nodes:
            raise ValueError(f"{name} 每个作业最多 {partition.most_nodes} 个节点，作业要 {job.nodes} 个")
        if partition.longest_minutes and job.time_limit_seconds > partition.longest_minutes * 60:
            raise ValueError(f"{name} 的时限是 {partition.longest_minutes} 分钟，作业要 {job.time_limit_seconds} 秒")
        return partition.name, f"{spelt(kind)}:{each}"

    def minutes(self, partition: str, seconds: int, more: int) -> int:
        """Slurm's time limit for a job, which counts in minutes: never shorter than the job's own."""
        minutes = max(1, -(-seconds // 60)) + more
        longest = self._partitions[partition].longest_minutes
        return min(minutes, longest) if longest else minutes

    def offered(self) -> list[SlurmPartition]:
        """The partitions that are offered and have nodes with cards."""
        self._read()
        used = {name for node in self._nodes if node.cards for name in node.partitions}
        return [
            partition for name, partition in self._partitions.items() if name in used and self.options.on_platform(name)
        ]

    def kinds(self, partition: str = "") -> list[CardKind]:
        """The kinds of card there are, as they were last read."""
        return _kinds([node for node in self._nodes if not partition or partition in node.partitions])

    def tracks(self, kind: CardKind) -> bool:
        """Whether the accounting counts these cards; taken for granted where nobody tells (no scontrol here)."""
        if self._accounted is None:
            return True
        named = {item.strip().lower() for item in self._accounted.split(",")}
        return bool(named & {f"gres/{kind[0]}".lower(), f"gres/{spelt(kind)}".lower()})

    def nodes(self) -> Sequence[SlurmNode]:
        """All nodes, as they were last read."""
        return self._nodes

    def _read(self) -> None:
        speaker = self.speaker()
        self._partitions = {partition.name: partition for partition in speaker.partitions()}
        self._nodes = speaker.nodes()
        self._accounted = self.settings().get("AccountingStorageTRES")
        self._read_at = time.monotonic()

    def _partition(self, job: JobSpec) -> SlurmPartition:
        if job.partition:
            name = self.options.in_slurm(job.partition)
            if name not in self._partitions:
                raise ValueError(f"Slurm 没有分区 {name}；有：{'、'.join(self._partitions) or '无'}")
            return self._partitions[name]
        for name, partition in self._partitions.items():
            nodes = [node for node in self._nodes if name in node.partitions]
            if self.options.on_platform(name) and any(_matches(job.local_card, kind) for kind in _kinds(nodes)):
                return partition
        raise ValueError(f"没有分区有加速卡 {job.local_card or '（任意）'}")


def spelt(kind: CardKind) -> str:
    """A kind of card as --gres has it."""
    return ":".join(filter(None, kind))


def _kinds(nodes: Sequence[SlurmNode]) -> list[CardKind]:
    return sorted({kind for node in nodes for kind in node.cards})


def _matches(local_card: str, kind: CardKind) -> bool:
    wanted = local_card.lower()
    return wanted in ("", kind[1].lower(), spelt(kind).lower()) or (wanted == kind[0].lower() and not kind[1])


def _kind(local_card: str, nodes: Sequence[SlurmNode], place: str) -> CardKind:
    kinds = _kinds(nodes)
    found = [kind for kind in kinds if _matches(local_card, kind)]
    if len(found) == 1:
        return found[0]
    there = "、".join(map(spelt, kinds)) or "无加速卡"
    if found:
        raise ValueError(f"{place} 有几种卡（{there}），作业没有说明要哪种；请登记该分区的卡名")
    raise ValueError(f"{place} 没有加速卡 {local_card}；有：{there}")
