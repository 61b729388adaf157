"""`huisuan centre capacity` and `huisuan centre attest`: how large a centre is, claimed, seen, used and measured."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, out, print_json, print_table

_CentreCode = Annotated[str, typer.Argument(metavar="CENTRE", help="中心代码")]
_COLUMNS = {
    "model": "型号",
    "tflops_fp16": "TFLOPS（稠密 FP16）",
    "claimed": "登记的卡",
    "seen": "看到的卡",
    "used": "同时用过的卡",
    "used_at": "最多的时刻",
}
_ATTESTED = {
    "measured_at": "测于",
    "node": "节点",
    "index": "第几张卡",
    "device": "卡自称",
    "tflops_fp16": "实测 TFLOPS",
    "nominal": "目录 TFLOPS",
    "job": "作业",
}


def capacity(
    code: _CentreCode,
    begins: Annotated[str | None, typer.Option("--from", help="从哪天起看用量；默认一年前")] = None,
    ends: Annotated[str | None, typer.Option("--to", help="到哪天为止（不含）；默认明天")] = None,
    as_json: AsJson = False,
) -> None:
    """一个中心的三种规模：登记的、代理看到的、记录里同时用过的；条款问到规模时以此为据。"""
    from huisuan.compute.capacity.attestation import record_attestations
    from huisuan.compute.capacity.capacity import capacity as measured
    from huisuan.compute.capacity.capacity import capacity_to_dict
    from huisuan.compute.centres.services import centre_by_code

    today = datetime.now(SHANGHAI).date()
    last = _day("--to", ends) if ends else today + timedelta(days=1)
    first = _day("--from", begins) if begins else last - timedelta(days=366)
    if first >= last:
        raise InvalidRequest(f"--from {first} 不早于 --to {last}", code="date.reversed")
    centre = centre_by_code(code)
    record_attestations()
    row = capacity_to_dict(measured(centre, first, last))
    row["attestations"] = _attestations(code)
    if as_json:
        print_json(row)
        return
    out.print(f"{centre.code} {centre.name}（用量：{first} 至 {last}，不含末日）", markup=False)
    for name, label in (("claimed", "登记"), ("seen", "现在看到"), ("seen_most", "一天最多看到"), ("used", "同时用过")):
        size, at = row[f"{name}_p"], row.get(f"{name}_at")
        when = at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if isinstance(at, datetime) else at
        unseen = "还没有：站点代理加入后才看得到"
        out.print(f"  {label}：{unseen if size is None else f'{size} P'}{f'（{when}）' if when else ''}", markup=False)
    if row["unknown_cards"]:
        out.print(f"  另有 {row['unknown_cards']:,} 张卡的型号对不上目录：请在分区里写明调度器中的卡名", markup=False)
    print_table("按型号", row["models"], _COLUMNS, "没有登记分区，也没有看到卡")
    if row["attestations"]:
        print_table("核验", row["attestations"], _ATTESTED, "")


def attest(
    code: _CentreCode,
    model: Annotated[str | None, typer.Option("--model", help="核验哪种型号；不写则由调度决定")] = None,
    cards: Annotated[int, typer.Option("--cards", min=1, help="抽几张卡")] = 1,
    as_json: AsJson = False,
) -> None:
    """提交一个核验作业：在该中心的卡上做 FP16 矩阵乘法；结果见 huisuan centre capacity。"""
    from huisuan.compute.capacity.attestation import attestation_request
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.jobs.services import submit_job
    from huisuan.parties.viewer import Viewer
    from huisuan.protocol.job_uid import RANDOM_BYTES

    operator = Viewer(role="province", name="huisuan centre attest")
    asked = attestation_request(centre_by_code(code), model, cards)
    job = submit_job(asked, operator, datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES))
    if as_json:
        print_json({"job": job.uid, "centre": code, "cards": cards, "model": model})
    else:
        out.print(f"核验作业 {job.uid} 已提交；完成后看 huisuan centre capacity {code}", markup=False)


def _attestations(code: str) -> list[dict[str, Any]]:
    from huisuan.compute.models import CapacityAttestation

    rows = CapacityAttestation.objects.filter(centre__code=code).select_related("accelerator")[:200]
    return [
        {
            "measured_at": row.measured_at, "node": row.node, "index": row.index, "device": row.device,
            "model": row.accelerator.model, "tflops_fp16": str(row.tflops_fp16),
            "nominal": str(row.accelerator.tflops_fp16), "job": row.job_id,
        }
        for row in rows
    ]  # fmt: skip


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{option} {text}：应为日期，如 2024-12-31", code="date.malformed") from None
