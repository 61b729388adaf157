"""What is wrong with a policy or with what is asked of it."""

from __future__ import annotations

from huisuan.base.errors import HuisuanError


class LawError(HuisuanError):
    """A policy that cannot be loaded, or a request that a policy cannot answer.

    The message names file, place and remedy; `code` (`law.rule_unknown`) names the rule that was broken.
    """
