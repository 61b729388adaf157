"""How each sentence of a policy is accounted for: by a rule, a programme, a procedure or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from huisuan.law.model.expressions import InterpretationSpec, SettingSpec


class ProcedureKind(StrEnum):
    """What an office does under a sentence."""

    PROGRAMME = "programme"
    LIST = "list"
    TITLE = "title"
    PRIORITY = "priority"
    CHANNEL = "channel"
    RULES = "rules"


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
    """The sentence that says until when the policy holds, and the questions that it leaves open.

    `replaced`: does a later policy end this one ("ends"), or does it run out by itself ("runs")? `began_within` and
    `began_before`: is what began within the validity and ends after it, or began before it and ends within, covered
    ("covered") or not ("not_covered")? Without the question a later policy ends it, and the day alone decides.
    """

    sentence: str
    phrase: str
    replaced: InterpretationSpec | None = None
    began_within: InterpretationSpec | None = None
    began_before: InterpretationSpec | None = None

    @property
    def questions(self) -> tuple[InterpretationSpec, ...]:
        """Those of the three that are asked."""
        return tuple(spec for spec in (self.replaced, self.began_within, self.began_before) if spec is not None)


SentenceHandling: TypeAlias = Procedure | Declaration | Modification | Validity
