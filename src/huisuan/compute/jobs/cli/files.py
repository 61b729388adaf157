"""`huisuan job ls`, `get` and `cp`: files of a job, from the centre where they lie to here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.client import Client, Fetcher, FetchReport, FileSource, connect
from huisuan.compute.jobs.cli.completion import job_sources, job_uids
from huisuan.protocol.agent_files import Area
from huisuan.protocol.file_names import name_to_text
from huisuan.protocol.job_files import JobFiles
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

_KINDS = {"file": "文件", "folder": "文件夹", "link": "链接", "other": "特殊文件"}
RunOption = Annotated[int | None, typer.Option("--run", min=1, help="第几次运行（有重试时），从 1 起；默认最后一次")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="本地已有同名而内容不同的文件时覆盖")]
_Uid = Annotated[str, typer.Argument(metavar="作业号", help="见 huisuan job list", autocompletion=job_uids)]


def list_results(
    uid: _Uid,
    path: Annotated[str, typer.Argument(metavar="路径", help="其中的文件夹；不写则从头列")] = "",
    workdir: Annotated[bool, typer.Option("--workdir", help="看工作目录，而不是结果文件夹")] = False,
    deep: Annotated[bool, typer.Option("--recursive", "-R", help="连同下面所有的")] = False,
    run: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """列出作业的结果文件夹（或工作目录）：文件在智算中心，经站点代理查看。"""
    with connect() as client:
        area: Area = "workdir" if workdir else "outputs"
        asked = client.list_files(uid, path.strip("/"), area=area, deep=deep, run=_index(run), on_note=note)
        found = list(asked)
        about = None if workdir or as_json else client.job_files(uid)
    if as_json:
        print_json({"uid": uid, "area": area, "items": [entry.model_dump() for entry in found]})
        return
    rows = [
        {
            "kind": _KINDS[entry.kind],
            "size": entry.size if entry.kind == "file" else None,
            "modified_at": entry.modified_at,
            "path": f"{entry.path} → {entry.target}" if entry.kind == "link" else entry.path,
        }
        for entry in found
    ]
    columns = {"kind": "类型", "size": "字节", "modified_at": "修改于", "path": "路径"}
    print_table("文件", rows, columns, "没有文件")
    if about:
        _print_keeping(about)


def get(
    uid: _Uid,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="路径…", help="结果文件夹里的文件或文件夹；不写则全部")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="放到这个文件夹；默认当前目录下以作业号为名的")
    ] = None,
    run: RunOption = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """取回作业的结果：分段传，中断后再运行同一命令接着取，取完核对 SHA-256。"""
    wanted = [path.strip("/") for path in paths or [""]]
    with connect() as client:
        report = _fetched(
            client,
            FileSource(uid, "outputs", _index(run)),
            output or Path(uid),
            [(path, path) for path in wanted],
            overwrite,
        )
    _finish(uid, output or Path(uid), report, as_json)


def copy(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="作业号:路径…", help="工作目录里的文件或文件夹", autocompletion=job_sources),
    ],
    target: Annotated[Path, typer.Argument(metavar="目标", help="本地文件夹，或（只取一个文件时）新文件名")],
    run: RunOption = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """从作业的工作目录复制文件到本地，运行中也可以；作业结束后工作目录由中心清理，结果请用 job get。"""
    uid, paths = _sources(sources)
    into, name = (target, "") if target.is_dir() or len(paths) > 1 else (target.parent, target.name)
    pairs = [(path, name or path.rpartition("/")[2]) for path in paths]
    with connect() as client:
        report = _fetched(client, FileSource(uid, "workdir", _index(run)), into, pairs, overwrite)
    _finish(uid, into, report, as_json)


def find_in_log(uid: str, text: str, ignore_case: bool, as_json: bool) -> None:
    """Print the lines of a job's output that hold a text; exit code 1 where none does.

    Raises:
        Refused: there is no such job, or the text is none.
    """
    found = []
    with connect() as client:
        for line in client.search_log(uid, text, ignore_case=ignore_case):
            if as_json:
                found.append(line.model_dump())
            else:
                found.append({})
                out.print(f"{line.number}: {line.text}", markup=False)
    if as_json:
        print_json({"uid": uid, "items": found})
    if not found:
        raise typer.Exit(1)


def _sources(sources: list[str]) -> tuple[str, list[str]]:
    """The job and the paths that the sources name.

    Raises:
        InvalidRequest: one names no path, or they name several jobs.
    """
    pairs = [source.partition(":") for source in sources]
    for uid, colon, path in pairs:
        if not uid or not colon or not path.strip("/"):
            raise InvalidRequest(f"{uid}{colon}{path}：应写成 作业号:路径", code="files.source_malformed")
    uids = {uid for uid, _, _ in pairs}
    if len(uids) > 1:
        raise InvalidRequest("一次只能从一个作业复制：请分几次", code="files.several_jobs")
    return uids.pop(), [path.strip("/") for _, _, path in pairs]


def _fetched(
    client: Client, source: FileSource, target: Path, pairs: list[tuple[str, str]], overwrite: bool
) -> FetchReport:
    with progress("取回（KiB）", None) as bar:
        task, arrived = bar.task_ids[0], 0

        def told(count: int) -> None:
            nonlocal arrived
            arrived += count
            bar.update(task, completed=arrived // 1024)

        fetcher = Fetcher(
            client, source, target, overwrite=overwrite, on_progress=told,
            on_total=lambda size: bar.update(task, total=size // 1024),
        )  # fmt: skip
        return fetcher.fetch_to(pairs)


def _finish(uid: str, target: Path, report: FetchReport, as_json: bool) -> None:
    """Say what became of each, and fail where something is missing."""
    if as_json:
        print_json(
            {
                "uid": uid,
                "target": str(target),
                "files": [vars(file) for file in report.files],
                "skipped": [{"path": path, "why": why} for path, why in report.skipped],
                "failed": [{"path": path, "why": why, "code": code} for path, why, code in report.failed],
            }
        )
    else:
        words = {"fetched": "", "resumed": "（接着上次取的）", "unchanged": "（已有，相同）"}
        for file in report.files:
            out.print(f"{file.sha256}  {name_to_text(os.fsencode(file.local))}{words[file.how]}", markup=False)
        if not report.files and not report.failed:
            out.print("没有文件", markup=False)
    for path, why in report.skipped:
        note(f"没有取：{path} {why}")
    for _, why, _ in report.failed:
        note(f"错误：{why}")
    if report.failed:
        raise typer.Exit(1)


def _print_keeping(about: JobFiles) -> None:
    for kept in about.runs:
        day = f"{kept.kept_until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        over = "，超过中心的限额，只留一天" if kept.over_quota else ""
        extra = f"；{kept.note}" if kept.note else ""
        size = f"{kept.files:,} 个文件，{kept.size:,} 字节"
        out.print(
            f"第 {kept.run + 1} 次运行：{size}，{kept.centre} 保留到 {day}{over}{extra}",
            markup=False,
        )
    if not about.runs:
        out.print(f"{about.centre or '尚未调度'}：{about.why}", markup=False)


def _index(run: int | None) -> int | None:
    return None if run is None else run - 1
