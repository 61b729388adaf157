"""Worked cases that a lawyer can read, run against the rules, and what they leave untried.

Above budget and explain. Commands and the conformance suite for policies (`huisuan.testing`) import it.
"""

from huisuan.law.cases.policy_check import PolicyCheck, check_policy

__all__ = ["PolicyCheck", "check_policy"]
