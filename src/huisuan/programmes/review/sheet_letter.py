"""The decision sheet as a letter: what was declared before is its body, its lines are annexes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.programmes.review.ranking import DecisionSheet
from huisuan.programmes.review.sheet_workbook import declared_terms, status_name, tie_name, two_decimals

_SIZE = 8  # points: seven columns beside each other on A4


def sheet_letter(sheet: DecisionSheet, names: Mapping[str, str], title: str, version: str) -> Letter:
    """The letter of a sheet; `names` are the applicants' by application, `version` says which frozen one it is."""
    marginal = "、".join(line.application.key for line in sheet.marginal())
    body = (
        Part(version),
        Part("一、事前声明", "heading"),
        *(Part(f"{name}：{text}。") for name, text in declared_terms(sheet, title)),
        *((Part("二、预算边缘", "heading"), Part(f"边缘的一件和它的前后：{marginal}。")) if marginal else ()),
    )
    return Letter(f"{title}决策表", body, annexes=(_amounts(sheet, names), _order(sheet)))


def frozen_words(call: str, number: int, by: str, at: datetime, reason: str) -> str:
    """Which frozen sheet of a call it is, by whom and when; `reason` is why there is a later one."""
    when = f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    return f"申报通知 {call} 的决策表第 {number} 版，{when} 由 {by} 冻结。{reason}"


def _amounts(sheet: DecisionSheet, names: Mapping[str, str]) -> Annex:
    columns = (
        AnnexColumn("名次", number=True), AnnexColumn("申报"), AnnexColumn("单位", wide=True),
        AnnexColumn("得分", number=True), AnnexColumn("应拨（元）", number=True),
        AnnexColumn("拟拨（元）", number=True), AnnexColumn("意见"),
    )  # fmt: skip
    rows = tuple(
        (
            str(line.rank), line.application.key, names.get(line.application.key, ""),
            str(two_decimals(line.application.score)), yuan(line.application.owed_fen), yuan(line.funded_fen),
            status_name(line),
        )
        for line in sheet.lines
    )  # fmt: skip
    return Annex("名次与金额", columns, rows, f"合计拟拨 {yuan(sheet.funded_fen)} 元。", size=_SIZE)


def _order(sheet: DecisionSheet) -> Annex:
    columns = (
        AnnexColumn("名次", number=True), AnnexColumn("申报"), AnnexColumn("得分（分数）", wide=True),
        AnnexColumn("极差", number=True), AnnexColumn("累计应拨（元）", number=True), AnnexColumn("同分依据"),
    )  # fmt: skip
    rows = tuple(
        (
            str(line.rank), line.application.key, str(line.application.score),
            str(two_decimals(line.application.spread)), yuan(line.running_fen), tie_name(line.tie),
        )
        for line in sheet.lines
    )  # fmt: skip
    return Annex("排序依据", columns, rows, size=_SIZE)
