"""Lists that the text ends with 等 and a rule takes for closed without saying so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.law.model import expressions as nodes
from huisuan.law.model.rules import Condition
from huisuan.law.policy.policy import Policy

#: several things and 等: 自建、合建、代建等方式
_ENDLESS = re.compile(r"[^，。；、]*、[^，。；]*?等")


@dataclass(frozen=True)
class EndlessList:
    """A list of a sentence, as written, of which no interpretation says whether it is closed."""

    sentence: str
    text: str


def endless_lists(policy: Policy) -> list[EndlessList]:
    """Every list that ends with 等, is asked for by a rule, and has no question of its own (`open_list`)."""
    found = {
        EndlessList(each.sentence, text) for rule in policy.rules for each in rule.conditions for text in _lists(each)
    }
    return sorted(found, key=lambda endless: (endless.sentence, endless.text))


def _lists(condition: Condition) -> Iterator[str]:
    walked = list(nodes.walk(condition.node))
    asks = any(isinstance(node, nodes.Interpreted) and tuple(node.spec.options) == nodes.OPEN_LIST for node in walked)
    listed = any(
        isinstance(node, nodes.Among) and isinstance(node.members, nodes.Const) and node.members.value
        for node in walked
    )
    if listed and not asks:
        yield from _ENDLESS.findall(condition.phrase)
