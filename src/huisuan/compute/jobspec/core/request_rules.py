"""Whether a job request is valid: bounds and names, before any database is asked."""

from __future__ import annotations

import os
import re
import unicodedata
from decimal import Decimal
from pathlib import PurePath

from huisuan.base.errors import InvalidRequest
from huisuan.messages.webhook_address import LONGEST_WEBHOOK, webhook_address_fault
from huisuan.protocol.file_names import BadPath, path_to_names
from huisuan.protocol.resources import JobRequest

MOST_CARDS = 100_000
MOST_WORDS = 1_000
_MOST_BYTES = 64 * 1024  # of a command, of a script, or of an environment
MOST_VARIABLES = 200
_MOST_MODELS = 40
MOST_RETRIES = 20
MOST_IN_ARRAY = 10_000
MOST_ARRAY_INDEX = 1_000_000
MOST_ARRAY_BYTES = 128 * 1024 * 1024  # of what an array's jobs bring along, all together
MOST_DEPENDENCIES = 100
MOST_NOTES = 200
LONGEST_NAME = 120
LONGEST_IMAGE = 300
LONGEST_OUTPUTS = 400
LONGEST_NOTE = 500
LONGEST_TIME = 30 * 24 * 3600
HIGHEST_PRICE_FEN = 10_000_000
HIGHEST_TFLOPS = Decimal(1_000_000)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
UID = re.compile(r"[0-9a-z]{1,32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OURS = "HUISUAN_"
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)


def duration_seconds(text: str) -> int:
    """Seconds of a duration such as 90, 90s, 15m, 1h30m or 2d.

    Raises:
        InvalidRequest: it is none.
    """
    found = DURATION.fullmatch(text.strip())
    if not found or not text.strip() or len(text) > 20:
        raise InvalidRequest(f"时限 {text!r}：应形如 90s、15m、1h30m、2d 或秒数", code="job.duration_malformed")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def checked(asked: JobRequest) -> JobRequest:
    """The request in its one form: with a name, `model` among the `models`, indices and uids sorted and once each.

    Raises:
        InvalidRequest: a part of it is out of bounds; says which and the rule.
    """
    _what_runs(asked)
    _environment(asked.environment)
    _cards(asked)
    _where(asked)
    _between("时限", asked.time_limit_seconds, 1, LONGEST_TIME, "秒", f"至多 {LONGEST_TIME // 86400} 天")
    _between("重试次数", asked.retries, 0, MOST_RETRIES)
    _address(asked.notify_url)
    _notes(asked.notes)
    return asked.model_copy(
        update={
            "name": _name(asked),
            "model": None,
            "models": list(dict.fromkeys([*([asked.model] if asked.model else []), *asked.models])),
            "array": _array(asked),
            "after": _after(asked.after),
        }
    )


def _what_runs(asked: JobRequest) -> None:
    if asked.command and asked.script:
        raise InvalidRequest("命令与脚本只能有一个：请去掉 command 或 script", code="job.command_and_script")
    if asked.script:
        if not asked.script.startswith("#!"):
            raise InvalidRequest(
                "脚本的第一行应是 #! 加解释器，例如 #!/bin/bash", code="job.script_without_interpreter"
            )
        _bytes("脚本", asked.script, _MOST_BYTES, "请把长内容放进工作目录里的文件")
    else:
        _command(asked.command)
    if asked.image and (len(asked.image) > LONGEST_IMAGE or not re.fullmatch(r"[A-Za-z0-9][!-~]*", asked.image)):
        raise InvalidRequest(
            f"镜像 {_shown(asked.image)}：应是至多 {LONGEST_IMAGE} 个可见字符，以字母或数字开头，不含空格",
            code="job.image_malformed",
        )
    _outputs(asked.outputs)
    if asked.workdir is not None and not _SHA256.fullmatch(asked.workdir):
        raise InvalidRequest(
            "工作目录 workdir：应是上传后得到的 SHA-256（64 个十六进制字符）", code="job.workdir_malformed"
        )


def _outputs(folder: str) -> None:
    try:
        names = path_to_names(folder)
    except BadPath as problem:
        raise InvalidRequest(
            f"结果文件夹 outputs：{problem}；应是工作目录里的相对路径，例如 results", code="job.outputs_malformed"
        ) from None
    if len(folder) > LONGEST_OUTPUTS or any(_has_control(os.fsdecode(name)) for name in names):
        raise InvalidRequest(
            f"结果文件夹 outputs：至多 {LONGEST_OUTPUTS} 个字，不含控制字符", code="job.outputs_malformed"
        )


def _command(words: list[str]) -> None:
    if not words or not words[0]:
        raise InvalidRequest("没有命令：请在 -- 之后写出要运行的程序和参数，或给出脚本", code="job.command_missing")
    if len(words) > MOST_WORDS:
        raise InvalidRequest(f"命令有 {len(words)} 个词，最多 {MOST_WORDS} 个", code="job.command_too_long")
    size = sum(_text(f"命令的第 {number} 个词", word) for number, word in enumerate(words, start=1))
    if size > _MOST_BYTES:
        raise InvalidRequest(
            f"命令共 {size} 字节，最多 {_MOST_BYTES} 字节：请把长内容放进文件", code="job.command_too_long"
        )


def _environment(environment: dict[str, str]) -> None:
    if len(environment) > MOST_VARIABLES:
        raise InvalidRequest(
            f"环境变量有 {len(environment)} 个，最多 {MOST_VARIABLES} 个", code="job.variables_too_many"
        )
    size = 0
    for name, value in environment.items():
        if not VARIABLE.fullmatch(name):
            raise InvalidRequest(
                f"环境变量名 {_shown(name)}：只能用字母、数字和下划线，不以数字开头，至多 128 个字符",
                code="job.variable_name_malformed",
            )
        if name.startswith(_OURS):
            raise InvalidRequest(f"环境变量名 {name}：{_OURS} 开头的名字由平台使用", code="job.variable_name_reserved")
        size += len(name) + _text(f"环境变量 {name} 的值", value)
    if size > _MOST_BYTES:
        raise InvalidRequest(f"环境变量共 {size} 字节，最多 {_MOST_BYTES} 字节", code="job.variables_too_large")


def _cards(asked: JobRequest) -> None:
    _between("节点数", asked.nodes, 1, MOST_CARDS)
    _between("卡数", asked.devices, 1, MOST_CARDS)
    if asked.devices % asked.nodes:
        raise InvalidRequest(
            f"{asked.cards} 卡不能平均放在 {asked.nodes} 个节点上：卡数是整个作业的，应是节点数的整数倍",
            code="job.cards_not_even",
        )
    if len(asked.models) > _MOST_MODELS:
        raise InvalidRequest(
            f"可接受的型号有 {len(asked.models)} 个，最多 {_MOST_MODELS} 个；都可以就不必写", code="job.models_too_many"
        )
    for model in [asked.model or "", *asked.models, asked.vendor or ""]:
        _short("型号或厂商", model, 60)
    _between("显存下限", asked.min_memory_gib, 0, 10_000, "GiB")
    least = asked.min_tflops_fp16
    if not least.is_finite() or not 0 <= least <= HIGHEST_TFLOPS or least != round(least, 1):
        raise InvalidRequest(
            f"算力下限 {least}：应在 0 至 {HIGHEST_TFLOPS} TFLOPS（稠密 FP16）之间，至多一位小数",
            code="job.tflops_out_of_bounds",
        )


def _where(asked: JobRequest) -> None:
    for what, name in (("智算中心", asked.centre), ("市", asked.city), ("数据所在", asked.data_at)):
        _short(what, name or "", 60)
    if asked.price_ceiling_fen is not None:
        _between("每卡时最高价", asked.price_ceiling_fen, 0, HIGHEST_PRICE_FEN, "分")


def _address(url: str) -> None:
    if not url:
        return
    fault = webhook_address_fault(url)
    if fault == "form":
        raise InvalidRequest(
            f"通知网址 {_shown(url)}：应形如 https://主机/路径，至多 {LONGEST_WEBHOOK} 个字符",
            code="job.notify_address_malformed",
        )
    if fault == "scheme":
        raise InvalidRequest(f"通知网址 {_shown(url)}：只能是 http 或 https", code="job.notify_address_malformed")
    if fault == "password":
        raise InvalidRequest(
            "通知网址里不要写用户名和口令：它会显示在作业页上；请用路径里的随机串",
            code="job.notify_address_has_password",
        )


def _notes(notes: list[str]) -> None:
    if len(notes) > MOST_NOTES:
        raise InvalidRequest(f"说明有 {len(notes)} 条，最多 {MOST_NOTES} 条", code="job.notes_too_many")
    for note in notes:
        _short("说明", note, LONGEST_NOTE)


def _name(asked: JobRequest) -> str:
    given = asked.name.strip() or (PurePath(asked.command[0]).name[:LONGEST_NAME] if asked.command else "script")
    _text("作业名", given)
    if len(given) > LONGEST_NAME or _has_control(given):
        raise InvalidRequest(f"作业名应为 1 至 {LONGEST_NAME} 个字，不含控制字符", code="job.name_malformed")
    return given


def _array(asked: JobRequest) -> list[int]:
    indices = sorted(set(asked.array))
    if len(indices) > MOST_IN_ARRAY:
        raise InvalidRequest(f"阵列有 {len(indices)} 个作业，最多 {MOST_IN_ARRAY} 个", code="job.array_too_large")
    for index in indices[:1] + indices[-1:]:
        _between("阵列下标", index, 0, MOST_ARRAY_INDEX)
    size = len(asked.script.encode()) + sum(len(word.encode()) for word in asked.command)
    size += sum(len(name) + len(value.encode()) for name, value in asked.environment.items())
    if size * len(indices) > MOST_ARRAY_BYTES:
        raise InvalidRequest(
            f"阵列的 {len(indices)} 个作业各带 {size} 字节的脚本与环境变量，合计超过 {MOST_ARRAY_BYTES} 字节："
            "请把长内容放进工作目录",
            code="job.array_too_large",
        )
    return indices


def _after(uids: list[str]) -> list[str]:
    if len(set(uids)) > MOST_DEPENDENCIES:
        raise InvalidRequest(
            f"要先完成的作业有 {len(set(uids))} 个，最多 {MOST_DEPENDENCIES} 个；阵列写它的第一个作业号即可",
            code="job.dependencies_too_many",
        )
    for uid in uids:
        if not UID.fullmatch(uid):
            raise InvalidRequest(
                f"要先完成的作业 {_shown(uid)}：不是作业号（见 huisuan job list）", code="job.uid_malformed"
            )
    return sorted(set(uids))


def _between(what: str, value: int, least: int, most: int, unit: str = "", rule: str = "") -> None:
    if not least <= value <= most:
        shown = f"{what} {value}{f' {unit}' if unit else ''}"
        raise InvalidRequest(
            f"{shown}：应在 {least} 至 {most} 之间{f'（{rule}）' if rule else ''}", code="job.number_out_of_bounds"
        )


def _short(what: str, text: str, most: int) -> None:
    _text(what, text)
    if len(text) > most or _has_control(text):
        raise InvalidRequest(f"{what} {_shown(text)}：至多 {most} 个字，不含控制字符", code="job.text_malformed")


def _bytes(what: str, text: str, most: int, remedy: str) -> None:
    size = _text(what, text)
    if size > most:
        raise InvalidRequest(f"{what}共 {size} 字节，最多 {most} 字节：{remedy}", code="job.text_too_large")


def _has_control(text: str) -> bool:
    return any(unicodedata.category(sign).startswith("C") for sign in text)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")


def _text(what: str, text: str) -> int:
    """Bytes of the text.

    Raises:
        InvalidRequest: no program can be given it, or no database can keep it.
    """
    if "\0" in text:
        raise InvalidRequest(f"{what}含有 NUL 字节，任何程序都收不到它", code="job.text_has_nul")
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidRequest(f"{what}不是合法的 UTF-8 文本", code="job.text_not_utf8") from None
