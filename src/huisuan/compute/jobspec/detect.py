"""The format of a job file, recognised by its content, and the job it asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobspec.core.parse_result import Fault, FilePlace, FileRefused, ParsedJob, ParseReport, on_one_line
from huisuan.compute.jobspec.core.yaml_tree import YamlNode, documents
from huisuan.compute.jobspec.huisuan import job_file as huisuan
from huisuan.compute.jobspec.kubernetes import job as kubernetes
from huisuan.compute.jobspec.sbatch import script as sbatch
from huisuan.compute.jobspec.skypilot import task as skypilot

Format = Literal["huisuan", "sbatch", "skypilot", "kubernetes"]
JOB_FORMATS: tuple[Format, ...] = ("huisuan", "sbatch", "skypilot", "kubernetes")
LARGEST_JOB_FILE = 256 * 1024
#: lines by which other schedulers know their scripts
OTHER_SCRIPTS = {
    "#PBS": "PBS", "#BSUB": "LSF", "#DSUB": "Donau", "#$ ": "Grid Engine", "#COBALT": "Cobalt",
}  # fmt: skip
_SHARED_KEYS = {"name", "workdir", "outputs"}
ONLY_HUISUAN = frozenset(huisuan.JobFile.model_fields) - _SHARED_KEYS
ONLY_SKYPILOT = (
    frozenset(skypilot.TASK_KEYS) | skypilot.NOTED_TASK_KEYS.keys() | skypilot.REFUSED_TASK_KEYS.keys()
) - _SHARED_KEYS
_ACCEPTED = (
    "可用的格式：惠算 YAML（command 或 script）、#SBATCH 脚本、SkyPilot 任务、"
    "Kubernetes batch/v1 Job、Volcano Job、PyTorchJob"
)


def parse_job_file(text: str, name: str, form: str | None = None) -> ParsedJob:
    """The job that a file asks for; `name` is what errors call the file, `form` its format where it is known.

    Raises:
        FileRefused: what is wrong with it, each at its line and column.
        InvalidRequest: there is no such format.
    """
    if form is not None and form not in JOB_FORMATS:
        raise InvalidRequest(f"格式 {form}：只能是 {'、'.join(JOB_FORMATS)}", code="job_file.format_unknown")
    report = ParseReport(name)
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
        report.note("换行符 CRLF 已改成 LF")
    text = text.removeprefix("\ufeff")
    _whole(text, name)
    if form == "sbatch" or (form is None and _is_script(text)):
        _no_other_scheduler(text, name)
        return sbatch.parse_sbatch_script(text, report)
    read_documents = documents(text, name)
    if not read_documents:
        raise _refused(name, f"文件里只有注释或空行。{_ACCEPTED}")
    form = form or _yaml_format(read_documents, name)
    if form == "kubernetes":
        return kubernetes.parse_kubernetes_job(read_documents, report)
    if len(read_documents) > 1:
        raise _refused(name, _several(read_documents, form), read_documents[1].at)
    (document,) = read_documents
    if document.fields is None:
        raise _refused(name, f"应是键值对，看到的是{document.kind}。{_ACCEPTED}", document.at)
    return (
        huisuan.parse_huisuan_job(document, report)
        if form == "huisuan"
        else skypilot.parse_skypilot_task(document, report)
    )


def _is_script(text: str) -> bool:
    return text.startswith("#!") or re.search(r"^#SBATCH\s", text, re.MULTILINE) is not None


def _whole(text: str, name: str) -> None:
    if not text.strip():
        raise _refused(name, f"文件是空的。{_ACCEPTED}")
    if len(text.encode(errors="surrogatepass")) > LARGEST_JOB_FILE:
        raise _refused(name, f"文件超过 {LARGEST_JOB_FILE // 1024} KiB：作业文件不装数据，请放进工作目录")
    if "\0" in text:
        at = text[: text.index("\0")]
        place = FilePlace(at.count("\n") + 1, len(at) - at.rfind("\n"))
        raise _refused(name, f"含有 NUL 字节，不是文本文件。{_ACCEPTED}", place)


def _no_other_scheduler(text: str, name: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#SBATCH"):
            return
        for mark, scheduler in OTHER_SCRIPTS.items():
            if line.startswith(mark):
                why = f"这是 {scheduler} 的脚本：请把 {mark.strip()} 的选项改写成 #SBATCH。{_ACCEPTED}"
                raise _refused(name, why, FilePlace(number))


def _yaml_format(found: list[YamlNode], name: str) -> Format:
    for document in found:
        if document.fields is not None and document.fields.keys() >= {"apiVersion", "kind"}:
            return "kubernetes"
    first = found[0]
    if first.fields is None:
        raise _refused(name, f"看到的是{_what(first)}，不是作业文件。{_ACCEPTED}", first.at)
    if _is_pipeline(found):
        return "skypilot"
    keys = set(first.fields)
    ours, theirs = keys & ONLY_HUISUAN, keys & ONLY_SKYPILOT
    if ours and theirs:
        mixed = f"既有惠算的键（{_listed(ours)}），又有 SkyPilot 的键（{_listed(theirs)}）"
        raise _refused(name, f"{mixed}：请只用一种格式，或用 --format 说明", first.key_at(sorted(theirs)[0]))
    if ours:
        return "huisuan"
    if theirs:
        return "skypilot"
    raise _refused(name, f"看到的键有 {_listed(keys)}，不属于任何一种作业格式。{_ACCEPTED}", first.at)


def _is_pipeline(found: list[YamlNode]) -> bool:
    """Whether it is a SkyPilot pipeline: a header with its name, then a task in each document."""
    header, tasks = found[0].fields or {}, [document.fields or {} for document in found[1:]]
    return bool(tasks) and header.keys() <= {"name", "execution"} and all(task.keys() & ONLY_SKYPILOT for task in tasks)


def _several(found: list[YamlNode], form: str) -> str:
    """What to do with a file of several documents; SkyPilot's pipelines are named as such."""
    if form == "skypilot" and _is_pipeline(found):
        return (
            f"这是 SkyPilot 的流水线（{len(found) - 1} 个任务）：请把每个任务存成一个文件分别提交，"
            "后一个用 --after 写前一个的作业号"
        )
    return "一个文件里有几份文档（---）：请分成几个文件提交，先后用 --after"


def _what(node: YamlNode) -> str:
    return f"{node.kind}“{on_one_line(node.text, 40)}”" if node.text is not None else node.kind


def _listed(keys: Iterable[str]) -> str:
    listed = sorted(keys)
    return "、".join(on_one_line(key, 30) for key in listed[:8]) + ("……" if len(listed) > 8 else "")


def _refused(name: str, text: str, at: FilePlace | None = None) -> FileRefused:
    return FileRefused(name, [Fault(at or FilePlace(), text)])
