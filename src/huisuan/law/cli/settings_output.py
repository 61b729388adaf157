"""How commands print settings and the impact of changing them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from huisuan.base.money import yuan
from huisuan.law.model.answers import STATUS_ZH, Status
from huisuan.law.policy.settings import AdoptedSetting
from huisuan.law.policy.settings_history import SettingHistory
from huisuan.terminal import out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.law.budget.impact import RuleImpact


def print_settings(title: str, rows: list[SettingHistory], on: date, as_known: date, *, as_json: bool) -> None:
    """Print every setting and open question: what holds on the day, its bound and ground, and its history."""
    if as_json:
        print_json({"on": on, "as_known": as_known, "settings": [row.to_dict() for row in rows]})
        return
    out.print(f"[bold]{title}[/]　{on} 当日，截至 {as_known} 所知")
    grounds = list(dict.fromkeys(_ground(entry) for row in rows for entry in row.history))
    columns = {
        "name": "参数", "label": "含义", "value": "值", "bound": "法定上限", "sentence": "句", "phrase": "出处",
        "ground": "依据", "before": "以前",
    }  # fmt: skip
    print_table("", [_row(row, grounds) for row in rows], columns, "这个政策没有参数，也没有解释口径")
    for number, ground in enumerate(grounds, start=1):
        out.print(f"  依据 {number}：{ground}", markup=False)


def _row(row: SettingHistory, grounds: list[str]) -> dict[str, Any]:
    held, before = row.current, [entry for entry in row.history if entry is not row.current]
    return {
        "name": row.spec.name,
        "label": row.spec.zh,
        "value": row.format_adopted(held) if held else "尚未确定",
        "bound": row.bound,
        "sentence": row.spec.sentence,
        "phrase": row.spec.phrase,
        "ground": str(grounds.index(_ground(held)) + 1) if held else "",
        "before": "；".join(
            f"{row.format_adopted(entry)}（依据 {grounds.index(_ground(entry)) + 1}）" for entry in before
        ),
    }


def _ground(adopted: AdoptedSetting) -> str:
    document = f"，{adopted.document}" if adopted.document else ""
    until = f" 至 {adopted.valid_to}" if adopted.valid_to else " 起"
    return f"{adopted.authority}{document}；{adopted.valid_from}{until}，{adopted.known_from} 公布"


def print_impact(compared: RuleImpact, title: str, *, names: dict[str, str] | None = None) -> None:
    """Print the impact on one rule, with the largest changes."""
    out.print(f"[bold]第 {compared.key} 句　{compared.title}[/]　{title}")
    statuses = sorted({*compared.before.by_status, *compared.after.by_status})
    rows = [
        {
            "status": STATUS_ZH[Status(status)], "before": compared.before.by_status.get(status, 0),
            "after": compared.after.by_status.get(status, 0),
        }
        for status in statuses
    ]  # fmt: skip
    print_table("", rows, {"status": "状态", "before": "现行", "after": "改后"}, "没有行")
    before, after = yuan(compared.before.amount_fen), yuan(compared.after.amount_fen)
    out.print(f"合计 {before} → {after} 元（{format_signed(compared.difference_fen)}）", markup=False)
    out.print(
        f"增加 {compared.winners:,} 家，共 {yuan(compared.won_fen)} 元；"
        f"减少 {compared.losers:,} 家，共 {yuan(compared.lost_fen)} 元"
    )
    changes = [
        {
            "who": (names or {}).get(change.identity, change.identity), "before_fen": change.before_fen,
            "after_fen": change.after_fen, "difference": format_signed(change.difference_fen),
            "status": STATUS_ZH[Status(change.status_after)],
        }
        for change in compared.largest
    ]  # fmt: skip
    columns = {"who": "谁", "before_fen": "现行（元）", "after_fen": "改后（元）", "difference": "变化（元）"}
    print_table("变化最大的", changes, {**columns, "status": "改后结论"}, "谁的结果都没有变化")


def format_signed(fen: int) -> str:
    """A difference in fen as yuan, with its sign."""
    return f"{'+' if fen > 0 else '-' if fen < 0 else ''}{yuan(abs(fen))}"
