"""`huisuan backup` and `huisuan restore`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import NotFound
from huisuan.terminal import AsJson, note, out, print_json, progress

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="备份文件")]


def backup(
    file: BackupFile,
    verify: Annotated[bool, typer.Option("--verify", help="只核对这份备份是否完好，不需要数据库")] = False,
    as_json: AsJson = False,
) -> None:
    """备份整个平台到一个文件：数据库、佐证材料、封账、参数、密钥；平台可以照常运行。"""
    manifest = _verified(file) if verify else _made(file)
    shown = {key: value for key, value in manifest.items() if key not in ("members", "migrations")}
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size, **shown})
        return
    done = "完好" if verify else "已写好"
    out.print(
        f"备份 {file} {done}：{file.stat().st_size:,} 字节，{manifest['made_at']} 的状态，"
        f"用量记录 {manifest['records']:,} 条，结算 {manifest['settlement_runs']} 次", markup=False,
    )  # fmt: skip
    if manifest.get("resumed_files"):
        note(
            f"接着上次中断的备份写：{manifest['resumed_files']:,} 个文件（{manifest['resumed_bytes']:,} 字节）"
            "已在其中并逐个核对过；数据库、参数和密钥重新写入"
        )
    for name in manifest["from_environment"]:
        note(f"注意：{name} 来自环境变量，不在备份里，请另外保管")


def restore(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="备份文件")] = None,
    let_go: Annotated[
        bool, typer.Option("--release", help="恢复之后：备份时在等待的作业已核对没有在别处运行，照常调度")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """把一份备份恢复到空的数据目录（DATABASE_URL 指定的库也须是空的）；--release 放行恢复前等待的作业。"""
    if let_go and file is None:
        _release(as_json)
        return
    if file is None or let_go:
        raise typer.BadParameter("请写备份文件，或只写 --release")
    from huisuan.base.paths import home
    from huisuan.serving.backup.restoring import refuse_unless_empty, restore_backup

    refuse_unless_empty(home())
    if not file.is_file():
        raise NotFound(f"没有文件 {file}", code="file.unknown")
    with progress("恢复", 2 * file.stat().st_size) as bar:
        manifest = restore_backup(
            file.resolve(), datetime.now(UTC), lambda count: bar.advance(bar.task_ids[0], count), note
        )
    if as_json:
        print_json({"home": str(home()), "made_at": manifest["made_at"], "heads": manifest["heads"]})
        return
    out.print(f"已恢复到 {home()}：{manifest['made_at']} 的状态，用量记录 {manifest['records']:,} 条", markup=False)
    note("下一步：huisuan up；然后 huisuan meter verify，并按 docs/operating.md 的“恢复演练”核对")


def _release(as_json: bool) -> None:
    from huisuan.serving.database import prepare_database

    prepare_database()
    from huisuan.compute.centres.restoration import release

    count = release(datetime.now(UTC))
    if as_json:
        print_json({"released": count})
        return
    out.print("已放行：等待的作业照常调度" if count else "没有待放行的恢复", markup=False)


def _made(file: Path) -> dict[str, Any]:
    from huisuan.serving.backup.making import check_space, create_backup
    from huisuan.serving.database import prepare_database

    prepare_database()
    needed = check_space(file.resolve())
    try:
        with progress("备份", needed) as bar:
            return create_backup(file.resolve(), datetime.now(UTC), lambda count: bar.advance(bar.task_ids[0], count))
    except KeyboardInterrupt:
        note(f"备份中断：已写的部分留在 {file}.part，再运行一次会核对并接着写")
        raise


def _verified(file: Path) -> dict[str, Any]:
    from huisuan.serving.backup.archive import read_backup

    if not file.is_file():
        raise NotFound(f"没有文件 {file}", code="file.unknown")
    with progress("核对", file.stat().st_size) as bar:
        return read_backup(file, lambda count: bar.advance(bar.task_ids[0], count))
