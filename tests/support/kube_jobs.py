"""The jobs of these tests, and how they stand."""

from __future__ import annotations

from dataclasses import replace

from huisuan.compute.engines.interface import JobSpec, Observation
from huisuan.compute.engines.kubernetes import KubernetesEngine
from support.kube_cluster import CARD

UID = "01m8558jnns7cryxk3r3r51yjp"
JOB = JobSpec(UID, ("train", "--epochs", "3"), cards=4, local_card=CARD, time_limit_seconds=600)
GANG = replace(JOB, cards=16, nodes=2)


def seen(engine: KubernetesEngine, name: str = UID) -> Observation:
    return engine.observe([name])[name]


def card_seconds(engine: KubernetesEngine, name: str = UID) -> int:
    used = engine.usage([name])[name]
    return sum(each.cards * int((each.ended_at - each.started_at).total_seconds()) for each in used if each.ended_at)
