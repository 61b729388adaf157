"""Whether a job that someone asks for has the form of one: bounds and names, before any database is asked."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

from huisuan.client.wire import JobRequest
from huisuan.console import Refused

MOST_CARDS = 100_000
MOST_WORDS = 1_000
MOST_BYTES = 64 * 1024  # of a command, or of an environment
MOST_VARIABLES = 200
LONGEST_NAME = 120
LONGEST_TIME = 30 * 24 * 3600
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
OURS = "HUISUAN_"
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)


def duration_seconds(text: str) -> int:
    """Seconds of a duration such as 90, 90s, 15m, 1h30m or 2d.

    Raises:
        Refused: it is none.
    """
    found = DURATION.fullmatch(text.strip())
    if not found or not text.strip() or len(text) > 20:
        raise Refused(f"时限 {text!r}：应形如 90s、15m、1h30m、2d 或秒数")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def checked(asked: JobRequest) -> JobRequest:
    """The request, with a name if it had none.

    Raises:
        Refused: a part of it is out of bounds; says which and the rule.
    """
    _command(asked.command)
    _environment(asked.environment)
    if not 1 <= asked.cards <= MOST_CARDS:
        raise Refused(f"卡数 {asked.cards}：应在 1 至 {MOST_CARDS} 之间")
    if not 1 <= asked.time_limit_seconds <= LONGEST_TIME:
        raise Refused(f"时限 {asked.time_limit_seconds} 秒：应在 1 秒至 {LONGEST_TIME // 86400} 天之间")
    name = asked.name.strip() or PurePath(asked.command[0]).name[:LONGEST_NAME]
    _text("作业名", name)
    if len(name) > LONGEST_NAME or any(unicodedata.category(sign).startswith("C") for sign in name):
        raise Refused(f"作业名应为 1 至 {LONGEST_NAME} 个字，不含控制字符")
    return asked.model_copy(update={"name": name})


def _command(words: list[str]) -> None:
    if not words or not words[0]:
        raise Refused("没有命令：请在 -- 之后写出要运行的程序和参数")
    if len(words) > MOST_WORDS:
        raise Refused(f"命令有 {len(words)} 个词，最多 {MOST_WORDS} 个")
    size = sum(_text(f"命令的第 {number} 个词", word) for number, word in enumerate(words, start=1))
    if size > MOST_BYTES:
        raise Refused(f"命令共 {size} 字节，最多 {MOST_BYTES} 字节：请把长内容放进文件")


def _environment(environment: dict[str, str]) -> None:
    if len(environment) > MOST_VARIABLES:
        raise Refused(f"环境变量有 {len(environment)} 个，最多 {MOST_VARIABLES} 个")
    size = 0
    for name, value in environment.items():
        if not VARIABLE.fullmatch(name):
            raise Refused(f"环境变量名 {name!r}：只能用字母、数字和下划线，不以数字开头，至多 128 个字符")
        if name.startswith(OURS):
            raise Refused(f"环境变量名 {name}：{OURS} 开头的名字由平台使用")
        size += len(name) + _text(f"环境变量 {name} 的值", value)
    if size > MOST_BYTES:
        raise Refused(f"环境变量共 {size} 字节，最多 {MOST_BYTES} 字节")


def _text(what: str, text: str) -> int:
    """Bytes of the text.

    Raises:
        Refused: no program can be given it, or no database can keep it.
    """
    if "\0" in text:
        raise Refused(f"{what}含有 NUL 字节，任何程序都收不到它")
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Refused(f"{what}不是合法的 UTF-8 文本") from None
