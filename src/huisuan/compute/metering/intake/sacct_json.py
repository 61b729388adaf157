"""What `sacct --json` prints, as the fields of jobs: the table `field`. Pure.

Slurm 22.05's own shape and that of the newer data parsers, which wrap numbers and lists of states. Nobody's text can
break out of a JSON string, so a name is only a name. Each job is known by the line on which it begins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.compute.duck.source_lines import REPLACED, UTF8_BOM, SourceLines
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.sacct_text import FIELDS_READ
from huisuan.compute.sacct.export import COMMAND

_MOST_BYTES = 1 << 29  # a job is kilobytes in JSON, and the whole text is held: more than that comes as text
SPACE = re.compile(r"[ \t\r\n]*")
LIVE_BESIDE = ("COMPLETING", "RUNNING", "SUSPENDED", "REQUEUE_HOLD", "SPECIAL_EXIT")
BIGGEST = 1 << 53
PASTED = "文件像是几份拼接的，没有导入任何作业；请分开导入"
_JsonJob = dict[str, Any]


def is_json(source: SourceLines) -> bool:
    """Whether the file is JSON rather than text."""
    return bytes(source.content[:64]).removeprefix(UTF8_BOM).lstrip()[:1] in (b"{", b"[")


def parse_json(parsed: ParsedFile, source: SourceLines) -> None:
    """Fill `field`, and name in `fault` what is no job of sacct's.

    Raises:
        InvalidRequest: it is not what `sacct --json` prints, or is too big to be read in this form.
    """
    if len(source.content) > _MOST_BYTES:
        raise InvalidRequest(
            f"{source.name}: JSON 超过 {_MOST_BYTES >> 20} MiB；请改用文本导出：\n{COMMAND}",
            code="sacct.json_too_large",
        )
    text = bytes(source.content).decode("utf-8-sig", "replace")
    rows: list[list[str | int]] = []
    faults: list[tuple[int, str]] = []
    line, reached, steps = 1, 0, 0
    for at, job in _jobs(text, source.name):
        before, line, reached = line, line + text.count("\n", reached, at), at
        if rows and line == before:
            raise InvalidRequest(
                f"{source.name} 行 {line}: 一行里有几个作业，记录无法指回它的原始行；"
                "请先 python3 -m json.tool 排成多行，或改用文本导出",
                code="sacct.json_jobs_on_one_line",
            )
        fields = _fields(job) if isinstance(job, dict) else "不是一个作业"
        if isinstance(fields, str):
            faults.append((line, f"{fields}；这不像 sacct --json 的输出，请用以下命令导出：\n{COMMAND}"))
            continue
        steps += len(job["steps"]) if isinstance(job.get("steps"), list) else 0
        ends = text.find("\n", at)
        raw = text[text.rfind("\n", 0, at) + 1 : ends if ends >= 0 else len(text)]
        sha = source.replaced.get(line) or text_sha256(raw)
        rows.append([line, fields["JobIDRaw"], *(fields[name] for name in FIELDS_READ), sha])
    _store(parsed, rows, faults, steps)


def _store(parsed: ParsedFile, rows: list[list[str | int]], faults: list[tuple[int, str]], steps: int) -> None:
    names = ["line_no", "job_id", *(f"{name}_" for name in FIELDS_READ), "raw_sha256"]
    types = [pa.int64(), *[pa.string()] * (len(names) - 1)]
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(types)]
    parsed.con.register("json_job", pa.table(columns, names=names))
    parsed.con.execute("CREATE TABLE field AS SELECT * FROM json_job")
    parsed.con.unregister("json_job")
    if faults:
        parsed.con.executemany("INSERT INTO fault VALUES (?, ?)", [list(fault) for fault in faults])
    parsed.con.execute(
        "INSERT INTO line_count VALUES ('lines', ?), ('steps', ?)", [len(rows) + len(faults) + steps, steps]
    )


class _Scanner:
    """A place in a JSON text, which moves on value by value."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.decoder = text, 0, json.JSONDecoder()

    @property
    def sign(self) -> str:
        """The character here.

        Raises:
            IndexError: the text is over.
        """
        return self.text[self.at]

    def skip(self, signs: int = 0) -> None:
        """Past so many characters, and then past white space."""
        match = SPACE.match(self.text, self.at + signs)
        self.at = match.end() if match else self.at + signs

    def skip_comma(self) -> None:
        """Past a comma, if there is one, and white space around it."""
        self.skip()
        if self.sign == ",":
            self.skip(1)

    def value(self) -> Any:
        """The value that begins here.

        Raises:
            ValueError: there is none.
        """
        value, self.at = self.decoder.raw_decode(self.text, self.at)
        return value

    def place(self, name: str) -> str:
        """Where this is, for a message."""
        return f"{name} 行 {self.text.count(chr(10), 0, self.at) + 1}"


def _jobs(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Where each of `jobs` begins, and what it is."""
    scanner, found = _Scanner(text), False
    try:
        scanner.skip()
        if scanner.sign != "{":
            raise _without_jobs(name)
        scanner.skip(1)
        while scanner.sign != "}":
            key = scanner.value()
            scanner.skip()
            scanner.skip(1)  # the colon
            if key == "jobs" and found:
                raise _concatenated(f"{scanner.place(name)}: JSON 里有两个 jobs")
            if key == "jobs" and scanner.sign == "[":
                found = True
                yield from _list_items(scanner)
            else:
                scanner.value()
            scanner.skip_comma()
        scanner.skip(1)
        if scanner.at < len(text):
            raise _concatenated(f"{scanner.place(name)}: JSON 之后还有内容")
    except (ValueError, IndexError, RecursionError):
        raise InvalidRequest(
            f"{scanner.place(name)}: JSON 不完整或已损坏，没有导入任何作业；请重新导出：\n{COMMAND}",
            code="sacct.json_damaged",
        ) from None
    if not found:
        raise _without_jobs(name)


def _list_items(scanner: _Scanner) -> Iterator[tuple[int, Any]]:
    scanner.skip(1)
    while scanner.sign != "]":
        begins = scanner.at
        yield begins, scanner.value()
        scanner.skip_comma()
    scanner.at += 1


def _without_jobs(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name} 行 1: JSON 里没有 jobs，不是 sacct --json 的输出；请用以下命令导出：\n{COMMAND}",
        code="sacct.json_without_jobs",
    )


def _concatenated(where: str) -> InvalidRequest:
    return InvalidRequest(f"{where}，{PASTED}", code="sacct.json_concatenated")


def _fields(job: _JsonJob) -> dict[str, str] | str:
    """A job as sacct's columns say it; why not, where it says too little."""
    time, tres, state = job.get("time"), job.get("tres"), job.get("state")
    missing = [
        key
        for key, there in (
            ("job_id", _number(job.get("job_id")) is not None),
            ("time.start、time.end", isinstance(time, dict) and {"start", "end"} <= time.keys()),
            ("tres.allocated", isinstance(tres, dict) and isinstance(tres.get("allocated"), list)),
            ("state.current", isinstance(state, dict) and bool(state.get("current"))),
        )
        if not there
    ]
    if missing or not (isinstance(time, dict) and isinstance(tres, dict) and isinstance(state, dict)):
        return f"JSON 里的作业缺少 {'、'.join(missing)}"
    number, association = str(_number(job["job_id"])), _part(job, "association")
    fields = {
        "JobIDRaw": number,
        "JobID": _array_id(_part(job, "array")) or number,
        "Cluster": _text(job.get("cluster")) or _text(association.get("cluster")),
        "User": _text(job.get("user")) or _text(association.get("user")),
        "Account": _text(job.get("account")) or _text(association.get("account")),
        "Partition": _text(job.get("partition")),
        "State": _state(state["current"]),
        "Submit": _format_time(time.get("submission")),
        "Start": _format_time(time["start"]),
        "End": _format_time(time["end"]),
        "ElapsedRaw": _format_number(time.get("elapsed")),
        "Suspended": _duration(_number(time.get("suspended")) or 0),
        "AllocTRES": _tres(tres["allocated"]),
        "ReqTRES": _tres(tres.get("requested")),
        "NNodes": _format_number(job.get("allocation_nodes")),
        "NodeList": _text(job.get("nodes")),
        "ExitCode": _exit_code(_part(job, "exit_code")),
        "Restarts": _format_number(job.get("restart_cnt")),
    }
    for name, value in fields.items():
        if "\0" in value or value != value.encode("utf-8", "replace").decode():
            return f"列 {name} 含有不是文字的字符"
    name = _text(job.get("name")).replace("\0", REPLACED)
    return fields | {"JobName": name.encode("utf-8", "replace").decode()}


def _part(job: _JsonJob, key: str) -> _JsonJob:
    part = job.get(key)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    """A number, bare as in 22.05 or wrapped as in newer versions; None where it is not set."""
    if isinstance(value, dict):
        value = value.get("number") if value.get("set", True) and not value.get("infinite") else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < BIGGEST else None


def _format_number(value: object) -> str:
    number = _number(value)
    return "" if number is None else str(number)


def _format_time(value: object) -> str:
    return str(_number(value) or "Unknown")


def _duration(seconds: int) -> str:
    return f"{seconds // 86_400}-{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _state(current: object) -> str:
    """One word; newer versions give a list, the state itself first and beside it what goes on."""
    words = [_text(word) for word in current] if isinstance(current, list) else [_text(current)]
    return next((word for word in words if word in LIVE_BESIDE), words[0])


def _array_id(array: _JsonJob) -> str:
    job, task = _number(array.get("job_id")), _number(array.get("task_id"))
    return f"{job}_{task}" if job and task is not None else ""


def _tres(parts: object) -> str:
    """As AllocTRES writes it."""
    parts_found = []
    for part in parts if isinstance(parts, list) else []:
        count = _number(part.get("count")) if isinstance(part, dict) else None
        if count is not None:
            kind, name = _text(part.get("type")), _text(part.get("name"))
            parts_found.append(f"{kind}/{name}={count}" if name else f"{kind}={count}")
    return ",".join(parts_found)


def _exit_code(code: _JsonJob) -> str:
    returned, signal = _number(code.get("return_code")), _part(code, "signal")
    number = _number(signal.get("signal_id")) or _number(signal.get("id"))
    return "" if returned is None and not code else f"{returned or 0}:{number or 0}"
