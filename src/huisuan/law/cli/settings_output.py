"""How commands print settings and the impact of changing them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from huisuan.base.money import yuan
from huisuan.law.policy.settings import AdoptedSetting
from huisuan.law.policy.settings_history import SettingHistory
from huisuan.terminal import out, print_json, print_table

if TYPE_CHECKING:
    pass


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


def format_signed(fen: int) -> str:
    """A difference in fen as yuan, with its sign."""
    return f"{'+' if fen > 0 else '-' if fen < 0 else ''}{yuan(abs(fen))}"
