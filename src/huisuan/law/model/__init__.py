"""What a policy is made of: values, expressions, rules, answers, and how each sentence is accounted for.

Pure data with exact arithmetic; nothing here reads a file. Any room may import it. The nodes of
expressions are used by their module: `from huisuan.law.model import expressions`.
"""

from huisuan.law.model.answers import STATUS_ZH, Answer, NeededChange, Reason, SettingUsed, Status, Step
from huisuan.law.model.claimants import CLAIMANT_KINDS
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.fact_hints import compared_number, is_metered, smallest_cap
from huisuan.law.model.handling import Handling
from huisuan.law.model.ranges import Range
from huisuan.law.model.rules import Condition, DayBasis, Rule, RuleKind
from huisuan.law.model.use_window import WHOLE_YEAR, UseWindow
from huisuan.law.model.values import (
    InvalidValue,
    Value,
    ValueKind,
    format_fen,
    format_share,
    format_value,
    parse_chinese_money,
    parse_date,
    parse_share,
    parse_value,
    to_json,
)

__all__ = [
    "CLAIMANT_KINDS",
    "STATUS_ZH",
    "WHOLE_YEAR",
    "Answer",
    "Condition",
    "DayBasis",
    "FactSpec",
    "Handling",
    "InterpretationSpec",
    "InvalidValue",
    "LawError",
    "NeededChange",
    "Range",
    "Reason",
    "Rule",
    "RuleKind",
    "SettingSpec",
    "SettingUsed",
    "Status",
    "Step",
    "UseWindow",
    "Value",
    "ValueKind",
    "compared_number",
    "format_fen",
    "format_share",
    "format_value",
    "is_metered",
    "parse_chinese_money",
    "parse_date",
    "parse_share",
    "parse_value",
    "smallest_cap",
    "to_json",
]
