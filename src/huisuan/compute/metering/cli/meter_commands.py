"""`huisuan meter`: check the ledger, seal months, export, prove; verify an export anywhere, without the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.compute.metering.cli.register_command import print_register
from huisuan.compute.metering.cli.verify_command import verify
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

app = typer.Typer()
app.command("register")(print_register)
app.command()(verify)

_PROVINCE = "省专班（本机命令行）"
_CentreCode = Annotated[str, typer.Argument(metavar="CENTRE", help="中心代码")]
MonthArgument = Annotated[str | None, typer.Argument(metavar="[MONTH]", help="月份，如 2024-03（北京时间）")]
_SHOWN = 50
FLAG_COLUMNS = {
    "id": "编号",
    "centre": "中心",
    "kind_zh": "疑点",
    "text": "说明",
    "flagged_at": "发现于",
    "answer": "答复",
}
SEAL_COLUMNS = {
    "month": "月份", "records": "记录", "late": "其中迟到", "card_seconds": "卡秒", "root": "默克尔根",
    "sealed_at": "封账于", "signed": "中心签名",
}  # fmt: skip


@app.command()
def check(
    code: _CentreCode,
    month: MonthArgument = None,
    sacct: Annotated[Path | None, typer.Option(help="再与调度器的记账文件对照（只读，不导入）")] = None,
    as_json: AsJson = False,
) -> None:
    """查漏：序号与批次有无缺口，运行过的作业有无记录，记录有无调度，疑点答复了没有；有缺漏以 1 退出。"""
    from huisuan.base.months import Month
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.metering.checks.completeness import check_completeness as look

    now = datetime.now(UTC)
    report = look(centre_by_code(code), Month.parse(month) if month else None, now)
    differences = _against(code, sacct, now) if sacct else []
    if as_json:
        print_json({**report.as_json(), "accounting": differences})
    else:
        for text in differences:
            note(f"✗ {text}")
        for text in [*report.gaps, *(doubt.text for doubt in report.doubts)][:_SHOWN]:
            note(f"✗ {text}")
        out.print(
            f"{report.records:,} 条记录，{report.batches:,} 批，{report.runs:,} 次运行；"
            f"缺口 {len(report.gaps)}，疑点 {len(report.doubts)}，未答复 {report.open_flags}",
            markup=False,
        )
        if report.unsigned:
            note(f"尚无中心签名的封账月：{'、'.join(report.unsigned)}")
    if differences or not report.is_whole:
        raise typer.Exit(1)


def _against(code: str, path: Path, now: datetime) -> list[str]:
    """Where a scheduler's accounting file says otherwise than the records."""
    from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
    from huisuan.parties.cli.party_commands import read_file

    content, name = read_file(str(path))
    found = import_usage(code, UsageFile(content, name, "sacct"), now, dry_run=True)
    missing = found.new - found.superseding
    differences = [f"{name}：{missing:,} 次运行没有记录；huisuan usage import 可以补上"] if missing else []
    differences += [f"{name}：{found.superseding:,} 次运行与记录不同；再导入一次即更正"] if found.superseding else []
    differences += [f"{name}：{text}" for text in found.doubts]
    differences += [f"{name} 行 {line}：{reason}" for line, reason in found.refused]
    return differences + found.own_doubts


@app.command()
def flags(
    code: Annotated[str | None, typer.Argument(metavar="[CENTRE]", help="中心代码；不写则所有中心")] = None,
    every: Annotated[bool, typer.Option("--all", help="连同已经答复的")] = False,
    as_json: AsJson = False,
) -> None:
    """列出疑点：没有调度过的作业、卡数不符、超出容量、时钟、断号、缺记录……原始行都留着。"""
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.metering.checks.flags import flag_to_dict
    from huisuan.compute.models import MeterFlag

    found = MeterFlag.objects.select_related("centre").order_by("centre__code", "flagged_at", "id")
    if code is not None:
        found = found.filter(centre=centre_by_code(code))
    rows = [flag_to_dict(flag) for flag in (found if every else found.filter(answered_at__isnull=True))]
    if as_json:
        print_json(rows)
    else:
        print_table("疑点", rows, FLAG_COLUMNS, "没有未答复的疑点")


@app.command()
def answer(
    number: Annotated[int, typer.Argument(metavar="FLAG", help="疑点编号，见 huisuan meter flags")],
    text: Annotated[str, typer.Argument(help="查到了什么，如何处理")],
    accept: Annotated[bool, typer.Option("--accept", help="接受等待确认的更正：追加一条更正的记录")] = False,
    as_json: AsJson = False,
) -> None:
    """答复一个疑点；答复与疑点一起保留，并随导出交给审计。变小、清空或换主的更正要 --accept 才生效。"""
    from huisuan.compute.metering.checks.flags import flag_to_dict
    from huisuan.compute.metering.imports.pending_corrections import resolve_flag as settle

    flag = settle(number, text, _PROVINCE, datetime.now(UTC), accept=accept)
    if as_json:
        print_json(flag_to_dict(flag))
    else:
        note(f"疑点 {number} 已答复")


@app.command()
def seal(
    code: _CentreCode,
    month: Annotated[str, typer.Argument(metavar="MONTH", help="要封的月份，如 2024-03（北京时间）")],
    through: Annotated[bool, typer.Option("--through", help="从下一个该封的月一直封到这个月")] = False,
    despite: Annotated[str, typer.Option(help="尽管有未答复的疑点也要封的理由；写进封账书")] = "",
    as_json: AsJson = False,
) -> None:
    """封账：这个月的记录写成 Parquet，求默克尔根，平台签名；中心的站点代理核对后会签。封过的月不再变。"""
    from huisuan.base.months import Month
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.metering.seals.queries import seal_to_dict
    from huisuan.compute.metering.seals.seal_month import next_month_to_seal
    from huisuan.compute.metering.seals.seal_month import seal_month as close

    wanted = Month.parse(month)
    due = (next_month_to_seal(centre_by_code(code)) or wanted) if through else wanted
    made: list[Any] = []
    while not made or due <= wanted:
        with progress(f"封账 {due}", None):
            made.append(close(code, due, by=_PROVINCE, now=datetime.now(UTC), despite=despite))
        due = due.following
    rows = [seal_to_dict(sealed) for sealed in made]
    if as_json:
        print_json(rows)
    else:
        _show_seals(rows)


@app.command()
def seals(code: _CentreCode, as_json: AsJson = False) -> None:
    """列出封账月：记录数、卡秒、默克尔根、双方签名。"""
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.metering.seals.queries import list_seals, seal_to_dict

    rows = [seal_to_dict(seal) for seal in list_seals(centre_by_code(code))]
    if as_json:
        print_json(rows)
    else:
        _show_seals(rows)


def _show_seals(rows: list[dict[str, Any]]) -> None:
    shown = [{**row, "signed": bool(row["countersignature"])} for row in rows]
    print_table("封账月", shown, SEAL_COLUMNS, "还没有封过账：huisuan meter seal CENTRE MONTH")


@app.command()
def export(
    code: _CentreCode,
    folder: Annotated[Path, typer.Argument(help="写到哪个目录（新的或空的）")],
    month: Annotated[str | None, typer.Option(help="只导出这个封账月")] = None,
    as_json: AsJson = False,
) -> None:
    """导出账本：记录、批次链、原始行、封账书、疑点与答复；交给谁，谁都能用 huisuan meter verify 离线核对。"""
    from huisuan.base.months import Month
    from huisuan.compute.metering.exports.evidence_bundle import export_ledger as write

    with progress("导出", None):
        manifest = write(code, folder, Month.parse(month) if month else None, datetime.now(UTC))
    if as_json:
        print_json(manifest)
    else:
        note(f"已写到 {folder}：{'、'.join(manifest['files'])}")
        note(f"离线核对：huisuan meter verify {folder} --platform-key {manifest['platform_key']}")


@app.command()
def proof(
    code: _CentreCode,
    sequence: Annotated[int, typer.Argument(metavar="SEQUENCE", help="用量记录的序号")],
    as_json: AsJson = False,
) -> None:
    """一条记录在封账月里的证明：记录、到默克尔根的路径、签过名的封账书。--json 存成文件，meter verify 可离线核对。"""
    from huisuan.compute.centres.services import centre_by_code
    from huisuan.compute.metering.seals.queries import prove_record as prove

    given = prove(centre_by_code(code), sequence)
    if as_json:
        print_json(given)
        return
    out.print(f"第 {sequence} 条：叶 {given['leaf']}，{given['size']:,} 条中第 {given['index'] + 1:,} 条", markup=False)
    for step in given["path"]:
        out.print(f"  ⊕ {step}", markup=False)
    out.print(f"封账书：{given['seal']['statement']}", markup=False)


@app.command()
def key(as_json: AsJson = False) -> None:
    """平台的公钥：收据与封账都由它签名；审计记下它，以后核对导出时用 --platform-key 指定。"""
    from huisuan.compute.keys import platform_key as keys

    if as_json:
        print_json({"platform_key": keys.public()})
    else:
        out.print(keys.public(), markup=False)
