"""What is typed about plans and contracts on the page of an application: lines whose parts stand between bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import parse_typed_yuan
from huisuan.programmes.contracts.terms import TargetTerms

_LESS = ("越小越好", "less is better", "less")


def typed_plan(text: str) -> list[dict[str, Any]]:
    """The targets of a plan: code, name, figure, unit, and where so that less is better; one a line.

    Raises:
        InvalidRequest: which line has other parts.
    """
    return [
        {
            "code": parts[0], "name": parts[1], "figure": parts[2], "unit": parts[3],
            "less_is_better": len(parts) > 4 and parts[4] in _LESS,
        }
        for parts in _lines(text, (4, 5), "编号 | 名称 | 数值 | 单位（| 越小越好）")
    ]  # fmt: skip


def typed_contract(asked: Mapping[str, str], plan: Mapping[str, TargetTerms]) -> dict[str, Any]:
    """A contract: milestones (what, by when, share or yuan), targets of the plan (milestone, code, figure, reason).

    Raises:
        InvalidRequest: which line has other parts, a target that the plan does not have, an amount that is none.
    """
    milestones = [
        {"title": title, "due_on": day, "targets": list[dict[str, Any]](), **_worth(worth)}
        for title, day, worth in _lines(asked.get("milestones", ""), (3, 3), "内容 | 日期 | 比例% 或金额（元）")
    ]
    for parts in _lines(asked.get("targets", ""), (3, 4), "第几个节点 | 指标编号 | 数值（| 调低的理由）"):
        at, planned = parts[0], plan.get(parts[1])
        if not at.isdecimal() or not 1 <= int(at) <= len(milestones) or planned is None:
            raise InvalidRequest(f'没有第 "{at}" 个节点，或计划没有指标 {parts[1]}', code="contract.target_unknown")
        milestones[int(at) - 1]["targets"].append(
            {
                "code": planned.code, "name": planned.name, "unit": planned.unit, "figure": parts[2],
                "less_is_better": planned.less_is_better, "lowered_because": parts[3] if len(parts) > 3 else "",
            }
        )  # fmt: skip
    return {"code": asked.get("code", ""), "signed_on": asked.get("signed_on", ""), "milestones": milestones}


def typed_amendment(asked: Mapping[str, str]) -> dict[str, Any]:
    """An amendment: its code, day and reason, and figures (milestone, code of the target, figure), one a line.

    Raises:
        InvalidRequest: which line has other parts.
    """
    targets = [
        {"milestone": int(at) if at.isdecimal() and len(at) < 4 else 0, "code": code, "figure": figure}
        for at, code, figure in _lines(asked.get("targets", ""), (3, 3), "第几个节点 | 指标编号 | 数值")
    ]
    return {name: asked.get(name, "") for name in ("code", "agreed_on", "reason")} | {"targets": targets}


def typed_count(asked: Mapping[str, str], name: str) -> int | None:
    """A whole number that was typed; None: nothing.

    Raises:
        InvalidRequest: it is none.
    """
    text = asked.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise InvalidRequest(f'"{text[:20]}" 不是整数', code="contract.number_malformed")
    return int(text)


def _worth(text: str) -> dict[str, Any]:
    if text.endswith(("%", "％")):
        return {"percent": text[:-1].strip()}
    fen = parse_typed_yuan(text)
    if fen is None:
        raise InvalidRequest(f'"{text[:20]}" 不是比例或金额：写 40% 或 800000', code="contract.amount_malformed")
    return {"amount_fen": fen}


def _lines(text: str, count: tuple[int, int], form: str) -> Iterator[list[str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.replace("｜", "|").split("|")]
        if not count[0] <= len(parts) <= count[1]:
            raise InvalidRequest(f"第 {number} 行须写成：{form}", code="contract.line_malformed")
        yield parts
