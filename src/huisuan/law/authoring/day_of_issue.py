"""The day on which a policy was issued, where a sentence counts from it without naming it again (自发布之日起)."""

from __future__ import annotations

from huisuan.law.authoring.operators import Date
from huisuan.law.authoring.registry import current_registry
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.values import ValueKind

_NAMED = ("发布之日", "印发之日", "公布之日")


def day_of_issue(sentence: str, phrase: str) -> Date:
    """The day `issued` of the policy; the phrase must speak of it.

    Raises:
        LawError: it does not, or no policy is being loaded.
    """
    if not any(word in phrase for word in _NAMED):
        raise LawError(
            f"{sentence}：引文“{phrase}”没有写到{'、'.join(_NAMED)}，不能取政策的印发日",
            code="law.day_of_issue_not_quoted",
        )
    issued = nodes.Const(current_registry().issued, ValueKind.DATE)
    return Date(nodes.Cited(issued, sentence, phrase, ValueKind.DATE))
