"""What is wrong with a policy or with what is asked of it."""

from __future__ import annotations

from huisuan.base.errors import HuisuanError


class LawError(HuisuanError):
    """A policy folder that cannot be taken as law; the message names file, place and remedy."""
