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
from huisuan.terminal import note

PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="政策，如 anhui-agi-2023")]
ArticleName = Annotated[str, typer.Argument(metavar="ARTICLE", help="条、句或规则，如 2、8.2 或 6.2.recommendation")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="按哪天的法律（默认今天；过期则有效期最后一天）")]
AsKnown = Annotated[str | None, typer.Option("--as-known", metavar="DATE", help="按截至哪天已知的参数（默认今天）")]

Began = Annotated[
    str | None,
    typer.Option(
        "--began", metavar="DATE", help="所问的事哪天开始；有效期内开始、期满后才完成的，按解释口径决定是否适用"
    ),
]


def today() -> date:
    """Today in Anhui."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def parse_day(text: str, option: str) -> date:
    """The day that an option names."""
    try:
        return parse_date(text)
    except InvalidValue as wrong:
        raise typer.BadParameter(str(wrong), param_hint=option) from None


def day_of_knowledge(as_known: str | None) -> date:
    """The day of knowledge: today, where nothing is said."""
    return parse_day(as_known, "--as-known") if as_known else today()


def law_days(policy: Policy, on: str | None, as_known: str | None) -> tuple[date, date]:
    """The two days of the question. Before anything else it is said where the policy does not hold on the first."""
    now = today()
    known = day_of_knowledge(as_known)
    day = parse_day(on, "--on") if on else default_day(policy, now)
    if known < policy.issued:
        note(f"政策 {policy.issued} 印发，截至 {known} 尚未公布")
    elif not on and day != now:
        note(f"政策有效期 {policy.valid_from} 至 {policy.last_day(known)}；未写 --on，按 {day} 计算")
    elif on and not policy.in_force(day, known):
        note(_not_in_force(policy, day, known, now))
    return day, known


def _not_in_force(policy: Policy, day: date, known: date, now: date) -> str:
    last, by = policy.last_day(known), policy.replacement(known)
    asked = f"{day}（今天）" if day == now else str(day)
    if day < policy.valid_from:
        return f"政策自 {policy.valid_from} 起施行，{asked}还不适用"
    ended = f"政策自 {by.valid_from} 起由 {by.by} 代替" if by else f"政策已于 {last} 到期"
    return f"{ended}，{asked}不再适用；按最后一天的规定请写 --on {last}"


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
