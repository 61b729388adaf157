"""The policies that can be compared: the rules of the placement, and what each knows of how long a job runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from huisuan.base.errors import NotFound
from huisuan.compute.placement.scheduling_rules import PLATFORM_RULES, Rules
from huisuan.compute.placement.weights import Weights


@dataclass(frozen=True)
class SchedulingPolicy:
    """A policy. `knows`: the true runtime (an oracle), nothing, or a prediction from the job's peers."""

    name: str
    label: str
    rules: Rules
    knows: Literal["truth", "nothing", "history"]

    def weights(self, weights: Weights) -> Weights:
        """The weights under which it works: fair share alone is the platform's without length and deadlines."""
        if self.name != "fair":
            return weights
        order = weights.order.model_copy(update={"length": 0, "deadline": 0})
        return weights.model_copy(update={"order": order})


POLICIES = {
    policy.name: policy
    for policy in (
        SchedulingPolicy("fifo", "先来先服务（队首阻塞）", Rules("arrival", False, True, False, True), "nothing"),
        SchedulingPolicy(
            "sjf", "最短优先（预知真实时长，队首阻塞）", Rules("length", False, True, False, True), "truth"
        ),
        SchedulingPolicy("fair", "公平份额（不知时长，不留卡）", Rules("weights", True, False, False, True), "nothing"),
        SchedulingPolicy("limits", "惠算，但不学时长（只知时限）", PLATFORM_RULES, "nothing"),
        SchedulingPolicy("huisuan", "惠算（平台现行：按历史预估时长，回填与留卡）", PLATFORM_RULES, "history"),
    )
}


def parse_policies(names: str) -> list[SchedulingPolicy]:
    """The policies that a comma-separated list names; `all` names every one.

    Raises:
        NotFound: there is no such policy, or none is named.
    """
    if names.strip() == "all":
        return list(POLICIES.values())
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in POLICIES]
    if unknown or not wanted:
        raise NotFound(
            f"--policy：{'、'.join(unknown) or '没有写'}；可用：{'、'.join(POLICIES)}（逗号分隔，可多个）",
            code="simulation.policy_unknown",
        )
    return [POLICIES[name] for name in dict.fromkeys(wanted)]
