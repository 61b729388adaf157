"""The language a policy is written in, and its readings. Pure: no database, no web, no clock."""

from datetime import date

from huisuan.law.articles import Article, claims
from huisuan.law.coverage import ProcedureKind
from huisuan.law.declare import (
    Facts,
    boolean,
    budget_setting,
    choice,
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
)  # fmt: skip
from huisuan.law.handles import (
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
)  # fmt: skip
from huisuan.law.text import LawError

__all__ = [
    "Article", "Bool", "Choice", "Date", "Facts", "Int", "LawError", "Money", "ProcedureKind", "Rates", "Regions",
    "Share", "Text", "all_of", "always", "any_of", "boolean", "budget_setting", "choice", "claims", "date", "day",
    "integer", "interpretation", "legal_day", "legal_int", "legal_money", "legal_share", "money", "money_setting",
    "opposite", "rates_setting", "regions_setting", "share", "share_setting", "text", "when", "whole",
]  # fmt: skip
