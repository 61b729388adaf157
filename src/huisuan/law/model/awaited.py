"""Conditions that ask no more than whether a region has set its share: they wait for it, and do not fail. Pure."""

from __future__ import annotations

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import Node, SettingSpec
from huisuan.law.model.values import ValueKind


def awaited_setting(condition: Node) -> SettingSpec | None:
    """The setting by region of which a condition says only that the region has set it; None of any other condition."""
    while isinstance(condition, nodes.Cited):
        condition = condition.node
    members = condition.members if isinstance(condition, nodes.Among) else None
    return members.spec if isinstance(members, nodes.Setting) and members.spec.kind == ValueKind.RATES else None


def awaited_region(condition: Node) -> Node:
    """The region that such a condition asks for."""
    while isinstance(condition, nodes.Cited):
        condition = condition.node
    assert isinstance(condition, nodes.Among), "not a condition on a region's setting"
    return condition.value
