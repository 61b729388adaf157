"""The words of a bulletin on openness, from its snapshot and the one before: nothing in it but what these say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part

#: what is asked for where the office writes nothing of its own
DEMANDS = (
    "各市、各部门要对照附件逐条整改，未达到的条目在下一期通报前补齐；确实不能开放的，写明法律依据和理由。",
    "对得分和名次有异议的，在规定的工作日内书面提出，经核实后以更正版通报。",
)
#: the same of money, use and scenarios
FIGURES_DEMANDS = (
    "各市、各部门要对照附件核对本地的数，有出入的在下一期通报前书面提出，经核实后以更正版通报。",
    "数据文件随通报发布，任何人可以重做本通报，逐字节核对。",
)
_SHOWN = 5


@dataclass(frozen=True)
class BulletinHead:
    """What an office adds: the period as it is called (2026年第三季度), and what it asks for next."""

    period: str
    demands: tuple[str, ...] = DEMANDS


def compose_openness(now: Mapping[str, Any], before: Mapping[str, Any] | None, head: BulletinHead) -> Letter:
    """The whole bulletin."""
    body = (
        Part("一、总体情况", "heading"), Part(_overview(now, before)), *_leaders(now),
        Part("二、主要问题", "heading"), *(Part(text) for text in _problems(now)),
        Part("三、下一步工作要求", "heading"), *(Part(text) for text in head.demands),
    )  # fmt: skip
    annexes = (
        _ranking("各市公共数据开放得分和名次", "市", now, before, "cities"),
        _ranking("各部门公共数据开放得分和名次", "部门", now, before, "departments"),
        _formula(now),
    )
    note = f"快照 {now['sha256']}" + (f"；上期快照 {before['sha256']}" if before else "；首期，没有上期可比")
    return Letter(f"关于{head.period}公共数据开放情况的通报", body, annexes=annexes, note=note)


def office_name(row: Mapping[str, Any], regions: Mapping[str, str]) -> str:
    """A city by its name; a department, which often names its city already, by its own and its region's."""
    region = regions.get(row["region"], row["region"])
    department = str(row["department"])
    return f"{department}（{region}）" if department else region


def _overview(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    day, rows = date.fromisoformat(now["day"]), now["departments"]
    full = sum(one["points"] for one in now["formula"]["criteria"])
    entries = sum(one["entries"] for one in rows)
    said = (
        f"截至{day.year}年{day.month}月{day.day}日，{len(now['cities'])}个市、{len(rows)}个部门列入评估，"
        f"开放清单共有条目{entries:,}条。按公开的公式逐条计分，满分{full}分，部门平均{_mean(rows)}分。"
    )
    if before and before["departments"]:
        corrected, total = _corrected_of_all(now, before)
        said += f"上期部门平均{_mean(before['departments'])}分；上期的{total:,}个问题已整改{corrected:,}个。"
    return said


def _mean(rows: Sequence[Mapping[str, Any]]) -> str:
    """To a tenth, halves up."""
    if not rows:
        return "0"
    tenths = int(Fraction(sum(one["score"] for one in rows) * 10, len(rows)) + Fraction(1, 2))
    return f"{tenths // 10}.{tenths % 10}"


def _leaders(now: Mapping[str, Any]) -> Iterator[Part]:
    if cities := now["cities"]:
        first = [office_name(one, now["regions"]) for one in cities if one["rank"] == 1]
        last = [office_name(one, now["regions"]) for one in cities if one["rank"] == cities[-1]["rank"]]
        yield Part(f"各市得分最高的是{'、'.join(first)}（{cities[0]['score']}分）。")
        if cities[-1]["rank"] > 1:
            yield Part(f"得分最低的是{'、'.join(last)}（{cities[-1]['score']}分）。各市、各部门名次见附件。")


def _problems(now: Mapping[str, Any]) -> list[str]:
    """Each criterion that some department fails, those that most fail first."""
    found = []
    for at, one in enumerate(now["formula"]["criteria"]):
        failing = [row for row in now["departments"] if one["code"] in row["failing"]]
        if failing:
            found.append((-len(failing), at, one["text"], failing))
    texts = []
    for _, _, text, failing in sorted(found, key=lambda each: each[:2]):
        names = "、".join(office_name(row, now["regions"]) for row in failing[:_SHOWN])
        more = "等" if len(failing) > _SHOWN else ""
        texts.append(f"“{text}”：{len(failing)}个部门没有达到，包括{names}{more}。")
    return texts or ["没有部门有未达到的项目。"]


def _faults(row: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(code, by) for code, each in row["failing"].items() for by in each or [""]}


def _corrected_of_all(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[int, int]:
    current = {(one["region"], one["department"]): _faults(one) for one in now["departments"]}
    pairs = [(_faults(one), current.get((one["region"], one["department"]))) for one in before["departments"]]
    total = sum(len(old) for old, _ in pairs)
    return sum(len(old - new) for old, new in pairs if new is not None), total


def _ranking(title: str, what: str, now: Mapping[str, Any], before: Mapping[str, Any] | None, level: str) -> Annex:
    earlier = {(one["region"], one["department"]): one for one in before[level]} if before else {}
    rows = []
    for one in now[level]:
        old = earlier.get((one["region"], one["department"]))
        change, corrected = "—", "—"
        if old is not None:
            change = f"{one['score'] - old['score']:+d}" if one["score"] != old["score"] else "0"
            faults = _faults(old)
            corrected = f"{len(faults - _faults(one))}/{len(faults)}" if faults else "无问题"
        span = f"{one['best_rank']}–{one['worst_rank']}"
        rows.append((str(one["rank"]), office_name(one, now["regions"]), str(one["score"]), span, change, corrected))
    columns = (
        AnnexColumn("名次", number=True), AnnexColumn(what, wide=True), AnnexColumn("得分", number=True),
        AnnexColumn("名次区间", number=True), AnnexColumn("比上期", number=True),
        AnnexColumn("上期问题已整改", number=True),
    )  # fmt: skip
    return Annex(
        title, columns, tuple(rows), "名次区间：去掉任一项，以及各项分值在20%内变动1000次，名次最高和最低到哪里。"
    )


def _formula(now: Mapping[str, Any]) -> Annex:
    formula = now["formula"]
    rows = tuple((one["group"], one["text"], str(one["points"]), one["query"]) for one in formula["criteria"])
    columns = (
        AnnexColumn("类别"), AnnexColumn("项目（是或否）", wide=True), AnnexColumn("分值", number=True),
        AnnexColumn("来源查询"),
    )  # fmt: skip
    return Annex("计分公式", columns, rows, f"分值依据：{formula['authority']}。随机种子 {formula['seed']}。", 10)
