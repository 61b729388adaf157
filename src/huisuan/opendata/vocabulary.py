"""The closed words of the list, and the ways in which departments write them. Pure.

Access is of three classes (as the province's rules on public data divide them); grades are those of GB/T 43697-2024.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from django.db.models import TextChoices

_Word = TypeVar("_Word", bound=TextChoices)


class Access(TextChoices):
    """On which terms data is open."""

    OPEN = "open"
    CONDITIONAL = "conditional"
    CLOSED = "closed"


class DataKind(TextChoices):
    """What there is of it."""

    TABLE = "table"
    DOCUMENTS = "documents"
    ARCHIVES = "archives"
    GAZETTEER = "gazetteer"
    INTERFACE = "interface"


class Updates(TextChoices):
    """How often it is brought up to date."""

    REALTIME = "realtime"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    ONCE = "once"


class ColumnRole(TextChoices):
    """What a column says of somebody."""

    IDENTIFIER = "identifier"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE = "sensitive"
    PLAIN = "plain"


class Attribute(TextChoices):
    """What is printed at the end of an official document: how it may be disclosed."""

    DISCLOSED = "disclosed"
    ON_REQUEST = "on_request"
    WITHHELD = "withheld"


#: USCC of the provider, level (1 state, 2 province, 3 city, 4 county), class and number
CODE_PATTERN = r"^[0-9A-HJ-NP-RTUW-Y]{18}-[1-4]-[0-9]{3}-[0-9]{6}$"
PROVIDER_LENGTH = 18  # characters of a code that are the USCC of its provider
GENERAL_GRADE = "一般"  # the only grade that may stand on the list

#: the word of the list first, then what departments write for it
ACCESS_WORDS: Mapping[Access, tuple[str, ...]] = {
    Access.OPEN: ("无条件开放", "完全开放", "普遍开放", "开放"),
    Access.CONDITIONAL: ("有条件开放", "受限开放", "依申请开放", "授权开放"),
    Access.CLOSED: ("不予开放", "禁止开放", "非开放", "不开放", "暂不开放"),
}
KIND_WORDS: Mapping[DataKind, tuple[str, ...]] = {
    DataKind.TABLE: ("数据表", "库表", "表格", "数据集"),
    DataKind.DOCUMENTS: ("文书", "公文", "文档", "文件"),
    DataKind.ARCHIVES: ("档案",),
    DataKind.GAZETTEER: ("地方志", "志书", "方志", "年鉴"),
    DataKind.INTERFACE: ("接口", "api", "服务接口"),
}
FREQUENCY_WORDS: Mapping[Updates, tuple[str, ...]] = {
    Updates.REALTIME: ("实时",),
    Updates.DAILY: ("每日", "每天", "按日", "日"),
    Updates.WEEKLY: ("每周", "按周", "周"),
    Updates.MONTHLY: ("每月", "按月", "月", "月度"),
    Updates.QUARTERLY: ("每季度", "按季", "每季", "按季度", "季度", "季"),
    Updates.HALF_YEARLY: ("每半年", "按半年", "半年"),
    Updates.YEARLY: ("每年", "按年", "年", "年度"),
    Updates.ONCE: ("一次性", "不更新", "静态"),
}
ROLE_WORDS: Mapping[ColumnRole, tuple[str, ...]] = {
    ColumnRole.IDENTIFIER: ("标识", "标识符", "直接标识"),
    ColumnRole.QUASI_IDENTIFIER: ("准标识", "准标识符"),
    ColumnRole.SENSITIVE: ("敏感", "敏感属性"),
    ColumnRole.PLAIN: ("一般", "普通"),
}
ATTRIBUTE_WORDS: Mapping[Attribute, tuple[str, ...]] = {
    Attribute.DISCLOSED: ("主动公开",),
    Attribute.ON_REQUEST: ("依申请公开",),
    Attribute.WITHHELD: ("不予公开", "不公开"),
}
#: the class that a document's attribute goes with
ACCESS_OF_ATTRIBUTE: Mapping[Attribute, Access] = {
    Attribute.DISCLOSED: Access.OPEN,
    Attribute.ON_REQUEST: Access.CONDITIONAL,
    Attribute.WITHHELD: Access.CLOSED,
}


def fold(text: str) -> str:
    """A text by which words are compared: half width, lower case, without any space."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def find_word(words: Mapping[_Word, tuple[str, ...]], text: str) -> _Word | None:
    """What a department's word stands for; its own key counts, too. None: nothing known."""
    asked = fold(text)
    return next((key for key, known in words.items() if asked == key or asked in map(fold, known)), None)


def nearest_word(words: Mapping[_Word, tuple[str, ...]], text: str) -> str:
    """The word of the list that somebody may have meant; "" where none comes near."""
    known = {fold(word): all_words[0] for all_words in words.values() for word in all_words}
    near = get_close_matches(fold(text)[:40], list(known), n=1, cutoff=0.5)
    return known[near[0]] if near else ""


def list_word(words: Mapping[_Word, tuple[str, ...]], key: str) -> str:
    """The word of the list for a key."""
    return next((all_words[0] for each, all_words in words.items() if each == key), key)
