"""Worked cases that a lawyer can read, run against the rules, and what they leave untried.

Above budget and explain. Commands, the conformance suite for policies (`huisuan.testing`) and the generated
year of programmes, which varies them, import it.
"""

from huisuan.law.cases.case_file import Case, parse_given
from huisuan.law.cases.policy_check import PolicyCheck, check_policy
from huisuan.law.cases.runner import load_policy_cases

__all__ = ["Case", "PolicyCheck", "check_policy", "load_policy_cases", "parse_given"]
