"""What every command about the law asks for: the policy, the rule, the days, a file of facts."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.explain.explanation import default_day
from huisuan.law.model.values import InvalidValue, parse_date
from huisuan.law.policy.policy import Policy

PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="政策，如 anhui-agi-2023")]
ArticleName = Annotated[str, typer.Argument(metavar="ARTICLE", help="条、句或规则，如 2、8.2 或 6.2.recommendation")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="按哪天的法律（默认今天；过期则有效期最后一天）")]
AsKnown = Annotated[str | None, typer.Option("--as-known", metavar="DATE", help="按截至哪天已知的参数（默认今天）")]


def today() -> date:
    """Today in Anhui."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def parse_day(text: str, option: str) -> date:
    """The day that an option names."""
    try:
        return parse_date(text)
    except InvalidValue as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None


def law_days(policy: Policy, on: str | None, as_known: str | None) -> tuple[date, date, str]:
    """The two days of the question, and what to say where the first was not asked for."""
    now = today()
    known = parse_day(as_known, "--as-known") if as_known else now
    if on:
        return parse_day(on, "--on"), known, ""
    day = default_day(policy, now)
    remark = "" if day == now else f"政策有效期 {policy.valid_from} 至 {policy.valid_to}；未写 --on，按 {day} 计算"
    return day, known, remark


def load_json_object(path: str) -> dict[str, object]:
    """A JSON object from a file, or from standard input ("-").

    Raises:
        InvalidRequest: no such file, no JSON, no object.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        data = json.loads(text, parse_float=Decimals)
    except FileNotFoundError:
        raise NotFound(f"没有文件 {path}", code="law.file_missing") from None
    except OSError as error:
        raise InvalidRequest(
            f"{path}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"{path} 不是 JSON：{error}", code="law.json_malformed") from None
    if not isinstance(data, dict):
        raise InvalidRequest(f'{path}：应为一个 JSON 对象，如 {{"spend": 100000}}', code="law.json_malformed")
    return data


class Decimals(str):
    """A number with a point, kept as it was written: no fact accepts it, and no float gets in."""

    __slots__ = ()
