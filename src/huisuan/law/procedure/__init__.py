"""How a programme is carried out: its steps, who takes each, by when; data beside the rule that it serves.

`model`, `review` and `registers` are what an article declares, `checks` refuses what cannot be carried out, `sentences`
prints it as numbered sentences and `drawing` as a picture of the same data. Pure: no database, no clock. Anything above
the law's own floor may use what is named here; policies declare through `Article.programme` and `Article.register`.
"""

from huisuan.law.procedure.cap_scopes import CapScope, cap_scope
from huisuan.law.procedure.contracts import (
    CONCLUSION,
    AuditSpec,
    ContractSpec,
    RaceSpec,
    audited,
    milestone_contract,
    race,
)
from huisuan.law.procedure.drawing import draw_programme
from huisuan.law.procedure.model import (
    CLOSING_STATES,
    OWN_DAY,
    Duty,
    EarmarkSpec,
    ProgrammeSpec,
    ProgrammeStep,
    Start,
    State,
    earmarked,
    procedure_digest,
    step,
    variant,
)
from huisuan.law.procedure.objects import OBJECT_WORDS, OWN_SERIES, ClaimObjectSpec, Held, ObjectKind, names
from huisuan.law.procedure.offices import EACH_CITY, names_each_city, office_in_city, offices_named
from huisuan.law.procedure.register_links import (
    HOLDERS,
    RegisterAnswer,
    RegisterCentre,
    RegisterDraw,
    RegisterFeed,
    RegisterJury,
    RegisterLook,
    RegisterMark,
    RegisterMatching,
    RegisterMembers,
)
from huisuan.law.procedure.registers import COMMON_COLUMNS, FieldKind, RegisterField, RegisterSpec, RegisterTotal
from huisuan.law.procedure.review import CriterionSpec, ReviewSpec, criterion, panel_review
from huisuan.law.procedure.selection import SELECTION, SelectionSpec, selection
from huisuan.law.procedure.sentences import programme_sentences
from huisuan.law.procedure.words import ACTION_WORDS, DUTY_WORDS, START_WORDS, STATE_WORDS, ActionWords, StateWords

__all__ = [
    "ACTION_WORDS",
    "CLOSING_STATES",
    "COMMON_COLUMNS",
    "CONCLUSION",
    "DUTY_WORDS",
    "EACH_CITY",
    "HOLDERS",
    "OBJECT_WORDS",
    "OWN_DAY",
    "OWN_SERIES",
    "SELECTION",
    "START_WORDS",
    "STATE_WORDS",
    "ActionWords",
    "AuditSpec",
    "CapScope",
    "ClaimObjectSpec",
    "ContractSpec",
    "CriterionSpec",
    "Duty",
    "EarmarkSpec",
    "FieldKind",
    "Held",
    "ObjectKind",
    "ProgrammeSpec",
    "ProgrammeStep",
    "RaceSpec",
    "RegisterAnswer",
    "RegisterCentre",
    "RegisterDraw",
    "RegisterFeed",
    "RegisterField",
    "RegisterJury",
    "RegisterLook",
    "RegisterMark",
    "RegisterMatching",
    "RegisterMembers",
    "RegisterSpec",
    "RegisterTotal",
    "ReviewSpec",
    "SelectionSpec",
    "Start",
    "State",
    "StateWords",
    "audited",
    "cap_scope",
    "criterion",
    "draw_programme",
    "earmarked",
    "milestone_contract",
    "names",
    "names_each_city",
    "office_in_city",
    "offices_named",
    "panel_review",
    "procedure_digest",
    "programme_sentences",
    "race",
    "selection",
    "step",
    "variant",
]  # fmt: skip
