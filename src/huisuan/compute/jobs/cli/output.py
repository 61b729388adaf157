"""Jobs as the command line shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.compute.jobspec.core.array_indices import ranges
from huisuan.protocol.placement import PlaceOption, Preview, ReadRequest
from huisuan.protocol.resources import Job, JobEvent
from huisuan.terminal import out, print_table

STATES = {
    "submitted": "已提交",
    "waiting": "等待调度",
    "placed": "已调度",
    "queued": "中心排队",
    "running": "运行中",
    "done": "完成",
    "failed": "失败",
    "cancelled": "已取消",
    "lost": "失联",
}
FORMAT_NAMES = {"huisuan": "惠算", "sbatch": "sbatch 脚本", "skypilot": "SkyPilot", "kubernetes": "Kubernetes"}


def print_job(job: Job) -> None:
    """A job, a line a fact; what does not apply is left out."""
    code = f"，退出码 {job.exit_code}" if job.exit_code is not None else ""
    array = f"{job.array_uid} 的第 {job.array_index} 号" if job.array_uid else None
    lines: dict[str, Any] = {
        "作业": f"{job.uid} {job.name}",
        "主体": f"{job.party_name}（{job.party}）",
        "项目": job.project,
        "阵列": array,
        "命令": " ".join(job.command) or None,
        "脚本": f"{len(job.script.splitlines())} 行（{FORMAT_NAMES[job.source_format]}）" if job.script else None,
        "镜像": job.image or None,
        "环境变量": "、".join(job.environment) or None,
        "工作目录": job.workdir,
        "结果": f"{job.outputs}（huisuan job get {job.uid}）" if job.outputs else None,
        "状态": STATES[job.state] + code,
        "卡数": f"{job.cards}（{job.nodes} 个节点）" if job.nodes > 1 else job.cards,
        "可接受": _acceptable(job),
        "智算中心": f"{job.centre}（{job.model}）" if job.centre else "尚未调度",
        "价格": f"每卡时 {yuan(job.fen_per_card_hour)} 元" if job.fen_per_card_hour is not None else None,
        "等待": "、".join(job.after) or None,
        "重试": f"第 {job.run + 1} 次运行，最多重试 {job.retries} 次" if job.retries else None,
        "截止": _when(job.deadline),
        "理由": "；".join(job.reasons) or None,
        "提交": _when(job.submitted_at),
        "开始": _when(job.started_at),
        "结束": _when(job.ended_at),
        "没有照搬": "；".join(job.notes) or None,
    }
    for label, value in lines.items():
        if value is not None:
            out.print(f"{label}：{value}", markup=False)


def print_events(events: list[JobEvent]) -> None:
    """The steps of a job's life."""
    rows = [
        {
            "at": event.at,
            "state": STATES[event.state],
            "run": event.run + 1,
            "centre": event.centre,
            "text": event.text,
            "told": _told(event),
        }
        for event in events
    ]
    columns = {"at": "时间", "state": "状态", "run": "第几次", "centre": "智算中心", "text": "说明", "told": "通知"}
    print_table("经过", rows, columns, "还没有经过")


def print_preview(found: Preview) -> None:
    """What was read of a job, then where it could run: now, later, nowhere."""
    if found.request is not None:
        out.print(f"读到：{read_request(found.request)}", markup=False)
    rows = [_option(option, "现在") for option in found.now] + [_option(option, None) for option in found.later]
    columns = {
        "centre": "智算中心",
        "model": "型号",
        "starts": "何时",
        "price_fen": "每卡时（元）",
        "cost_fen": "至多花费（元）",
        "subsidy_fen": "其中补助（元）",
    }
    print_table("可以去的地方，最合适的在前", rows, columns, "没有地方可以运行")
    if found.expected_seconds is not None:
        out.print(f"预计运行 {timedelta(seconds=found.expected_seconds)}：按以往同样卡数的作业推算")
    if found.subsidy.why:
        out.print(f"补助：{found.subsidy.why}", markup=False)
    for text in found.reasons:
        out.print(text, markup=False)
    for barred in found.barred:
        out.print(f"不去 {barred.centre} {barred.model}：{barred.text}", markup=False)


def read_request(request: ReadRequest) -> str:
    """What was read, on one line: size, cards, limit, array."""
    each = f"（{request.nodes} 个节点 × {request.cards_per_node} 卡）" if request.nodes > 1 else ""
    cards = "、".join(request.models) or ("任何型号，处理器槽也可以" if request.takes_slots else "任何型号的加速卡")
    parts = [
        f"{FORMAT_NAMES[request.source_format]} {request.name}",
        f"{request.cards} 卡{each}",
        f"{cards}{f'（{request.vendor}）' if request.vendor else ''}",
        f"每卡显存 ≥ {request.min_memory_gib} GiB" if request.min_memory_gib else "",
        f"每卡 FP16 ≥ {request.min_tflops_fp16} TFLOPS" if Decimal(request.min_tflops_fp16) else "",
        f"时限 {timedelta(seconds=request.time_limit_seconds)}",
        f"最多重试 {request.retries} 次" if request.retries else "",
        f"阵列 {request.jobs} 个作业（下标 {ranges(request.array)}），以下是其中一个的花费" if request.array else "",
    ]
    return "；".join(part for part in parts if part)


def _option(option: PlaceOption, when: str | None) -> dict[str, Any]:
    return {
        "centre": option.centre,
        "model": option.model,
        "starts": when or f"约 {timedelta(seconds=option.starts_in_seconds)} 后",
        "price_fen": option.fen_per_card_hour,
        "cost_fen": option.cost_fen,
        "subsidy_fen": option.subsidy_fen,
    }


def _acceptable(job: Job) -> str | None:
    parts = [
        "、".join(job.models),
        job.vendor,
        f"显存 ≥ {job.min_memory_gib} GiB" if job.min_memory_gib else "",
        f"FP16 ≥ {job.min_tflops_fp16} TFLOPS" if job.min_tflops_fp16 != "0" else "",
        f"只在 {job.wanted_centre}" if job.wanted_centre else "",
        f"只在{job.wanted_city}" if job.wanted_city else "",
        f"数据在 {job.data_at}" if job.data_at else "",
        f"每卡时至多 {yuan(job.price_ceiling_fen)} 元" if job.price_ceiling_fen is not None else "",
    ]
    return "；".join(part for part in parts if part) or None


def _told(event: JobEvent) -> str:
    if event.notified_at:
        return f"已通知 {_when(event.notified_at)}"
    return f"试过 {event.tries} 次，没有送到" if event.tries else ""


def _when(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if at else None
