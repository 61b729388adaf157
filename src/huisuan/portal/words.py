"""States in words, each with its tone; a tone never stands without its word.

Tones: good, wait, bad, plain. The labels are the Chinese msgids; `gettext` at the edge makes them English.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

MARKS = {"good": "✓", "wait": "…", "bad": "✗", "plain": "·"}


@dataclass(frozen=True)
class Word:
    """A state as it is read: its word, its tone, and the mark that says the same without colour."""

    label: str | Promise
    tone: str = "plain"

    @property
    def mark(self) -> str:
        """The sign that stands beside the word."""
        return MARKS[self.tone]

    def __str__(self) -> str:
        return str(self.label)


JOB = {
    "submitted": Word(_("已提交"), "wait"),
    "placed": Word(_("已调度"), "wait"),
    "running": Word(_("运行中"), "wait"),
    "done": Word(_("完成"), "good"),
    "failed": Word(_("失败"), "bad"),
    "cancelled": Word(_("已取消"), "plain"),
    "lost": Word(_("失联"), "bad"),
}

ENTITLEMENT = {
    "eligible": Word(_("符合条件"), "good"),
    "not_eligible": Word(_("不符合条件"), "bad"),
    "missing_facts": Word(_("缺少事实"), "wait"),
    "not_in_force": Word(_("不在有效期内"), "plain"),
    "discretionary": Word(_("一事一议"), "wait"),
    "budget_exhausted": Word(_("预算已用完"), "wait"),
}

PARTY = {
    "enterprise": _("企业"),
    "university": _("高校"),
    "institute": _("科研院所"),
    "city": _("市"),
    "department": _("部门"),
    "centre_operator": _("算力中心运营方"),
}

ROLE = {
    "user": _("算力使用方"),
    "centre": _("算力中心运营方"),
    "city": _("市"),
    "province": _("省专班"),
    "auditor": _("审计"),
}


FACT_KIND = {
    "money": _("金额"),
    "bool": _("是否"),
    "int": _("整数"),
    "share": _("比例"),
    "date": _("日期"),
    "choice": _("选项"),
    "text": _("文字"),
    "regions": _("地区"),
}


def word(words: dict[str, Word], state: str) -> Word:
    """The word for a state; a state that has none is shown as it is."""
    return words.get(state) or Word(state)


def named(thing: Any) -> str:
    """The name of a party, centre or region in the reader's language, where it has one."""
    chinese = getattr(thing, "name", "") or getattr(thing, "name_zh", "")
    english = getattr(thing, "name_en", "")
    return str(english if english and (get_language() or "").startswith("en") else chinese)
