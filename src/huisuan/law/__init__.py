"""The language a policy is written in, and its readings. Pure: no database, no web, no clock."""

from datetime import date

from huisuan.law.declare import (
    Facts,
    boolean,
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
    Regions,
    Share,
    Text,
    all_of,
    any_of,
    opposite,
    when,
)  # fmt: skip
from huisuan.law.rules import Article
from huisuan.law.text import LawError

__all__ = [
    "Article", "Bool", "Choice", "Date", "Facts", "Int", "LawError", "Money", "Regions", "Share", "Text", "all_of",
    "any_of", "boolean", "choice", "date", "day", "integer", "interpretation", "legal_day", "legal_int", "legal_money",
    "legal_share", "money", "money_setting", "opposite", "regions_setting", "share", "share_setting", "text", "when",
    "whole",
]  # fmt: skip
