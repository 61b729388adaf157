"""How each sentence of a policy is accounted for: by a rule, a programme, a procedure or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from huisuan.law.model.expressions import SettingSpec


class ProcedureKind(StrEnum):
    """What an office does under a sentence."""

    PROGRAMME = "programme"
    LIST = "list"
    TITLE = "title"
    PRIORITY = "priority"
    CHANNEL = "channel"
    RULES = "rules"


PROCEDURES_ZH = {
    ProcedureKind.PROGRAMME: "计划", ProcedureKind.LIST: "清单", ProcedureKind.TITLE: "称号",
    ProcedureKind.PRIORITY: "优先", ProcedureKind.CHANNEL: "通道", ProcedureKind.RULES: "细则",
}  # fmt: skip


class Handling(StrEnum):
    """How a sentence is accounted for."""

    COMPUTED = "computed"
    PROCEDURAL = "procedural"
    DECLARED = "declared"
    OPEN = "open"


HANDLINGS_ZH = {
    Handling.COMPUTED: "计算", Handling.PROCEDURAL: "程序", Handling.DECLARED: "宣示", Handling.OPEN: "未处理",
}  # fmt: skip


@dataclass(frozen=True)
class Procedure:
    """A sentence that sets something up which offices do."""

    sentence: str
    phrase: str
    kind: ProcedureKind
    what: str
    what_en: str
    responsible: str = ""  # where the sentence itself names who does it
    cooperating: str = ""


@dataclass(frozen=True)
class Declaration:
    """A sentence with nothing to decide, and why."""

    sentence: str
    phrase: str
    reason: str
    reason_en: str


@dataclass(frozen=True)
class Modification:
    """A sentence that changes what others pay, through a setting."""

    sentence: str
    phrase: str
    setting: SettingSpec
    what: str
    what_en: str


@dataclass(frozen=True)
class Validity:
    """The sentence that says until when the policy holds."""

    sentence: str
    phrase: str


SentenceHandling: TypeAlias = Procedure | Declaration | Modification | Validity
