"""The form of a job: its fields are those of our job file, and what is typed becomes such a file.

So the form has no reading of its own: the file that it writes is read as every job file is, and what is wrong is shown
at the field whose line it is.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.money import parse_typed_yuan
from huisuan.compute.jobspec.core.parse_result import FileRefused, ParsedJob
from huisuan.compute.jobspec.core.request_rules import HIGHEST_PRICE_FEN
from huisuan.compute.jobspec.detect import parse_job_file
from huisuan.portal.ui.forms import FormField, Widget, with_errors

#: keys that the page suggests values for
SUGGESTED = ("centre", "models", "project")
FILE = "form"  # what errors call the file that the form writes


@dataclass(frozen=True)
class FormKey:
    """A key of the job file as the form asks for it: its label, how it is typed; `hint` says what may stand there."""

    key: str
    label: str | Promise
    hint: str | Promise = ""
    kind: str = "line"  # line, lines, number, list
    sample: str | Promise = ""

    @property
    def is_wide(self) -> bool:
        """Whether it takes a line of its own."""
        return self.kind in ("words", "lines", "pairs")


_GROUPS: tuple[tuple[str | Promise, tuple[FormKey, ...]], ...] = (
    (_("运行什么"), (
        FormKey("name", _("作业名"), _("不写则用程序名")),
        FormKey("command", _("命令"), _("一行：程序和参数，引号按常规；不经过 shell"), "words", "python train.py"),
        FormKey("script", _("或整个脚本"), _("第一行是 #! 加解释器；命令与脚本只写一个"), "lines"),
        FormKey("environment", _("环境变量"), _("一行一个，名=值；之后只显示名字"), "pairs"),
        FormKey("outputs", _("结果文件夹"), _("工作目录里的相对路径；结束后由中心保留，可取回")),
        FormKey("image", _("容器镜像"), _("只有运行容器的中心可用")),
    )),
    (_("用什么卡"), (
        FormKey("cards", _("卡数"), _("整个作业的"), "number", "1"),
        FormKey("nodes", _("节点数"), _("卡平均放在这些节点上，同时开始"), "number", "1"),
        FormKey("models", _("可接受的型号"), _("用逗号隔开；不写则任何型号"), "list", "A100, A800"),
        FormKey("vendor", _("厂商"), _("不写则任何厂商")),
        FormKey("min_memory_gib", _("每卡显存至少（GiB）"), "", "number"),
        FormKey("min_tflops_fp16", _("每卡 FP16 算力至少（TFLOPS）"), _("稠密"), "number"),
    )),
    (_("在哪里，什么价"), (
        FormKey("centre", _("只在这个中心"), _("中心代码")),
        FormKey("city", _("只在这个市"), _("数据或作业不得出市时填写"), sample=_("合肥")),
        FormKey("data_at", _("数据在哪里"), _("中心代码，或市：近的优先")),
        FormKey("price_ceiling", _("每卡时最高价（元）"), _("补助前"), "yuan"),
    )),
    (_("什么时候"), (
        FormKey("time_limit", _("时限"), _("90s、15m、1h30m、2d；到时结束"), sample="1h"),
        FormKey("deadline", _("最迟完成"), _("北京时间；越近越先排"), sample="2030-06-30 18:00"),
        FormKey("after", _("先完成这些作业"), _("作业号，用逗号隔开"), "list"),
        FormKey("array", _("阵列"), _("每个下标一个作业"), sample="0-9"),
        FormKey("retries", _("失败后再试几次"), "", "number", "0"),
        FormKey("project", _("项目"), _("项目代码；不写则归默认项目")),
        FormKey("notify", _("通知网址"), _("状态变化时 POST 到这里")),
    )),
)  # fmt: skip
KEYS = {key.key: key for _label, keys in _GROUPS for key in keys}


@dataclass(frozen=True)
class SubmittedForm:
    """What stood in the form, the file that it makes, what that file asks for, and what is wrong by field.

    `general` is wrong with the whole and no one field.
    """

    texts: Mapping[str, str]
    file: str
    read: ParsedJob | None
    wrong: Mapping[str, list[str]]
    general: list[str]

    @property
    def groups(self) -> list[tuple[str, list[JobField]]]:
        """The fields of the form by heading."""
        return [(str(label), [self._field(key) for key in keys]) for label, keys in _GROUPS]

    @property
    def amiss(self) -> list[JobField]:
        """The fields that something is wrong with."""
        return with_errors(field for _label, fields in self.groups for field in fields)

    def _field(self, key: FormKey) -> JobField:
        is_text = key.kind in ("lines", "pairs")
        return JobField(
            name=key.key, id=f"f-{key.key}", label=key.label, widget=Widget.LINES if is_text else Widget.LINE,
            hint=key.hint, described_by=f"h-{key.key}" if key.hint else "", text=self.texts.get(key.key, ""),
            errors=tuple(self.wrong.get(key.key, ())), rows=6 if key.kind == "lines" else 2,
            placeholder=key.sample, inputmode="decimal" if key.kind in ("number", "yuan") else "",
            suggestions=f"of-{key.key}" if key.key in SUGGESTED else "", is_wide=key.is_wide,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class JobField(FormField):
    """One field of the form; a wide one takes a line of its own."""

    is_wide: bool


def parse_submit_form(texts: Mapping[str, str]) -> SubmittedForm:
    """What the texts of a form ask for."""
    given = {key: texts.get(key, "").strip() for key in KEYS}
    wrong: dict[str, list[str]] = {}
    lines: list[tuple[str, str]] = []
    for key, text in given.items():
        if not text:
            continue
        try:
            lines.append((key, _line(KEYS[key], text)))
        except ValueError as error:
            wrong.setdefault(key, []).append(str(error))
    file = "".join(f"{line}\n" for _key, line in lines)
    if wrong:
        return SubmittedForm(given, file, None, wrong, [])
    try:
        return SubmittedForm(given, file, parse_job_file(file or "{}\n", FILE, "huisuan"), {}, [])
    except FileRefused as refused:
        general = []
        for fault in refused.faults:
            if lines and fault.at.line <= len(lines) and (fault.at.line, fault.at.column) != (1, 1):
                wrong.setdefault(lines[fault.at.line - 1][0], []).append(fault.text)
            else:
                general.append(fault.text)
        return SubmittedForm(given, file, None, wrong, general)


def _line(key: FormKey, text: str) -> str:
    """One line of the job file: YAML takes JSON as it is, so that nothing typed can mean anything else.

    Raises:
        ValueError: it cannot be written so; says why.
    """
    if key.key == "price_ceiling":
        return f"price_ceiling_fen: {_fen(text)}"
    return f"{key.key}: {json.dumps(_value(key, text), ensure_ascii=False)}"


def _value(key: FormKey, text: str) -> object:
    match key.kind:
        case "words":
            try:
                return shlex.split(text)
            except ValueError:
                raise ValueError(_t("引号没有配对")) from None
        case "lines":
            return text.replace("\r\n", "\n") + "\n"
        case "list":
            return [word for word in text.replace("，", ",").replace(" ", ",").split(",") if word]
        case "pairs":
            return _pairs(text)
    return text


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise ValueError(_t("第 {number} 行应写成 名=值").format(number=number))
        found[name.strip()] = value
    return found


def _fen(text: str) -> int:
    """Yuan as typed, in fen."""
    fen = parse_typed_yuan(text)
    if fen is None or fen > HIGHEST_PRICE_FEN:
        raise ValueError(_t("应是以元为单位的数，最多两位小数，例如 12.50"))
    return fen
