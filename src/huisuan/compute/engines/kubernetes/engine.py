"""The Kubernetes engine: every run a batch Job of its name, watched through the API server alone.

What it must not lose it writes down under its folder: that a Job was created (one that someone deletes is lost, not
begun anew), why one was cancelled, and every pod's times before the pod may go. Pods carry a finalizer for that:
without it a cancelled pod is gone, with the only record of its end, before anyone has looked.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from huisuan.compute.engines.common.run_journal import RunJournal, observation_to_dict, parse_observation
from huisuan.compute.engines.interface import (
    Ability,
    CheckResult,
    EngineError,
    JobSpec,
    NodeSeen,
    Observation,
    RunState,
    RunUsage,
)
from huisuan.compute.engines.kubernetes.api_client import ApiServerRefused, Cluster, KubernetesObject
from huisuan.compute.engines.kubernetes.config import parse_kubernetes_site
from huisuan.compute.engines.kubernetes.diagnostics import kubernetes_checks
from huisuan.compute.engines.kubernetes.manifest import (
    CONTAINER,
    DIGEST,
    KEEP,
    MANAGER,
    OURS,
    RUN,
    WORK,
    check_kubernetes_job,
    gang,
    job_manifests,
    spec_digest,
)
from huisuan.compute.engines.kubernetes.nodes import card_names, kubernetes_nodes
from huisuan.compute.engines.kubernetes.status import (
    PodSeen,
    first_failure,
    is_finished,
    observe_pods,
    read_pod,
    stretches,
)

ASKED, CANCEL, PODS, OVER, OUTPUT = "run.json", "cancel.json", "pods.json", "over.json", "output.log"
KEPT_LOG_BYTES = 16 * 1024 * 1024  # as much as the platform takes
TAIL_LINES, TAIL_BYTES = 200, 65_536  # of the pod that failed, after the first pod's own output


@dataclass(frozen=True)
class Seen:
    """A run with its pods as they stand."""

    observation: Observation
    pods: tuple[PodSeen, ...]
    card: str


class KubernetesEngine:
    """Runs jobs in one namespace of one cluster.

    Raises:
        ValueError: an option is unknown or makes no sense.
    """

    def __init__(self, folder: Path, options: Mapping[str, str]) -> None:
        self.site = parse_kubernetes_site(options)
        self.notes = RunJournal(folder)
        self.cluster = Cluster(options)
        self._names: dict[str, str] = {}

    def abilities(self) -> Mapping[str, Ability]:
        """What Kubernetes can do for the platform."""
        workdir = bool(self.site.workdir_claim and self.site.workdir_root)
        return {
            "gang": Ability(True, "Indexed 作业（1.24 起），一节点一 Pod；成组准入靠 Kueue，没有它时逐个启动"),
            "containers": Ability(True, "作业就是容器；须指明镜像，或由中心设默认镜像"),
            "workdir": Ability(
                workdir, "经持久卷的子目录" if workdir else "没有设 workdir_claim 与 workdir_root：Pod 看不到上传的目录"
            ),
            "live_logs": Ability(True, "序号 0 的 Pod 的输出；失败时附上最先失败的 Pod 的末尾"),
            "accounting": Ability(True, "kubelet 记下的容器起止；终结器使 Pod 在时间记下之前不会消失"),
            "lease": Ability(False, "Pod 由集群启动，启动前问不到代理的租约文件：中心失联时，已交给它的作业等它回来"),
            "outputs": Ability(workdir, "结果经持久卷留在代理这一侧" if workdir else "没有持久卷，结果随 Pod 消失"),
            "suspend": Ability(True, "Kueue 挂起时 Pod 被删除，恢复后从头运行；挂起期间不占卡，也不计量"),
        }

    workdir_inside = WORK

    def capacity(self) -> Sequence[NodeSeen]:
        """The nodes with their cards."""
        return kubernetes_nodes(self.cluster.nodes(), self.cluster.all_pods(), self.site)

    def submit(self, job: JobSpec) -> None:
        """Create the run's Job, once: by its name, which Kubernetes gives only once.

        Raises:
            ValueError: it can never run here; says why.
            EngineError: the cluster did not take it now.
        """
        if self.notes.read(job.name, CANCEL) or self.notes.read(job.name, ASKED).get("created"):
            return
        check_kubernetes_job(job, self.site)
        job = replace(job, local_card=self._spelt(job.local_card))
        wanted = job_manifests(job, self.site)
        asked: dict[str, Any] = {
            "digest": spec_digest(job),
            "card": job.local_card,
            "time_limit_seconds": job.time_limit_seconds,
            "created": False,
        }
        self.notes.write(job.name, ASKED, asked)
        made: list[tuple[str, str]] = []
        try:
            for plural, body in wanted:
                if self._create(plural, body, job.name, asked["digest"]):
                    made.append((plural, body["metadata"]["name"]))
        except ValueError:
            for plural, called in made:
                self.cluster.delete(plural, called)
            self.notes.forget(job.name)
            raise
        self.notes.write(job.name, ASKED, {**asked, "created": True})

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """How these runs stand: two questions for all of them."""
        return {name: seen.observation for name, seen in self._look(names).items()}

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        """What their pods held so far, by the kubelets' own record."""
        looked = self._look(names)
        return {name: stretches(seen.observation, seen.pods, seen.card) for name, seen in looked.items()}

    def cancel(self, name: str, reason: str = "") -> None:
        """Have the Job deleted; a run that is over already keeps its end."""
        if not self.notes.read(name, ASKED) or self.notes.read(name, OVER):
            return
        if not self.notes.read(name, CANCEL):
            if is_finished(self.cluster.read("jobs", name)):
                return
            self.notes.write(name, CANCEL, {"reason": reason})
        self.cluster.delete("jobs", name, "Foreground")

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        """The first pod's output; once the run is over, the end of what the pod wrote that failed first, too."""
        kept = self.notes.place(name) / OUTPUT
        if kept.exists():
            with kept.open("rb") as file:
                file.seek(offset)
                return file.read(limit)
        if not self.notes.read(name, ASKED):
            return b""
        end = min(offset + limit, KEPT_LOG_BYTES)
        pods = [read_pod(pod, "") for pod in self.cluster.listed("pods", f"{RUN}={name}")]
        first = [pod for pod in pods if pod.run == name and pod.index == 0]
        return self.cluster.log(first[-1].name, CONTAINER, end)[offset:] if first and end > offset else b""

    def forget(self, name: str) -> None:
        """Delete what is left of a run that is over in the cluster, then the notes."""
        if name not in (seen := self._look([name])) or not seen[name].observation.state.final:
            return
        for pod in self.cluster.listed("pods", f"{RUN}={name}"):
            if pod["metadata"].get("labels", {}).get(RUN) == name:
                self.cluster.let_go(pod, KEEP)
        for plural, called in (("jobs", name), ("services", gang(name)), ("configmaps", name)):
            self.cluster.delete(plural, called)
        self.notes.forget(name)

    def diagnose(self) -> Sequence[CheckResult]:
        """What an operator could have got wrong."""
        return kubernetes_checks(self.cluster, self.site)

    # --- once and never twice

    def _spelt(self, card: str) -> str:
        """A resource's name as the nodes spell it: the platform keeps names in small letters."""
        if card.lower() not in self._names:
            amounts = (node.get("status", {}).get("allocatable", {}) for node in self.cluster.nodes())
            self._names = {name.lower(): name for amount in amounts for name in amount}
        found = self._names.get(card.lower())
        if found is None:
            there = "、".join(card_names(dict.fromkeys(self._names.values(), ""))) or "没有加速卡资源"
            raise EngineError(f"现在没有节点提供 {card}；现有：{there}。请检查设备插件，或中心登记的卡名")
        return found

    def _create(self, plural: str, body: KubernetesObject, run: str, asked: str) -> bool:
        """Create an object, or find it; whether it was created."""
        try:
            self.cluster.create(plural, body)
            return True
        except ApiServerRefused as error:
            if error.status in (400, 422):
                raise ValueError(f"Kubernetes 不接受这个作业：{error}") from None
            if error.status != 409:
                raise
            self._found(plural, body["metadata"]["name"], run, asked)
            return False

    def _found(self, plural: str, name: str, run: str, asked: str) -> None:
        """Make sure that what has the name already is what we asked for."""
        there = self.cluster.read(plural, name) or {}
        meta = there.get("metadata", {})
        ours = meta.get("labels", {}).get(RUN) == run
        if not ours or (plural == "jobs" and meta.get("annotations", {}).get(DIGEST) != asked):
            raise ValueError(f"命名空间 {self.site.namespace} 里已有名为 {name} 的 {plural}，但不是这个作业")

    # --- how runs stand

    def _look(self, names: Sequence[str]) -> dict[str, Seen]:
        looked: dict[str, Seen] = {}
        asked: dict[str, dict[str, Any]] = {}
        for name in names:
            if over := self.notes.read(name, OVER):
                looked[name] = _remembered(over)
            elif note := self.notes.read(name, ASKED):
                asked[name] = note
        if asked:
            jobs = {job["metadata"]["name"]: job for job in self.cluster.listed("jobs", f"{OURS}={MANAGER}")}
            pods = defaultdict(list)
            for pod in self.cluster.listed("pods", f"{OURS}={MANAGER}"):
                pods[pod["metadata"].get("labels", {}).get(RUN, "")].append(pod)
            for name, note in asked.items():
                looked[name] = self._stands(name, note, jobs.get(name), pods[name])
        return looked

    def _stands(
        self, name: str, note: dict[str, Any], job: KubernetesObject | None, raw: Sequence[KubernetesObject]
    ) -> Seen:
        live = [(pod, read_pod(pod, note["card"])) for pod in raw]
        pods = self._written_down(name, [view for _, view in live])
        cancel = self.notes.read(name, CANCEL)
        if job is None and not note["created"] and not cancel:
            return Seen(Observation(name, RunState.STARTING), pods, note["card"])
        reason = cancel["reason"] if cancel else None
        seen = Seen(observe_pods(name, job, pods, reason, note["time_limit_seconds"]), pods, note["card"])
        if seen.observation.state.final:
            self._settle(name, seen)
        elif cancel:
            return seen  # its pods stay until the last has ended: their output goes with them
        for pod, view in live:
            if view.going and view.over:
                self.cluster.let_go(pod, KEEP)
        return seen

    def _written_down(self, name: str, live: Sequence[PodSeen]) -> tuple[PodSeen, ...]:
        """The run's pods, those that are gone among them; one that vanished while it ran has no end."""
        before = {uid: PodSeen(**pod) for uid, pod in self.notes.read(name, PODS).items()}
        now = {pod.uid or pod.name: pod for pod in live}
        for uid, pod in now.items():
            if pod.started_at is None and uid in before:  # an evicted pod's status forgets that it ran
                now[uid] = replace(pod, started_at=before[uid].started_at)
        gone = {uid: replace(pod, over=True) for uid, pod in before.items() if uid not in now}
        together = {**gone, **now}
        if together != before:
            self.notes.write(name, PODS, {uid: asdict(pod) for uid, pod in together.items()})
        return tuple(sorted(together.values(), key=lambda pod: (pod.index, pod.started_at or 0, pod.name)))

    def _settle(self, name: str, seen: Seen) -> None:
        """Write down how a run ended: from now on nothing that happens in the cluster changes it."""
        with contextlib.suppress(ApiServerRefused):  # a node that is gone takes the output with it; the times are here
            self._keep_log(name, seen)
        pods = [asdict(pod) for pod in seen.pods]
        observation = observation_to_dict(seen.observation)
        self.notes.write(name, OVER, {"observation": observation, "pods": pods, "card": seen.card})

    def _keep_log(self, name: str, seen: Seen) -> None:
        first = [pod for pod in seen.pods if pod.index == 0]
        failed = first_failure(seen.pods)
        output = self.cluster.log(first[-1].name, CONTAINER, KEPT_LOG_BYTES) if first else b""
        if failed is not None and failed.index != 0:
            tail = self.cluster.log(failed.name, CONTAINER, TAIL_BYTES, TAIL_LINES)
            output += f"\n---- {failed.name}（节点 {failed.node}）----\n".encode() + tail
        place = self.notes.place(name)
        (place / f".{OUTPUT}").write_bytes(output)
        (place / f".{OUTPUT}").replace(place / OUTPUT)


def _remembered(over: dict[str, Any]) -> Seen:
    return Seen(parse_observation(over["observation"]), tuple(PodSeen(**pod) for pod in over["pods"]), over["card"])
