"""The reading of one claim: decided, with reasons in words, what is missing, and what would change the answer.

Above the policy; it needs no SQL and no database. Pages, the API and settlement import what is named here.
"""

from huisuan.law.explain.claims import ClaimAnswer, ClaimInput, decide_claims
from huisuan.law.explain.combine import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.explain.explanation import default_day, explain, parse_facts
from huisuan.law.explain.intervals import IntervalEvaluation
from huisuan.law.explain.limits import shared_limits
from huisuan.law.explain.prose import general_terms, rule_prose
from huisuan.law.explain.questionnaire import (
    OpenQuestion,
    Question,
    Questionnaire,
    RuleProgress,
    assess_rule,
    build_questionnaire,
    combine_certain,
    list_questions,
    presumed_answer,
)
from huisuan.law.explain.verdict import RuleEvaluator, Verdict

__all__ = [
    "ClaimAnswer",
    "ClaimInput",
    "CombinedAnswer",
    "IntervalEvaluation",
    "OpenQuestion",
    "Question",
    "Questionnaire",
    "RuleEvaluator",
    "RuleInput",
    "RuleProgress",
    "Verdict",
    "assess_rule",
    "build_questionnaire",
    "combine_answers",
    "combine_certain",
    "decide_claims",
    "default_day",
    "explain",
    "general_terms",
    "list_questions",
    "parse_facts",
    "presumed_answer",
    "rule_prose",
    "shared_limits",
]
