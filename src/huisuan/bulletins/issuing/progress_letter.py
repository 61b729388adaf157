"""The words of a bulletin on scenarios: how cities and offices stand, and the money of their article. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huisuan.bulletins.figures.contributions import WHOLE_MEMBER
from huisuan.bulletins.figures.periods import parts_of_period, period_name
from huisuan.bulletins.issuing.figures_letter import PublishedFigures, hidden_words, rules_annex, snapshot_note
from huisuan.bulletins.issuing.openness_letter import BulletinHead
from huisuan.bulletins.issuing.pictures import BulletinBar, BulletinTile, Picture, draw_bars, draw_tiles
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part

_SHOWN = 5


def compose_progress(now: Mapping[str, Any], before: Mapping[str, Any] | None, head: BulletinHead) -> Letter:
    """The whole bulletin; of a year it is the yearly ranking."""
    older = before["progress"] if before and "progress" in before else None
    figures, said = PublishedFigures(now), now["progress"]
    body = (
        Part("一、总体情况", "heading"), *(Part(text) for text in _overview(now, older)),
        Part("二、主要问题", "heading"), *(Part(text) for text in _problems(now)),
        *(Part(text) for text in hidden_words(now, figures)),
        Part("三、下一步工作要求", "heading"), *(Part(text) for text in head.demands),
    )  # fmt: skip
    annexes = (
        _ranking(f"各市{said['title']}得分和名次", "市", now, older, "cities"),
        _ranking(f"各部门{said['title']}得分和名次", "部门", now, older, "offices"),
        _money(now, figures), _formula(now), rules_annex(now),
    )  # fmt: skip
    kind = "年度评比" if is_yearly(now) else "通报"
    return Letter(f"关于{head.period}场景开放情况的{kind}", body, annexes=annexes, note=snapshot_note(now, before))


def picture_progress(now: Mapping[str, Any]) -> tuple[Picture, ...]:
    """The cities on a map by score, and their scores as bars."""
    cities = [one for one in now["progress"]["cities"] if one["region"]]
    if not cities:
        return ()
    tiles = [BulletinTile(one["region"], _place(now, one), one["score"], str(one["score"])) for one in cities]
    bars = [BulletinBar(_place(now, one), one["score"], str(one["score"])) for one in cities]
    return draw_tiles("各市场景开放得分", tiles), draw_bars("各市场景开放得分，由高到低", bars)


def is_yearly(now: Mapping[str, Any]) -> bool:
    """Whether it is of a whole year."""
    return "H" not in now["period"] and bool(parts_of_period(now["period"]))


def _place(now: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    region = now["places"].get(row["region"], row["region"] or "未写地方")
    return f"{row['office']}（{region}）" if row["office"] else str(region)


def _overview(now: Mapping[str, Any], older: Mapping[str, Any] | None) -> Iterator[str]:
    said = now["progress"]
    total = sum(one["entries"] for one in said["cities"])
    reached = "、".join(
        f"{stage['title']}{sum(one['reached'][stage['key']] for one in said['cities']):,}个" for stage in said["stages"]
    )
    text = (
        f"截至{period_name(now['period'])}末，{len(said['cities'])}个地方在{said['title']}上有场景{total:,}个，"
        f"其中{reached}（后一步的也计入前一步）。"
    )
    if older:
        corrected, waited = _corrected(said["cities"], older["cities"])
        text += f"上期停在“{said['stages'][0]['title']}”的{waited:,}个已推进{corrected:,}个。"
    yield text
    if said["cities"]:
        first = [_place(now, one) for one in said["cities"] if one["rank"] == 1]
        yield f"得分最高的是{'、'.join(first[:_SHOWN])}（{said['cities'][0]['score']}分）。各市、各部门名次见附件。"


def _problems(now: Mapping[str, Any]) -> Iterator[str]:
    stage = now["progress"]["stages"][0]["title"]
    waiting = [one for one in now["progress"]["offices"] or now["progress"]["cities"] if one["waiting"]]
    waiting.sort(key=lambda one: (-len(one["waiting"]), one["region"], one["office"]))
    if not waiting:
        yield f"没有停在“{stage}”的场景。"
        return
    names = "、".join(f"{_place(now, one)}{len(one['waiting'])}个" for one in waiting[:_SHOWN])
    more = "等" if len(waiting) > _SHOWN else ""
    count = sum(len(one["waiting"]) for one in waiting)
    yield f"{count:,}个场景停在“{stage}”，没有企业对接：{names}{more}。"


def _corrected(now: Sequence[Mapping[str, Any]], older: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    still = {code for one in now for code in one["waiting"]}
    waited = [code for one in older for code in one["waiting"]]
    return sum(code not in still for code in waited), len(waited)


def _ranking(title: str, what: str, now: Mapping[str, Any], older: Mapping[str, Any] | None, level: str) -> Annex:
    earlier = {(one["region"], one["office"]): one for one in older[level]} if older else {}
    stages, rows = now["progress"]["stages"], []
    for one in now["progress"][level]:
        old = earlier.get((one["region"], one["office"]))
        change, corrected = "—", "—"
        if old is not None:
            change = f"{one['score'] - old['score']:+d}" if one["score"] != old["score"] else "0"
            done, waited = _corrected([one], [old])
            corrected = f"{done}/{waited}" if waited else "无问题"
        rows.append((
            str(one["rank"]), _place(now, one), str(one["score"]), f"{one['best_rank']}–{one['worst_rank']}", change,
            *(str(one["reached"][stage["key"]]) for stage in stages), corrected,
        ))  # fmt: skip
    columns = (
        AnnexColumn("名次", number=True), AnnexColumn(what, wide=True), AnnexColumn("得分", number=True),
        AnnexColumn("名次区间", number=True), AnnexColumn("比上期", number=True),
        *(AnnexColumn(stage["title"], number=True) for stage in stages), AnnexColumn("上期已推进", number=True),
    )  # fmt: skip
    return Annex(
        title, columns, tuple(rows), "名次区间：去掉任一步，以及各步分值在20%内变动1000次，名次最高和最低到哪里。", 10
    )


def _money(now: Mapping[str, Any], figures: PublishedFigures) -> Annex:
    kind = next(one for one in now["measures"][0]["kinds"])
    rows = [
        (rank, now["places"][place], figures.text(value)) for rank, place, value in figures.ranked(kind, now["places"])
    ]  # fmt: skip
    rows.append(("", "合计", figures.text(figures.values.get((WHOLE_MEMBER, kind), 0))))
    columns = (AnnexColumn("名次", number=True), AnnexColumn("地方", wide=True), AnnexColumn("数额", number=True))
    return Annex(
        f"{now['kinds'][kind]}：本期拨付（元）", columns, tuple(rows), "没有列出的为零；与资金通报是同一组数。"
    )


def _formula(now: Mapping[str, Any]) -> Annex:
    said = now["progress"]
    rows = tuple(
        (stage["title"], str(stage["points"]), f"{said['register']}.{stage['key']}") for stage in said["stages"]
    )
    columns = (AnnexColumn("每个场景到达", wide=True), AnnexColumn("分值", number=True), AnnexColumn("来源"))
    return Annex("计分公式", columns, rows, f"分值依据：{said['authority']}。随机种子 {said['seed']}。")
