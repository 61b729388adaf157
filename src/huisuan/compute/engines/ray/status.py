"""What Ray's answers and the launcher's record say about runs, nodes and cards: pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from huisuan.base.text_length import shortened
from huisuan.compute.engines.interface import JobSpec, NodeSeen, Observation, RunState, RunUsage
from huisuan.compute.engines.ray.launcher import LAUNCHER_MARK

TYPE = "accelerator_type:"
TYPE_SHARE = 0.001  # how Ray asks for a node with cards of a type
RAW_CHARACTERS = 3900  # the wire takes 4,000
MEASURED = ("elapsed_ns", "processor_us", "peak_memory_bytes")
_Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunFacts:
    """What there is to know of one run: the agent's notes, Ray's record of the job, the launcher's own.

    `claimed`: a launcher has it, or nobody may any more. `began` and `record` are empty until the launcher reported.
    """

    name: str
    asked: _Json
    ray: _Json | None = None
    claimed: bool = False
    began: _Json = field(default_factory=dict)
    record: _Json = field(default_factory=dict)
    cancelled: str | None = None


def observe_run(known: RunFacts) -> Observation:
    """How the run stands; the launcher's word comes before Ray's."""
    if known.record:
        return _recorded(known)
    ray = known.ray
    if ray is None:
        return _unknown_to_ray(known)
    if ray["status"] == "PENDING":
        return Observation(known.name, RunState.QUEUED, reason=_waits_for(ray))
    if ray["status"] == "RUNNING":
        state = RunState.RUNNING if known.claimed or known.began else RunState.STARTING
        return _told(known, state, "正在取消" if known.cancelled is not None else "")
    return _ended_without_record(known, ray)


def _recorded(known: RunFacts) -> Observation:
    record, state = known.record, RunState(known.record["state"])
    reason = record.get("reason", "")
    if state is RunState.CANCELLED:
        reason = known.cancelled if known.cancelled is not None else reason or "在 Ray 中被停止"
    return Observation(
        known.name,
        state,
        reason=reason,
        started_at=_moment(record.get("started_at")),
        ended_at=_moment(record.get("ended_at")),
        exit_code=record.get("exit_code"),
    )


def _unknown_to_ray(known: RunFacts) -> Observation:
    if not known.asked.get("posted"):
        state = RunState.STARTING if known.cancelled is None else RunState.CANCELLED
        return Observation(known.name, state, reason=known.cancelled or "")
    if known.claimed or not known.asked["shared"]:
        return Observation(known.name, RunState.LOST, reason="Ray 不再记得这个作业：head 可能重启过；不计量")
    return Observation(known.name, RunState.EXPIRED, reason="Ray 不再记得这个作业，它没有开始过：head 可能重启过")


def _ended_without_record(known: RunFacts, ray: _Json) -> Observation:
    """The launcher was killed before it could write, or never began."""
    fault, begun = ray.get("error_type") or "", bool(known.began)
    if ray["status"] == "STOPPED":
        reason = known.cancelled if known.cancelled is not None else "在 Ray 中被停止"
        return _told(known, RunState.CANCELLED, reason)
    if ray["status"] == "SUCCEEDED":
        return _told(known, RunState.COMPLETED, "启动程序的记录不在了", 0)
    if fault == "JOB_ENTRYPOINT_COMMAND_ERROR":
        return _told(known, RunState.FAILED, "启动程序被杀死" if begun else _last(ray), _code(ray))
    if begun or known.claimed:
        lost = f"{fault}：{_last(ray)}（结束无人看到，不计量）"
        return Observation(known.name, RunState.LOST, reason=lost, started_at=_moment(known.began.get("started_at")))
    if fault == "JOB_SUPERVISOR_ACTOR_START_TIMEOUT":
        why = "在 Ray 里等卡过久（RAY_JOB_START_TIMEOUT_SECONDS），没有开始"
        return Observation(known.name, RunState.EXPIRED, reason=why)
    return Observation(known.name, RunState.FAILED, reason=f"没有开始：{_last(ray)}")


def _told(known: RunFacts, state: RunState, reason: str, code: int | None = None) -> Observation:
    """By the launcher's beginning and Ray's end: it saw the process go."""
    started = known.began.get("started_at")
    ended = None
    if state.final and started is not None and known.ray is not None and known.ray.get("end_time"):
        ended = max(started + 1, -(-int(known.ray["end_time"]) // 1000))
    return Observation(known.name, state, reason, None, _moment(started), _moment(ended), code)


def usage_of_run(known: RunFacts, seen: Observation, node: str) -> tuple[RunUsage, ...]:
    """What the run held; nothing for one that never began or whose end nobody saw."""
    if seen.started_at is None or (seen.state.final and seen.ended_at is None):
        return ()
    raw = {"ray": {key: (known.ray or {}).get(key) for key in _KEPT}, "launcher": {**known.began, **known.record}}
    text = json.dumps(raw, ensure_ascii=False, sort_keys=True)
    return (
        RunUsage(
            name=known.name,
            restart=0,
            nodes=node or known.record.get("node", "") or "ray",
            node_count=1,
            cards=known.asked["cards"],
            local_card=known.asked["local_card"],
            started_at=seen.started_at,
            ended_at=seen.ended_at,
            state=seen.state,
            exit_code=seen.exit_code,
            measured={key: known.record[key] for key in MEASURED if key in known.record},
            raw=text if len(text) <= RAW_CHARACTERS else f"{text[: RAW_CHARACTERS - 1]}…",
        ),
    )


_KEPT = ("submission_id", "status", "start_time", "end_time", "driver_node_id", "driver_exit_code", "metadata")


def launcher_lines(output: bytes, word: str) -> list[_Json]:
    """The launcher's own lines among a job's output: those with its word."""
    begin = f"{LAUNCHER_MARK} {word} ".encode()
    return [json.loads(line[len(begin) :]) for line in output.splitlines() if line.startswith(begin)]


def _waits_for(ray: _Json) -> str:
    return "在 Ray 里等候加速卡" if "resources" in (ray.get("message") or "") else ""


def _last(ray: _Json) -> str:
    lines = [line for line in (ray.get("message") or "").splitlines() if line.strip()]
    return shortened(lines[-1], 300) if lines else ""


def _code(ray: _Json) -> int | None:
    code = ray.get("driver_exit_code")
    return code if code is None or code >= 0 else 128 - code


def _moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


# --- nodes and cards


def card_of(resources: Mapping[str, float], cards: Sequence[str]) -> tuple[str, str] | None:
    """The resource that a node's cards are, and what they are called: their type where the node has one type."""
    found = next((name for name in cards if resources.get(name, 0) >= 1), None)
    if found is None:
        return None
    types = [name.removeprefix(TYPE) for name in resources if name.startswith(TYPE)]
    return found, types[0] if len(types) == 1 else found


def ray_nodes(
    nodes: Iterable[_Json],
    used: Mapping[str, Mapping[str, Any]] | None,
    jobs: Iterable[_Json],
    cards: Sequence[str],
    partition: str,
) -> list[NodeSeen]:
    """The nodes with their cards; in use is what Ray says, or, where that is later or untold, what our jobs hold."""
    ours: dict[str, int] = {}
    for job in jobs:
        count = str((job.get("metadata") or {}).get("huisuan_cards", ""))
        where = job.get("driver_node_id")
        if job["status"] == "RUNNING" and where and count.isdecimal():
            ours[where] = ours.get(where, 0) + int(count)
    seen = []
    for node in nodes:
        card = card_of(node.get("resources_total") or {}, cards)
        if card is None or node["state"] != "ALIVE":
            continue
        total = int(node["resources_total"][card[0]])
        told = ((used or {}).get(node["node_id"]) or {}).get(camel_case(card[0]), [0])[0]
        held = min(total, max(math.ceil(told), ours.get(node["node_id"], 0)))
        seen.append(NodeSeen(node["node_name"] or node["node_ip"], partition, card[1], total, held))
    return seen


def camel_case(name: str) -> str:
    """A resource's name as the dashboard's own answers write it: snake_case turned into camelCase."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def entrypoint_resources(job: JobSpec, nodes: Iterable[_Json], cards: Sequence[str]) -> dict[str, Any]:
    """How to ask Ray for the cards: entrypoint_num_gpus, or entrypoint_resources.

    Names are compared without regard to case: the platform keeps them in small letters.

    Raises:
        ValueError: no node has so many of them.
    """
    there: dict[str, int] = {}
    fitting: tuple[str, str] | None = None
    asked_for = job.local_card.lower()
    for node in nodes:
        found = card_of(node.get("resources_total") or {}, cards)
        if found is None or node["state"] != "ALIVE":
            continue
        amount = int(node["resources_total"][found[0]])
        there[found[1]] = max(there.get(found[1], 0), amount)
        if asked_for in ("", found[0].lower(), found[1].lower()) and amount >= job.cards:
            fitting = found
    if fitting is None:
        told = "、".join(f"{name}（一个节点最多 {most} 张）" for name, most in sorted(there.items())) or "没有加速卡"
        raise ValueError(f"集群里没有一个节点有 {job.cards} 张 {job.local_card or '加速卡'}；现有：{told}")
    resource, called = fitting
    asked: dict[str, Any] = {"entrypoint_num_gpus": job.cards} if resource == "GPU" else {}
    resources: dict[str, float] = {} if resource == "GPU" else {resource: job.cards}
    if asked_for not in ("", resource.lower()):
        resources[f"{TYPE}{called}"] = TYPE_SHARE
    if resources:
        asked["entrypoint_resources"] = resources
    return asked
