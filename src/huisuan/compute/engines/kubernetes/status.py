"""What a Job and its pods say about one run: pure, from the API's JSON to what the agent reports and what is metered.

Cards are held from a container's start to its end, by the kubelet's own record (whole seconds; a shorter run counts
one). The pods of a gang begin and end apart, so a run is reported as stretches during which the same pods held cards:
their card-seconds are exactly the sum of the pods' own, and no card counts twice that another job got meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import Observation, RunState, RunUsage
from huisuan.compute.engines.kubernetes.manifest import CONTAINER, INDEX, RUN

RAW_CHARACTERS, NODES_CHARACTERS = 3900, 1900  # the wire takes 4,000 and 2,000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class PodSeen:
    """One pod of a run; seconds since 1970. `over` without `ended_at`: nobody saw its end."""

    name: str
    uid: str
    run: str
    index: int
    node: str
    cards: int
    started_at: int | None = None
    ended_at: int | None = None
    over: bool = False
    exit_code: int | None = None
    reason: str = ""
    waits_for: str = ""
    going: bool = False

    @property
    def holds(self) -> bool:
        """Whether it runs now."""
        return self.started_at is not None and not self.over


def read_pod(pod: Mapping[str, Any], card: str) -> PodSeen:
    """A pod as the API tells of it; `card` is the resource that counts."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    statuses: list[dict[str, Any]] = status.get("containerStatuses", [])
    container = next((status for status in statuses if status["name"] == CONTAINER), {})
    state = container.get("state", {})
    ran, ended, waiting = state.get("running", {}), state.get("terminated", {}), state.get("waiting", {})
    started = epoch_seconds((ran or ended).get("startedAt"))
    if started is not None and started < (epoch_seconds(meta.get("creationTimestamp")) or 0):
        started = None  # a container that could not be started is said to have started in 1970
    over = bool(ended) or status.get("phase") in ("Succeeded", "Failed")
    finished_at = epoch_seconds(ended.get("finishedAt")) if started is not None else None
    limits = (
        container.get("resources", {}).get("limits", {})
        for container in spec["containers"]
        if container["name"] == CONTAINER
    )
    return PodSeen(
        name=meta["name"],
        uid=meta.get("uid", ""),
        run=meta.get("labels", {}).get(RUN, ""),
        index=int(meta.get("annotations", {}).get(INDEX, 0)),
        node=spec.get("nodeName", ""),
        cards=sum(int(limit.get(card, 0)) for limit in limits),
        started_at=started,
        ended_at=None if finished_at is None or started is None else max(finished_at, started + 1),
        over=over,
        exit_code=ended.get("exitCode"),
        reason=status.get("reason") or ended.get("reason") or "",
        waits_for=_waits_for(status, waiting),
        going="deletionTimestamp" in meta,
    )


def _waits_for(status: Mapping[str, Any], waiting: Mapping[str, Any]) -> str:
    """Why a pod does not run yet, in the words of what holds it up."""
    if waiting.get("reason") not in (None, "ContainerCreating"):
        return f"{waiting['reason']}：{waiting.get('message', '')}".rstrip("：")
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""


def epoch_seconds(moment: str | None) -> int | None:
    """A moment of the API in seconds since 1970."""
    return None if not moment else int(datetime.fromisoformat(moment).timestamp())


def find_condition(job: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The Job's condition of that kind, where it holds."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            return dict(condition)
    return None


def is_finished(job: Mapping[str, Any] | None) -> bool:
    """Whether the Job is over by its own word."""
    return job is not None and bool(find_condition(job, "Complete") or find_condition(job, "Failed"))


def observe_pods(
    name: str, job: Mapping[str, Any] | None, pods: Sequence[PodSeen], cancelled: str | None, limit_seconds: int
) -> Observation:
    """How the run stands. `cancelled` is why it was cancelled, None where it was not."""
    if job is not None and (find_condition(job, "Complete") or (cancelled is None and is_finished(job))):
        return _ended(name, job, pods, limit_seconds)
    if any(pod.holds for pod in pods):
        return _told(name, RunState.RUNNING, pods, "正在取消" if cancelled is not None else "")
    if cancelled is not None:
        return _told(name, RunState.CANCELLED, pods, cancelled, _worst(pods))
    if job is None:
        return _told(name, RunState.LOST, pods, "作业已不在集群中：可能被人删除")
    if job["spec"].get("suspend"):
        return Observation(name, RunState.QUEUED, reason="已挂起，等待 Kueue 准入")
    return Observation(name, RunState.QUEUED, reason=next((pod.waits_for for pod in pods if pod.waits_for), ""))


def _ended(name: str, job: Mapping[str, Any], pods: Sequence[PodSeen], limit_seconds: int) -> Observation:
    if find_condition(job, "Complete"):
        return _told(name, RunState.COMPLETED, pods, "", 0)
    failed = find_condition(job, "Failed") or {}
    worst = first_failure(pods)
    if any(pod.reason == "DeadlineExceeded" for pod in pods) or failed.get("reason") == "DeadlineExceeded":
        return _told(name, RunState.TIMEOUT, pods, f"超过时限 {limit_seconds} 秒", _worst(pods))
    if worst is not None and worst.exit_code is not None:
        return _told(name, RunState.FAILED, pods, _why(worst), worst.exit_code)
    if worst is not None and worst.started_at is not None:
        return _told(name, RunState.FAILED, pods, _why(worst))
    why = worst.reason if worst is not None else failed.get("message", "")
    return _told(name, RunState.FAILED, pods, f"没有开始：{why}".rstrip("："))


def _why(pod: PodSeen) -> str:
    known = {"OOMKilled": "内存超出限制", "Evicted": "被节点驱逐", "Preempting": "被更高优先级的作业抢占"}
    return "" if pod.reason in ("", "Error") else f"{known.get(pod.reason, pod.reason)}（{pod.name}）"


def first_failure(pods: Sequence[PodSeen]) -> PodSeen | None:
    """The pod that failed first: the others of a gang are only ended for it."""
    failed = [pod for pod in pods if pod.over and pod.exit_code != 0]
    return min(failed, key=lambda pod: (pod.ended_at is None, pod.ended_at or 0, pod.index), default=None)


def _worst(pods: Sequence[PodSeen]) -> int | None:
    pod = first_failure(pods)
    return pod.exit_code if pod is not None else None


def _told(
    name: str, state: RunState, pods: Sequence[PodSeen], reason: str = "", code: int | None = None
) -> Observation:
    """An observation with the pods' times; a run is lost that began and of whose pods nobody saw one end."""
    starts = [pod.started_at for pod in pods if pod.started_at is not None]
    ends = [pod.ended_at for pod in pods if pod.ended_at is not None]
    started = _moment(min(starts)) if starts else None
    if state.final and starts and not ends:
        where = "、".join(sorted({pod.node for pod in pods if pod.started_at is not None}))
        unseen = f"结束无人看到（节点 {where}），不计量"
        return Observation(name, RunState.LOST, reason=f"{reason}；{unseen}".lstrip("；"), started_at=started)
    ended = _moment(max(ends)) if ends and state.final else None
    return Observation(name, state, reason=reason, started_at=started, ended_at=ended, exit_code=code)


def stretches(seen: Observation, pods: Sequence[PodSeen], card: str) -> tuple[RunUsage, ...]:
    """What the run's pods held, stretch by stretch; a pod whose end nobody saw counts for nothing."""
    counted = [pod for pod in pods if pod.started_at is not None and (pod.ended_at is not None or pod.holds)]
    cuts = sorted({moment for pod in counted for moment in (pod.started_at, pod.ended_at) if moment is not None})
    reported: list[RunUsage] = []
    for place, start in enumerate(cuts):
        end = cuts[place + 1] if place + 1 < len(cuts) else None
        held = [
            pod for pod in counted if (pod.started_at or 0) <= start and (pod.ended_at is None or pod.ended_at > start)
        ]
        if held:
            reported.append(_usage(seen, len(reported), held, (start, end), card))
    if reported and seen.state.final:
        reported[-1] = replace(reported[-1], state=seen.state, exit_code=seen.exit_code)
    return tuple(reported)


def _usage(
    seen: Observation, number: int, pods: Sequence[PodSeen], times: tuple[int, int | None], card: str
) -> RunUsage:
    nodes = sorted({pod.node for pod in pods})
    return RunUsage(
        name=seen.name,
        restart=number,
        nodes=shortened(",".join(nodes), NODES_CHARACTERS),
        node_count=len(nodes),
        cards=sum(pod.cards for pod in pods),
        local_card=card,
        started_at=_moment(times[0]),
        ended_at=None if times[1] is None else _moment(times[1]),
        raw=shortened(json.dumps([_line(pod) for pod in pods], separators=(",", ":")), RAW_CHARACTERS),
    )


def _line(pod: PodSeen) -> list[Any]:
    return [pod.name, pod.uid, pod.node, pod.cards, pod.started_at, pod.ended_at, pod.exit_code]


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
