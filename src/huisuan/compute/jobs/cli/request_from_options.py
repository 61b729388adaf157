"""A job as the command line gives it: a file in any format, or a command, and the options that go before it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.base.temporary import temporary_folder
from huisuan.client import Client
from huisuan.compute.jobs.workdirs.pack import pack
from huisuan.compute.jobspec.core.array_indices import parse_indices
from huisuan.compute.jobspec.core.parse_result import ParsedJob
from huisuan.compute.jobspec.core.request_rules import checked, duration_seconds
from huisuan.compute.jobspec.core.timestamps import parse_timestamp
from huisuan.compute.jobspec.detect import LARGEST_JOB_FILE, parse_job_file
from huisuan.protocol.resources import JobRequest
from huisuan.terminal import note, progress

STDIN = "-"


@dataclass(frozen=True)
class Planned:
    """What is to be submitted, and the folder to upload first, if any."""

    request: JobRequest
    folder: Path | None = None


def planned(file: str | None, form: str | None, command: Sequence[str], options: Mapping[str, Any]) -> Planned:
    """The job of a file or of a command; an option that is given goes before what the file says.

    Raises:
        Refused: the file cannot be read, or an option has not its form.
    """
    job = _of_file(file, form) if file else ParsedJob(JobRequest(command=list(command)))
    environment = dict(map(environment_pair, options["env"] or []))
    if missing := [name for name in job.wanted if name not in environment]:
        said = " ".join(f"--env {name}=值" for name in missing)
        raise InvalidRequest(
            f"文件没有给出 {'、'.join(missing)} 的值：请加 {said}（写 --env 名 则取本机的值）",
            code="job.variable_without_value",
        )
    given = {name: value for name, value in _given(options).items() if value is not None}
    environment = {**job.request.environment, **environment}
    request = checked(job.request.model_copy(update={**given, "environment": environment}))
    return Planned(request, _folder(options["workdir"], job, file))


def upload(client: Client, folder: Path, party: str | None) -> str:
    """Pack a folder and send it, unless the platform has it; its SHA-256."""
    with temporary_folder() as place:
        with progress(f"打包 {folder}（KiB）", None) as bar:
            packed = pack(folder, place / "workdir.tar.gz", _in_kib(bar.update, bar.task_ids[0]))
        if client.upload(packed.sha256):
            note(f"工作目录 {folder} 没有变（{packed.entries} 个文件），不必再传")
            return packed.sha256
        with progress("上传工作目录（KiB）", packed.size // 1024) as bar:
            client.send_upload(packed.file, party=party, on_progress=_in_kib(bar.update, bar.task_ids[0]))
        note(f"工作目录 {folder} 已上传：{packed.entries} 个文件，打包后 {packed.size / 2**20:,.1f} MiB")
        return packed.sha256


def _of_file(file: str, form: str | None) -> ParsedJob:
    name = "标准输入" if file == STDIN else file
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(LARGEST_JOB_FILE + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(LARGEST_JOB_FILE + 1)
    except OSError as error:
        hint = "；要运行的命令请写在 -- 之后" if not Path(file).exists() else ""
        raise Unavailable(f"读不了文件 {file}：{error.strerror or error}{hint}", code="file.unreadable") from None
    if len(content) > LARGEST_JOB_FILE:
        raise InvalidRequest(
            f"{name} 超过 {LARGEST_JOB_FILE // 1024} KiB：作业文件不装数据，请用 --workdir 上传",
            code="job.file_too_large",
        )
    try:
        return parse_job_file(content.decode("utf-8"), name, form)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        remedy = "请转成 UTF-8，例如 iconv -f GB18030 -t UTF-8"
        raise InvalidRequest(f"{name} 第 {line} 行：不是 UTF-8 文本；{remedy}", code="file.not_utf8") from None


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as fields of a request; None where one was not given."""
    models = [name for part in options["models"] or [] for name in part.split(",") if name.strip()]
    return {
        **{
            name: options[name]
            for name in ("name", "cards", "nodes", "retries", "image", "vendor", "centre", "city", "outputs")
        },
        "models": models or None,
        "min_memory_gib": options["min_memory"],
        "min_tflops_fp16": _decimal(options["min_tflops"]),
        "data_at": options["data_at"],
        "price_ceiling_fen": options["price_ceiling"],
        "deadline": parse_timestamp(options["deadline"]) if options["deadline"] else None,
        "time_limit_seconds": duration_seconds(options["time_limit"]) if options["time_limit"] is not None else None,
        "array": parse_indices(options["array"]) if options["array"] else None,
        "after": options["after"] or None,
        "notify_url": options["notify"],
        "party": options["party"],
        "project": options["project"],
    }


def _folder(given: Path | None, job: ParsedJob, file: str | None) -> Path | None:
    if given is not None or job.workdir is None:
        return given
    folder = Path(job.workdir).expanduser()
    # our own file's folder is meant from where the file lies, SkyPilot's from where the command is given
    ours = file not in (None, STDIN) and job.request.source_format == "huisuan"
    return Path(file or "").parent / folder if ours else folder


def environment_pair(text: str) -> tuple[str, str]:
    """Name and value of `--env NAME=VALUE`; of a name alone, the value that this machine has.

    Raises:
        InvalidRequest: this machine has no such variable.
    """
    name, separator, value = text.partition("=")
    if separator:
        return name, value
    if name not in os.environ:
        raise InvalidRequest(
            f"--env {text}：应写成 名=值；只写名则取本机的值，而本机没有这个变量", code="job.variable_without_value"
        )
    return name, os.environ[name]


def _decimal(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        raise InvalidRequest(
            f"--min-tflops {text}：应是数，例如 300 或 312.5", code="job.tflops_not_a_number"
        ) from None


def _in_kib(update: Callable[..., None], task: Any) -> Callable[[int], None]:
    return lambda done: update(task, completed=done // 1024)
