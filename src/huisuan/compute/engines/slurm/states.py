"""Slurm's words for states and reasons, as the platform and its people say them. Pure."""

from __future__ import annotations

from huisuan.compute.engines.interface import RunState
from huisuan.compute.engines.slurm.types import WAITING

#: how a job that is over ended; what is preempted or loses its node has failed: the platform may run it again
ENDS = {
    "COMPLETED": RunState.COMPLETED,
    "CANCELLED": RunState.CANCELLED,
    "TIMEOUT": RunState.TIMEOUT,
    "DEADLINE": RunState.TIMEOUT,
    "FAILED": RunState.FAILED,
    "OUT_OF_MEMORY": RunState.FAILED,
    "NODE_FAIL": RunState.FAILED,
    "BOOT_FAIL": RunState.FAILED,
    "LAUNCH_FAILED": RunState.FAILED,
    "RECONFIG_FAIL": RunState.FAILED,
    "PREEMPTED": RunState.FAILED,
    "REQUEUED": RunState.CANCELLED,  # an earlier run of a job that Slurm started again
    "RESIZING": RunState.COMPLETED,  # the piece before a change of size
    "REVOKED": RunState.LOST,
}
WHY_ENDED = {
    "TIMEOUT": "超过时限，被 Slurm 结束",
    "DEADLINE": "到了截止时间，被 Slurm 结束",
    "OUT_OF_MEMORY": "内存用尽，被 Slurm 结束；请多申请内存或减少用量",
    "NODE_FAIL": "计算节点故障",
    "BOOT_FAIL": "计算节点没有启动起来",
    "LAUNCH_FAILED": "Slurm 没能在计算节点上启动作业；请看 slurmd 的日志",
    "RECONFIG_FAIL": "计算节点重新配置失败",
    "PREEMPTED": "被更优先的作业抢占",
    "REVOKED": "Slurm 联邦中的另一个集群接走了此作业",
}
REASONS = {
    "Priority": "前面有更优先的作业",
    "Resources": "等待空出资源",
    "Dependency": "等待所依赖的作业",
    "DependencyNeverSatisfied": "所依赖的作业没有成功，不会开始",
    "BeginTime": "未到最早开始时间（重新排队的作业要等一两分钟）",
    "JobHeldUser": "被用户挂起等待（hold）",
    "JobHeldAdmin": "被管理员挂起等待（hold）",
    "JobHoldMaxRequeue": "重新排队的次数过多，被挂起等待",
    "launch_failed_requeued_held": "启动失败，被挂起等待；请看 slurmd 的日志",
    "ReqNodeNotAvail": "所需节点不可用（停机、维护或预留）",
    "NodeDown": "所需节点停机",
    "PartitionDown": "分区停用，作业暂不会开始",
    "PartitionInactive": "分区未启用，作业暂不会开始",
    "PartitionNodeLimit": "节点数超过分区的限制，不会开始",
    "PartitionTimeLimit": "时限超过分区的限制，不会开始",
    "PartitionConfig": "不合分区的设置，不会开始",
    "BadConstraints": "没有满足条件的节点，不会开始",
    "Reservation": "等待预留时段",
    "ReservationDeleted": "预留已被删除，不会开始",
    "Licenses": "等待许可",
    "InvalidAccount": "账户无效，不会开始；请核对引擎选项 account",
    "InvalidQOS": "QOS 无效，不会开始；请核对引擎选项 qos",
    "AccountNotAllowed": "此账户不得使用该分区，不会开始",
    "QOSNotAllowed": "此 QOS 不得使用该分区，不会开始",
    "FrontEndDown": "前端节点停机",
    "Prolog": "节点正在做作业前的准备",
    "Cleaning": "正在清理上一次运行",
    "MaxBadConstraints": "没有满足条件的节点",
    "SchedDefer": "调度推迟到下一轮",
    "JobArrayTaskLimit": "阵列同时运行数已满",
}
LIMITS = (
    ("QOSMax", "超过 QOS 的上限"),
    ("QOSGrp", "QOS 的总量已用满"),
    ("QOS", "受 QOS 限制"),
    ("AssocMax", "超过账户的上限"),
    ("AssocGrp", "账户的总量已用满"),
    ("Assoc", "受账户限制"),
)


def pending_reason(state: str, reason: str) -> str:
    """Why a job does not run yet; Slurm's own word is kept for those who know it."""
    if reason in ("", "None"):
        return "启动失败后被挂起等待" if state == "SPECIAL_EXIT" else ""
    reason_text = REASONS.get(reason) or next((text for start, text in LIMITS if reason.startswith(start)), "")
    return f"{reason_text}（{reason}）" if reason_text else f"Slurm：{reason}"


def running_reason(state: str) -> str:
    """What is special about a job that runs."""
    if state in ("SUSPENDED", "STOPPED"):
        return "被中心暂停"
    return "正在收尾" if state in ("COMPLETING", "STAGE_OUT") else ""


def state_now(state: str) -> RunState:
    """The state of a job that is not over."""
    if state in WAITING:
        return RunState.QUEUED
    return RunState.STARTING if state == "CONFIGURING" else RunState.RUNNING
