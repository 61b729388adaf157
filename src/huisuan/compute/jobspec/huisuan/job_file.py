"""Huisuan's own job file: YAML whose keys are the fields below; its JSON Schema is made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from huisuan.base.errors import Refused
from huisuan.compute.accelerators import matching_models, matching_vendor, vendors
from huisuan.compute.jobspec.core.array_indices import parse_indices
from huisuan.compute.jobspec.core.parse_result import FilePlace, ParsedJob, ParseReport, nearest, on_one_line
from huisuan.compute.jobspec.core.request_rules import (
    HIGHEST_PRICE_FEN,
    LONGEST_IMAGE,
    LONGEST_NAME,
    LONGEST_OUTPUTS,
    LONGEST_TIME,
    MOST_CARDS,
    MOST_RETRIES,
    VARIABLE,
    duration_seconds,
)
from huisuan.compute.jobspec.core.timestamps import parse_timestamp
from huisuan.compute.jobspec.core.yaml_tree import YamlNode
from huisuan.messages.webhook_address import LONGEST_WEBHOOK


def _parsed_by(parse: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except Refused as refusal:
            raise ValueError(str(refusal)) from None

    return BeforeValidator(validate)


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Word = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
_Duration = Annotated[
    int,
    _parsed_by(duration_seconds),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s?)?$"}),
]
_Indices = Annotated[
    list[int],
    _parsed_by(parse_indices),
    WithJsonSchema({"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": {"type": "integer"}}]}),
]
_Timestamp = Annotated[datetime, _parsed_by(parse_timestamp), WithJsonSchema({"type": "string"})]
_Names = Annotated[
    list[_Word],
    BeforeValidator(_one_or_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class JobFile(BaseModel):
    """惠算作业文件：一个作业，或一个作业阵列。`command` 与 `script` 写一个，其余都可以不写。"""

    model_config = ConfigDict(extra="forbid", title="惠算作业文件", json_schema_extra={"$id": "urn:huisuan:job"})

    name: _Word = Field("", max_length=LONGEST_NAME, description="作业名；不写则用程序名", examples=["微调"])
    command: list[_Word] = Field(
        default_factory=list,
        description="要运行的程序和参数，一个词一项，不经过 shell",
        examples=[["python", "train.py", "--epochs", "3"]],
    )
    script: str = Field("", description="整个脚本，第一行是 #! 加解释器", examples=["#!/bin/bash\npython train.py\n"])
    image: str = Field("", max_length=LONGEST_IMAGE, description="容器镜像；只有运行容器的执行引擎可用")
    environment: dict[str, _Word] = Field(default_factory=dict, description="环境变量；页面和接口只显示名字，不显示值")
    workdir: str | None = Field(None, description="随作业上传的文件夹，相对于本文件；作业在其中开始", examples=["."])
    outputs: str = Field(
        "", max_length=LONGEST_OUTPUTS, description="结果文件夹，工作目录里的相对路径；作业结束后由中心保留，可取回",
        examples=["results"],
    )  # fmt: skip
    cards: Annotated[
        int | None, Field(ge=1, le=MOST_CARDS), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_CARDS})
    ] = Field(None, description="整个作业的加速卡数；不写则每个节点一张，处理器槽也可以")
    nodes: int = Field(1, ge=1, le=MOST_CARDS, description="平均放在几个节点上，同时开始")
    models: _Names = Field(
        default_factory=list, description="可接受的型号；不写则任何型号", examples=[["A100", "A800"]]
    )
    vendor: str | None = Field(None, description="可接受的厂商", json_schema_extra={"enum": list(vendors())})
    min_memory_gib: int = Field(0, ge=0, le=10_000, description="每卡显存至少多少 GiB")
    min_tflops_fp16: Decimal = Field(
        Decimal(0), ge=0, description="每卡稠密 FP16 算力至少多少 TFLOPS", json_schema_extra={"type": "number"}
    )
    centre: str | None = Field(None, description="只在这个智算中心（代码）")
    city: str | None = Field(None, description="只在这个市（名称或行政区划代码）", examples=["合肥"])
    data_at: str | None = Field(None, description="数据所在：智算中心代码，或市")
    price_ceiling_fen: int | None = Field(None, ge=0, le=HIGHEST_PRICE_FEN, description="每卡时最高价，分，补助前")
    deadline: _Timestamp | None = Field(
        None, description="最迟完成时间；不写时区则为北京时间", examples=["2030-06-30 18:00"]
    )
    time_limit: _Duration = Field(
        3600, ge=1, le=LONGEST_TIME, description="每次运行的时限", examples=["15m", "1h30m", "2d"]
    )
    retries: int = Field(0, ge=0, le=MOST_RETRIES, description="失败后最多再试几次")
    array: _Indices = Field(
        default_factory=list, description="阵列下标，每个下标一个作业", examples=["0-9", "0-100:10"]
    )
    after: _Names = Field(default_factory=list, description="这些作业完成之后才开始（作业号）")
    notify: str = Field("", max_length=LONGEST_WEBHOOK, description="状态变化时通知的网址（webhook）")
    project: str | None = Field(None, max_length=40, description="归哪个项目（代码）；不写则归默认项目")


def job_file_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors that check and complete."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **JobFile.model_json_schema()}


def parse_huisuan_job(document: YamlNode, report: ParseReport) -> ParsedJob:
    """The job that a document asks for.

    Raises:
        FileRefused: what is wrong with it, each at its place.
    """
    given = {key: node.data for key, node in (document.fields or {}).items() if node.value is not None}
    try:
        file = JobFile.model_validate(given)
    except ValidationError as errors:
        for error in errors.errors():
            at = _place(document, error["loc"], of_key=error["type"] == "extra_forbidden")
            report.fault(at, _words(error))
        return report.done({})
    _check(file, document, report)
    if report.faults:
        return report.done({})
    fields = file.model_dump(exclude={"time_limit", "notify", "workdir"})
    fields["models"] = list(dict.fromkeys(name for model in file.models for name in matching_models(model)))
    renamed = {"time_limit_seconds": file.time_limit, "notify_url": file.notify}
    return report.done({**fields, **renamed}, workdir=file.workdir)


def _check(file: JobFile, document: YamlNode, report: ParseReport) -> None:
    """Rules that concern more than one field."""
    if file.command and file.script:
        report.fault(document.key_at("script"), "command 与 script 只能写一个")
    if not file.command and not file.script:
        report.fault(document.at, "没有 command 也没有 script：请写出要运行什么")
    if file.script and not file.script.startswith("#!"):
        report.fault(document.key_at("script"), "脚本的第一行应是 #! 加解释器，例如 #!/bin/bash")
    if file.cards is not None and file.cards % file.nodes:
        at = document.key_at("nodes")
        report.fault(at, f"{file.cards} 卡不能平均放在 {file.nodes} 个节点上：cards 是整个作业的，应是 nodes 的整数倍")
    models = (document.fields or {}).get("models")
    for number, model in enumerate(file.models):
        try:
            matching_models(model)
        except Refused as refusal:
            report.fault(_place(document, ("models", number)) if models else document.at, str(refusal))
    if file.vendor:
        try:
            matching_vendor(file.vendor)
        except Refused as refusal:
            report.fault(document.key_at("vendor"), str(refusal))
    for variable in file.environment:
        if not VARIABLE.fullmatch(variable):
            at = _place(document, ("environment", variable), of_key=True)
            report.fault(at, f"环境变量名 {on_one_line(variable)}：只能用字母、数字和下划线，不以数字开头")


def _place(document: YamlNode, path: Sequence[int | str], *, of_key: bool = False) -> FilePlace:
    """Where the value (or the key) at a path stands."""
    node, at = document, document.at
    for step in path:
        inside: YamlNode | None = None
        if isinstance(step, int) and node.items is not None and step < len(node.items):
            inside = node.items[step]
        elif isinstance(step, str) and node.fields is not None:
            inside = node.fields.get(step)
            at = node.key_at(step)
        if inside is None:
            return at
        node = inside
        at = at if of_key else node.at
    return at


def _words(error: ErrorDetails) -> str:
    """What is wrong, in words."""
    value, bounds = error["input"], error.get("ctx", {})
    quoted = f"“{on_one_line(value)}”" if isinstance(value, str) else "这里"
    key = next((step for step in reversed(error["loc"]) if isinstance(step, str)), "")
    rules = {
        "extra_forbidden": f"不认识的键 {key}{nearest(str(key), JobFile.model_fields)}",
        "int_parsing": f"{key}：{quoted}应是整数",
        "int_from_float": f"{key}：{quoted}应是整数",
        "int_type": f"{key} 应是整数",
        "decimal_parsing": f"{key}：{quoted}应是数",
        "decimal_type": f"{key} 应是数",
        "string_type": f"{key} 应是文字",
        "list_type": f"{key} 应是列表，例如 [a, b]",
        "dict_type": f"{key} 应是键值对",
        "greater_than_equal": f"{key}：{quoted}太小，至少 {bounds.get('ge')}",
        "less_than_equal": f"{key}：{quoted}太大，至多 {bounds.get('le')}",
        "string_too_long": f"{key} 太长，至多 {bounds.get('max_length')} 个字",
        "value_error": str(bounds.get("error", "")),
    }
    return rules.get(error["type"], f"{key}：{error['msg']}")
