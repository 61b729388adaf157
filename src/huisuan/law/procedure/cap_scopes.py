"""Of what a limit is one where its sentence does not say: a project whatever the year, its year, a city, a task.

It bears on several claims together, so no single answer of the rule shows it: the platform asks when it grants.
"""

from __future__ import annotations

from enum import StrEnum

from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import InterpretationSpec


class CapScope(StrEnum):
    """What the claims have in common that share one limit."""

    PROJECT = "project"
    PROJECT_YEAR = "project_year"
    CITY = "city"
    RUNNER = "runner"
    TASK = "task"


#: of the limit of a city's share, and of that of a race
SHARE_SCOPES = frozenset({CapScope.PROJECT, CapScope.PROJECT_YEAR, CapScope.CITY})
RACE_SCOPES = frozenset({CapScope.RUNNER, CapScope.TASK})


def cap_scope(question: object) -> InterpretationSpec:
    """The question of what a limit is one, as an article hands it to its programme or race.

    Raises:
        LawError: no interpretation, or one with options that mean nothing here.
    """
    spec = getattr(question, "spec", None)
    known = (SHARE_SCOPES, RACE_SCOPES)
    if not isinstance(spec, InterpretationSpec) or all(not set(spec.options) <= scopes for scopes in known):
        raise LawError(
            f"上限按什么计（cap_scope）须是解释口径，选项出自 {'、'.join(sorted(SHARE_SCOPES))}，"
            f"赛马的出自 {'、'.join(sorted(RACE_SCOPES))}",
            code="law.cap_scope_unknown",
        )
    return spec


def text_amount(handle: object, place: str) -> int:
    """The fen of an amount that the text fixes (`legal_money`).

    Raises:
        LawError: it is none.
    """
    node = getattr(handle, "node", None)
    while isinstance(node, nodes.Cited):
        node = node.node
    if not isinstance(node, nodes.Const) or not isinstance(node.value, int):
        raise LawError(f"{place}须是条文中的金额（legal_money）", code="law.cap_not_of_the_text")
    return node.value
