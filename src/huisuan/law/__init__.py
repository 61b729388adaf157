"""The language a policy is written in, and its readings. Pure: no database, no web, no clock."""

from datetime import date

from huisuan.law.authoring.anniversaries import anniversary
from huisuan.law.authoring.article import Article, claims
from huisuan.law.authoring.branches import higher_of, lower_of
from huisuan.law.authoring.cost_kinds import counting_costs, excluding_costs
from huisuan.law.authoring.day_of_issue import day_of_issue
from huisuan.law.authoring.days_of_year import days_of_year
from huisuan.law.authoring.declarations import (  # fmt: skip
    Facts,
    boolean,
    budget_setting,
    choice,
    count_setting,
    day,
    integer,
    interpretation,
    legal_day,
    legal_int,
    legal_money,
    legal_share,
    money,
    money_setting,
    rates_setting,
    regions_setting,
    share,
    share_setting,
    text,
    whole,
)
from huisuan.law.authoring.groups import each
from huisuan.law.authoring.open_lists import found_alike, open_list
from huisuan.law.authoring.operators import (  # fmt: skip
    Bool,
    Choice,
    Date,
    Int,
    Money,
    Rates,
    Regions,
    Share,
    Text,
    all_of,
    always,
    any_of,
    opposite,
    when,
)
from huisuan.law.authoring.reading_days import read_on
from huisuan.law.model.claimants import THE_CLAIMANT
from huisuan.law.model.errors import LawError
from huisuan.law.model.handling import ProcedureKind
from huisuan.law.procedure import (
    CONCLUSION,
    SELECTION,
    CriterionSpec,
    Duty,
    FieldKind,
    ProgrammeStep,
    RegisterAnswer,
    RegisterCentre,
    RegisterDraw,
    RegisterFeed,
    RegisterField,
    RegisterJury,
    RegisterLook,
    RegisterMark,
    RegisterMatching,
    RegisterMembers,
    RegisterSpec,
    RegisterTotal,
    Start,
    State,
    audited,
    cap_scope,
    criterion,
    earmarked,
    milestone_contract,
    names,
    panel_review,
    race,
    selection,
    step,
    variant,
)

__all__ = [
    "CONCLUSION", "SELECTION", "THE_CLAIMANT", "Article", "Bool", "Choice", "CriterionSpec", "Date", "Duty", "Facts",
    "FieldKind", "Int", "LawError", "Money", "ProcedureKind", "ProgrammeStep", "Rates", "Regions", "RegisterAnswer",
    "RegisterCentre", "RegisterDraw", "RegisterFeed", "RegisterField", "RegisterJury", "RegisterLook", "RegisterMark",
    "RegisterMatching", "RegisterMembers", "RegisterSpec", "RegisterTotal", "Share", "Start", "State", "Text", "all_of",
    "always", "anniversary", "any_of", "audited", "boolean", "budget_setting", "cap_scope", "choice", "claims",
    "count_setting", "counting_costs", "criterion", "date", "day", "day_of_issue", "days_of_year", "each", "earmarked",
    "excluding_costs", "found_alike", "higher_of", "integer", "interpretation", "legal_day", "legal_int", "legal_money",
    "legal_share", "lower_of", "milestone_contract", "money", "money_setting", "names", "open_list", "opposite",
    "panel_review", "race", "rates_setting", "read_on", "regions_setting", "selection", "share", "share_setting",
    "step", "text", "variant", "when", "whole",
]  # fmt: skip
