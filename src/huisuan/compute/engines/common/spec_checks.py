"""What no engine can start. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.compute.engines.interface import JobSpec


def check_program(job: JobSpec) -> None:
    """Refuse a run that has no one program, or whose words no program can be given.

    Raises:
        ValueError: says what and why.
    """
    if bool(job.command) == bool(job.script):
        raise ValueError("作业要么有 command，要么有 script，不能都有或都没有")
    if job.script and not job.script.startswith("#!"):
        raise ValueError("脚本的第一行应是 #!，例如 #!/bin/bash")
    for place, text in enumerate(job.command, 1):
        _whole(f"命令的第 {place} 个词", text)
    _whole("脚本", job.script)
    for key, value in job.environment.items():
        if not key or "=" in key:
            raise ValueError(f"环境变量名 {key!r} 不能为空，也不能含等号")
        _whole(f"环境变量 {key}", key + value)


def _whole(what: str, text: str) -> None:
    if "\0" in text:
        raise ValueError(f"{what}里有 NUL 字符，任何程序都收不到它")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{what}里的第 {error.start + 1} 个字符不是合法的 Unicode") from None


def check_options(engine: str, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Refuse an option that the engine does not have: a misspelt one would be passed over in silence.

    Raises:
        ValueError: names it, and those there are.
    """
    if unknown := sorted(set(given) - set(known)):
        there = "；".join(f"{name}（{text}）" for name, text in known.items())
        raise ValueError(f"{engine} 引擎没有选项 {'、'.join(unknown)}；可用的有：{there}")
