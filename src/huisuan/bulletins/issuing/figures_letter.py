"""The words of a bulletin of money or use, from its snapshot and the one before: nothing in it but what these say.

Pure. A cell that is not published stands as 不公布 wherever it would stand, in all formats alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from huisuan.bulletins.figures.contributions import WHOLE_MEMBER
from huisuan.bulletins.figures.periods import period_name
from huisuan.bulletins.issuing.openness_letter import BulletinHead
from huisuan.bulletins.issuing.pictures import BulletinBar, BulletinTile, Picture, draw_bars, draw_tiles
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part

HIDDEN = "不公布"
_SHOWN = 5
_TITLES = {"money": "资金拨付", "use": "算力使用"}
_UNITS = {"fen": "元", "card-seconds": "卡时"}


class PublishedFigures:
    """The cells of a snapshot, by place and kind, and how their values are written."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        """`snapshot` is of figures."""
        self.unit = str(snapshot["unit"])
        measure, period = snapshot["measures"][0]["name"], snapshot["period"]
        cells = snapshot["cells_data"]["cells"]
        self.values: dict[tuple[str, str], int | None] = {
            (one["key"][2], one["key"][3]): one["value"] for one in cells if one["key"][:2] == [measure, period]
        }
        self.hidden = sum(value is None for value in self.values.values())

    def text(self, value: int | None) -> str:
        """A value in yuan or card-hours, with thousands separators; or that it is not published."""
        if value is None:
            return HIDDEN
        if self.unit == "fen":
            return f"{value // 100:,}.{value % 100:02}"
        tenths = int(Fraction(value, 360) + Fraction(1, 2))
        return f"{tenths // 10:,}.{tenths % 10}"

    def ranked(self, kind: str, places: Mapping[str, str]) -> list[tuple[str, str, int | None]]:
        """Rank, place and value of what is above nought, the most first; what is not published has no rank."""
        rows = [(place, self.values.get((place, kind), 0)) for place in places]
        shown = sorted(((place, value) for place, value in rows if value), key=lambda one: (-one[1], one[0]))
        values = [value for _, value in shown]
        ranked: list[tuple[str, str, int | None]] = [
            (str(1 + values.index(value)), place, value) for place, value in shown
        ]
        return ranked + [("—", place, None) for place, value in rows if value is None]


def compose_figures(now: Mapping[str, Any], before: Mapping[str, Any] | None, head: BulletinHead) -> Letter:
    """The whole bulletin."""
    figures = PublishedFigures(now)
    older = PublishedFigures(before) if before else None
    title, unit = _TITLES[now["kind"]], _UNITS[figures.unit]
    body = (
        Part("一、总体情况", "heading"), *(Part(text) for text in _overview(now, figures, before, older)),
        Part("二、主要问题", "heading"), *(Part(text) for text in _problems(now, figures)),
        Part("三、下一步工作要求", "heading"), *(Part(text) for text in head.demands),
    )  # fmt: skip
    annexes = (
        _by_place(f"各市{title}（{unit}）", now, figures, older),
        inner_annex(f"分市分类{title}（{unit}）", now, figures), rules_annex(now),
    )  # fmt: skip
    return Letter(f"关于{head.period}{title}情况的通报", body, annexes=annexes, note=snapshot_note(now, before))


def picture_figures(now: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The cities on a map, and those with most of them."""
    figures = PublishedFigures(now)
    if not any(figures.values.values()):
        return ()
    title, unit = _TITLES[now["kind"]], _UNITS[figures.unit]
    short, named = ("万元", 1_000_000) if figures.unit == "fen" else ("卡时", 3600)
    tiles = [
        BulletinTile(place, name, value, HIDDEN if value is None else f"{value // named:,}")
        for place, name in now["places"].items()
        for value in [figures.values.get((place, WHOLE_MEMBER), 0)]
    ]  # fmt: skip
    bars = [
        BulletinBar(now["places"][place], value, figures.text(value))
        for _, place, value in figures.ranked(WHOLE_MEMBER, now["places"]) if value
    ]  # fmt: skip
    maps = draw_tiles(f"各市{title}（{short}，不足的舍去）", tiles)
    return (maps, draw_bars(f"各市{title}（{unit}），由高到低", bars)) if bars else (maps,)


def snapshot_note(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """By which snapshots anybody makes the bulletin anew."""
    return f"快照 {now['sha256']}" + (f"；上期快照 {before['sha256']}" if before else "；首期，没有上期可比")


def inner_annex(title: str, now: Mapping[str, Any], figures: PublishedFigures) -> Annex:
    """Every cell by place and kind that is not nought."""
    rows = tuple(
        (places, kind, figures.text(value))
        for place, places in now["places"].items() for key, kind in now["kinds"].items()
        for value in [figures.values.get((place, key), 0)] if value != 0
    )  # fmt: skip
    columns = (AnnexColumn("地方"), AnnexColumn("类别", wide=True), AnnexColumn("数额", number=True))
    return Annex(title, columns, rows or (("—", "本期没有", "0"),), "没有列出的为零。")


def rules_annex(now: Mapping[str, Any]) -> Annex:
    """By which rules cells are not published, and how anybody tries them."""
    rules = now["rules"]
    rows = (
        ("少于几家", str(rules["least_contributors"]), "一格里的单位少于此数，不公布"),
        ("一家占比", rules["one_dominates"], "最大的一家达到此比例，不公布"),
        ("两家占比", rules["two_dominate"], "最大的两家合计达到此比例，不公布"),
        ("估得太近", rules["closest_estimate"], "第二大的能把最大的估到此比例以内，不公布"),
    )  # fmt: skip
    columns = (AnnexColumn("规则"), AnnexColumn("限值", number=True), AnnexColumn("含义", wide=True))
    note = (
        f"依据：{rules['authority']}。为使不公布的推不出来，另有一些格一并不公布；哪些属于前者不另说明。"
        "数据文件 cells.json、cells.csv 随通报发布，任何人可用 huisuan bulletin attack 连同以往各期试推。"
    )
    return Annex("不公布的规则", columns, rows, note)


def _overview(
    now: Mapping[str, Any], figures: PublishedFigures, before: Mapping[str, Any] | None, older: PublishedFigures | None
) -> Iterator[str]:
    title, unit, period = _TITLES[now["kind"]], _UNITS[figures.unit], period_name(now["period"])
    total = figures.values.get((WHOLE_MEMBER, WHOLE_MEMBER))
    said = f"{period}，{now['source']['title']}{title}共{figures.text(total)}{unit}" if total is not None else (
        f"{period}，{now['source']['title']}{title}合计不公布"
    )  # fmt: skip
    if before and older and total is not None and (last := older.values.get((WHOLE_MEMBER, WHOLE_MEMBER))) is not None:
        change = total - last
        more = "增加" if change >= 0 else "减少"
        said += f"，比{period_name(before['period'])}{more}{figures.text(abs(change))}{unit}"
    yield said + "。"
    ranked = [one for one in figures.ranked(WHOLE_MEMBER, now["places"]) if one[2]]
    if ranked:
        names = "、".join(
            f"{now['places'][place]}（{figures.text(value)}{unit}）" for _, place, value in ranked[:_SHOWN]
        )
        yield f"公布的数里居前的是{names}。各地数额见附件。"


def _problems(now: Mapping[str, Any], figures: PublishedFigures) -> Iterator[str]:
    nothing = [name for place, name in now["places"].items() if place in _cities(now)
               and figures.values.get((place, WHOLE_MEMBER)) == 0]  # fmt: skip
    if nothing:
        shown = "、".join(nothing[:_SHOWN]) + ("等" if len(nothing) > _SHOWN else "")
        yield f"{shown}{len(nothing)}个市本期没有{_TITLES[now['kind']]}。"
    yield from hidden_words(now, figures)


def hidden_words(now: Mapping[str, Any], figures: PublishedFigures) -> Iterator[str]:
    """What is not published, and what earlier bulletins made impossible."""
    if figures.hidden:
        yield f"为不使人推出单个单位的数，有{figures.hidden}个数不公布，规则见附件。"
    if now["left_out"]:
        yield "因以往各期已公布的数，本期不再公布分市分类的明细，只公布合计。"
    if now["given_away"]:
        yield f"另有{now['given_away']}个数，因以往各期已公布的数而无法保护，本期不重复公布。"


def _cities(now: Mapping[str, Any]) -> list[str]:
    return [place for place in now["places"] if place.isdecimal() and not place.endswith("0000")]


def _by_place(title: str, now: Mapping[str, Any], figures: PublishedFigures, older: PublishedFigures | None) -> Annex:
    rows = []
    for rank, place, value in figures.ranked(WHOLE_MEMBER, now["places"]):
        last = older.values.get((place, WHOLE_MEMBER), 0) if older else None
        change = "—"
        if value is not None and last is not None:
            change = ("+" if value >= last else "-") + figures.text(abs(value - last)) if value != last else "0"
        rows.append((rank, now["places"][place], figures.text(value), change))
    rows.append(("", "合计", figures.text(figures.values.get((WHOLE_MEMBER, WHOLE_MEMBER), 0)), ""))
    columns = (
        AnnexColumn("名次", number=True), AnnexColumn("地方", wide=True), AnnexColumn("数额", number=True),
        AnnexColumn("比上期", number=True),
    )  # fmt: skip
    return Annex(title, columns, tuple(rows), "没有列出的为零；名次只在公布的数里排。")
