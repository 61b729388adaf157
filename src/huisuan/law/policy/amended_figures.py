"""What if the law named another figure: its caps and shares replaced in the rules, its text left as it is.

A setting may only move within the law's bound; a figure that stands in the law itself may not move at all. What is
computed here is therefore no answer under the law, and every page and command that shows it must say so (`NOTICE`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Node
from huisuan.law.model.fact_hints import constant_value
from huisuan.law.model.rewriting import rewrite_tree
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, ValueKind, format_fen, format_share, parse_chinese_money, parse_share
from huisuan.law.policy.load import prove_bounds
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.sources import Source, sources_digest
from huisuan.law.policy.toml_documents import SettingsDocument

NOTICE, NOTICE_EN = "假设：法律未改", "supposed: the law is unchanged"
NO_CAP, NO_CAP_EN = "无", "none"


class FigureKind(StrEnum):
    """What can be supposed to be otherwise; the value is the table of a scenario that does so."""

    CAP = "caps"
    RATE = "rates"


@dataclass(frozen=True)
class LegalFigure:
    """A figure that a sentence of the law names and a rule computes with: a cap (fen) or a share."""

    kind: FigureKind
    sentence: str
    phrase: str
    value: int | Fraction

    @property
    def text(self) -> str:
        """The figure as people read it."""
        return _format_figure(self.kind, self.value)


@dataclass(frozen=True)
class AmendedFigure:
    """A figure of the law and what it is supposed to be instead; None: there is no cap."""

    figure: LegalFigure
    amended: int | Fraction | None

    @property
    def text(self) -> str:
        """What is supposed, as people read it."""
        return NO_CAP if self.amended is None else _format_figure(self.figure.kind, self.amended)

    def to_dict(self) -> dict[str, Any]:
        """The supposition with its mark; money as integer fen (or an exact fraction as text), a share as text."""
        return {
            "kind": self.figure.kind.value,
            "sentence": self.figure.sentence,
            "phrase": self.figure.phrase,
            "law": _figure_to_json(self.figure.kind, self.figure.value),
            "supposed": _figure_to_json(self.figure.kind, self.amended),
            "mark": NOTICE,
        }


def legal_figures(policy: Policy) -> tuple[LegalFigure, ...]:
    """Every cap and share that the text itself names and a rule computes with, in the order of the text."""
    rules = (*policy.rules, *policy.versions)
    named = (_figure(node) for rule in rules for root in rule.roots for node in nodes.walk(root))
    order = list(policy.text.sentences)
    found = {figure for figure in named if figure is not None}
    return tuple(
        sorted(found, key=lambda figure: (order.index(figure.sentence), figure.kind, figure.value, figure.phrase))
    )


def _figure(node: Node) -> LegalFigure | None:
    """The figure that this very node names, if it names one."""
    if not isinstance(node, nodes.Cited):
        return None
    if isinstance(node.node, nodes.Cap):
        limit = constant_value(node.node.limit)
        return None if limit is None else LegalFigure(FigureKind.CAP, node.sentence, node.phrase, limit)
    if isinstance(node.node, nodes.Const) and node.node.kind == ValueKind.SHARE:
        return LegalFigure(FigureKind.RATE, node.sentence, node.phrase, Fraction(str(node.node.value)))
    return None


def parse_amendments(document: SettingsDocument, policy: Policy) -> tuple[AmendedFigure, ...]:
    """What the tables `[caps]` and `[rates]` of a scenario suppose, by sentence.

    Raises:
        LawError: naming file and line: no such figure, or no such value.
    """
    found: list[AmendedFigure] = []
    for kind in FigureKind:
        for sentence, raw in document.table(kind.value).items():
            try:
                found.extend(parse_amendment(policy, kind, sentence, raw))
            except LawError as error:
                raise LawError(f"{document.place(sentence)}：[{kind.value}] {error}", code=error.code) from None
    return tuple(found)


def parse_amendment(policy: Policy, kind: FigureKind, sentence: str, raw: object) -> tuple[AmendedFigure, ...]:
    """What a scenario says of a sentence's figure: "500万元", fen, "50%" of it, "无"; of a share: "25%", "1/4".

    Raises:
        LawError: the sentence names no such figure, or several where one amount cannot replace them; no such value.
    """
    named = [figure for figure in legal_figures(policy) if figure.kind == kind and figure.sentence == sentence]
    if not named:
        raise LawError(_no_such_figure(policy, kind, sentence), code="law.figure_unknown")
    supposed = [_parse_amended_value(figure, raw) for figure in named]
    if len(named) > 1 and not _is_share_of_a_cap(kind, raw):
        shown = "、".join(figure.text for figure in named)
        raise LawError(
            f"第 {sentence} 句写有几个数（{shown}），不能用一个数替换；封顶额可写成百分数，如 50%",
            code="law.figure_ambiguous",
        )
    return tuple(AmendedFigure(figure, value) for figure, value in zip(named, supposed, strict=True))


def _parse_amended_value(figure: LegalFigure, raw: object) -> int | Fraction | None:
    try:
        if figure.kind == FigureKind.RATE:
            rate = parse_share(str(raw))
            if rate > 1:
                raise InvalidValue(f"“{raw}”超过 100%")
            return rate
        if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
            return raw
        text = str(raw).strip()
        if text in (NO_CAP, NO_CAP_EN):
            return None
        return parse_share(text) * figure.value if _is_share_of_a_cap(figure.kind, text) else parse_chinese_money(text)
    except InvalidValue as wrong:
        hint = "；封顶额写金额（500万元）、原额的百分数（50%）或“无”" if figure.kind == FigureKind.CAP else ""
        raise LawError(f"{wrong}{hint}", code="law.figure_malformed") from None


def _is_share_of_a_cap(kind: FigureKind, raw: object) -> bool:
    return kind == FigureKind.CAP and str(raw).strip().endswith("%")


def _no_such_figure(policy: Policy, kind: FigureKind, sentence: str) -> str:
    what = {FigureKind.CAP: "封顶额", FigureKind.RATE: "固定比例"}[kind]
    known = "、".join(dict.fromkeys(figure.sentence for figure in legal_figures(policy) if figure.kind == kind))
    settings = "、".join(spec.name for spec in policy.setting_specs().values() if spec.sentence == sentence)
    instead = f"；该句的数由参数 {settings} 定，请写在 [settings]" if settings else ""
    return f"第 {sentence} 句没有法律写定的{what}{instead}；有的句：{known or '无'}"


def amend_figures(policy: Policy, suppositions: tuple[AmendedFigure, ...]) -> Policy:
    """The policy as if the law named these figures; its text stays, and its digest is another one.

    Raises:
        LawError: with these figures a rule could overflow 64 bits.
    """
    if not suppositions:
        return policy
    by_figure = {amendment.figure: amendment.amended for amendment in suppositions}
    listed = "\n".join(
        f"{amendment.figure.kind} {amendment.figure.sentence} {amendment.figure.value} {amendment.amended}"
        for amendment in suppositions
    )
    sources = (*policy.sources, Source("figures", Path(os.devnull), hashlib.sha256(listed.encode()).hexdigest()))
    rules, versions = (
        tuple(_amend_rule(rule, by_figure) for rule in group) for group in (policy.rules, policy.versions)
    )
    changed = replace(policy, rules=rules, versions=versions, sources=sources, digest=sources_digest(sources))
    prove_bounds(changed)
    return changed


def _amend_rule(rule: Rule, by_figure: Mapping[LegalFigure, int | Fraction | None]) -> Rule:
    def change(node: Node) -> Node:
        figure = _figure(node)
        return _replace_figure(node, by_figure[figure]) if figure is not None and figure in by_figure else node

    return replace(
        rule,
        conditions=tuple(
            replace(condition, node=rewrite_tree(condition.node, change)) for condition in rule.conditions
        ),
        amount=None if rule.amount is None else rewrite_tree(rule.amount, change),
        priority=None if rule.priority is None else rewrite_tree(rule.priority, change),
    )


def _replace_figure(node: Node, value: int | Fraction | None) -> Node:
    match node:
        case nodes.Cited(node=nodes.Const()):
            return replace(node, node=nodes.Const(Fraction(value or 0), ValueKind.SHARE))
        case nodes.Cited(node=nodes.Cap() as cap) if value is None:
            return replace(node, node=cap.amount)
        case nodes.Cited(node=nodes.Cap() as cap):
            return replace(node, node=replace(cap, limit=nodes.Const(value or 0, ValueKind.MONEY)))
    return node


def _format_figure(kind: FigureKind, value: int | Fraction) -> str:
    return format_share(Fraction(value)) if kind == FigureKind.RATE else f"{format_fen(value)} 元"


def _figure_to_json(kind: FigureKind, value: int | Fraction | None) -> int | str | None:
    if value is None:
        return None
    exact = Fraction(value)
    if kind == FigureKind.RATE:
        return format_share(exact)
    return exact.numerator if exact.denominator == 1 else str(exact)
