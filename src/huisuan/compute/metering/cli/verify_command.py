"""`huisuan meter verify`: check exports or a proof with keys and files alone, and say what they alone cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.base.temporary import temporary_folder
from huisuan.compute.metering.checks.run_bounds import CLOCK_SECONDS
from huisuan.terminal import AsJson, note, out, print_json, progress

if TYPE_CHECKING:
    from huisuan.compute.metering.audit.folder import AuditFinding
    from huisuan.compute.metering.audit.trust import Trust
    from huisuan.compute.metering.audit.verify import AuditResult

_SHOWN = 50
Several = list[Path] | None


def verify(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="CENTRE|FOLDER|PROOF",
            help="导出的目录（或装着几个导出的目录）、中心代码、一条记录的证明、抽查的样本",
        ),
    ],
    month: Annotated[str | None, typer.Argument(metavar="[MONTH]", help="月份，如 2024-03（北京时间）")] = None,
    platform_key: Annotated[
        str | None, typer.Option(help="平台公钥（64 位十六进制），从您信任的地方取得；不写则用导出里的那一把")
    ] = None,
    agent_key: Annotated[
        list[str] | None,
        typer.Option(
            "--agent-key", help="中心亲自告知的代理公钥：KEY、sha256:指纹、CENTRE=KEY，或逐行写明的文件；可多次"
        ),
    ] = None,
    receipt: Annotated[Several, typer.Option("--receipt", help="代理的收据（huisuan agent receipts）；可多次")] = None,
    earlier: Annotated[Several, typer.Option("--earlier", help="较早的导出目录；可多次")] = None,
    seal: Annotated[Several, typer.Option("--seal", help="持有的封账书（meter seals --json、证明）；可多次")] = None,
    register: Annotated[Several, typer.Option("--register", help="登记册（huisuan meter register）；可多次")] = None,
    countersigner: Annotated[
        list[str] | None, typer.Option("--countersigner", help="登记册必须有他会签的公钥；可多次")
    ] = None,
    clock_seconds: Annotated[int, typer.Option(help="中心时钟至多差几秒；平台改过 HUISUAN_CLOCK_SECONDS 时才写")] = (
        CLOCK_SECONDS
    ),
    as_json: AsJson = False,
) -> None:
    """核对：签名、两条链、叶、原始行、时间、默克尔根、合计；改、删、重、换序都找得到，并说出是哪一个。

    有不符以 1 退出。另外持有的公钥、收据、旧导出、封账书、登记册给出且相符，才说“完整”；否则说出没有证明的。
    不需要平台和数据库。
    """
    from huisuan.compute.metering.audit.folder import MANIFEST
    from huisuan.compute.metering.audit.trust import load_trust
    from huisuan.compute.metering.audit.verify import verify_all, verify_document
    from huisuan.compute.metering.audit.verify import verify_export as check_export

    place = Path(what)
    trust = load_trust(
        agent_keys=agent_key or (), receipts=receipt or (), earlier=earlier or (), seals=seal or (),
        registers=register or (), countersigners=countersigner or (),
    )  # fmt: skip
    if place.is_file():
        wrong, lines = verify_document(place, platform_key)
        _show_proof(wrong, lines, as_json)
    elif place.is_dir() and not (place / MANIFEST).exists() and any(place.glob(f"*/{MANIFEST}")):
        _show_all(*verify_all(place, platform_key, trust=trust, clock_seconds=clock_seconds), as_json)
    elif place.is_dir():
        _show_one(check_export(place, platform_key, trust=trust, clock_seconds=clock_seconds), trust, as_json)
    else:
        context.obj()  # a centre of this platform's: the database is needed after all
        _show_one(_of_centre(what, month, platform_key, trust, clock_seconds), trust, as_json)


def _of_centre(code: str, month: str | None, key: str | None, trust: Trust, clock_seconds: int) -> AuditResult:
    from huisuan.base.months import Month
    from huisuan.compute.metering.audit.verify import verify_export as check_export
    from huisuan.compute.metering.exports.evidence_bundle import export_ledger

    with temporary_folder() as folder, progress("核对", None):
        export_ledger(code, folder, Month.parse(month) if month else None, datetime.now(UTC))
        return check_export(folder, key, trust=trust, clock_seconds=clock_seconds)


def _show_one(verdict: AuditResult, trust: Trust, as_json: bool) -> None:
    if as_json:
        print_json(verdict.as_json())
    else:
        _show(verdict)
        if trust.register is not None:
            others = [centre.code for centre in trust.register.newest.centres if centre.code != verdict.centre]
            if others:
                note(f"登记册里还有 {len(others)} 个中心，这次没有看：{'、'.join(others[:10])}")
    if not verdict.is_consistent:
        raise typer.Exit(1)


def _show_all(verdicts: Sequence[AuditResult], missing: Sequence[AuditFinding], as_json: bool) -> None:
    consistent = not missing and all(verdict.is_consistent for verdict in verdicts)
    if as_json:
        whole = not missing and all(verdict.is_whole for verdict in verdicts)
        print_json(
            {
                "centres": [verdict.as_json() for verdict in verdicts],
                "findings": [vars(finding) for finding in missing],
                "consistent": consistent, "whole": whole,
            }
        )  # fmt: skip
    else:
        for finding in missing:
            note(f"✗ {finding.where}：{finding.what}")
        for verdict in verdicts:
            _show(verdict)
    if not consistent:
        raise typer.Exit(1)


def _show(verdict: AuditResult) -> None:
    for found in verdict.findings[:_SHOWN]:
        note(f"✗ {found.where}：{found.what}")
    if len(verdict.findings) > _SHOWN:
        note(f"…… 另有 {len(verdict.findings) - _SHOWN} 处，用 --json 查看全部")
    for text in verdict.notes:
        note(f"注：{text}")
    out.print(
        f"{verdict.centre} {verdict.month or '整个账本'}：{verdict.records:,} 条记录，"
        f"{verdict.batches:,} 批（站点代理签名 {verdict.agent_batches:,}），"
        f"{verdict.seals} 次封账（中心会签 {verdict.countersigned}），"
        f"现行 {verdict.card_seconds:,} 卡秒，未答复疑点 {verdict.open_flags}",
        markup=False,
    )
    if not verdict.is_consistent:
        out.print(f"有 {len(verdict.findings)} 处不符")
        return
    after = verdict.batches - verdict.shown_to
    until = f"；其后 {after:,} 批只由导出自己说明" if after > 0 else ""
    if verdict.is_whole:
        out.print(f"完整：没有发现改动；您另外持有的证据到第 {verdict.shown_to} 批{until}", markup=False)
        return
    out.print("自身一致，没有发现改动；没有证明的：", markup=False)
    for text in verdict.not_shown:
        out.print(f"  · {text}", markup=False)


def _show_proof(wrong: list[str], lines: int | None, as_json: bool) -> None:
    """`lines`: how many a sample has; None for the proof of one record."""
    if as_json:
        print_json({"whole": not wrong, "findings": wrong, **({} if lines is None else {"lines": lines})})
    else:
        for text in wrong[:_SHOWN]:
            note(f"✗ {text}")
        if lines is None:
            out.print("证明成立：这条记录在封账月里" if not wrong else "证明不成立")
        else:
            held = f"样本成立：{lines:,} 条都在封账月里，名次由种子算出，原始行相符"
            out.print(held if not wrong else f"样本有 {len(wrong)} 处不符", markup=False)
    if wrong:
        raise typer.Exit(1)
