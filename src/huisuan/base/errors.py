"""Errors that a user can do something about: a class for programs, a stable code, and words for people.

The message is Chinese and says where, what is wrong and what to do. The code, `room.what_is_wrong`, names the rule and
never changes: the API, `--json` and English pages carry it, and nothing is ever read out of the message.
"""

from __future__ import annotations


class HuisuanError(Exception):
    """Anything below; exit code 1 on the command line, 422 in the API unless a route says otherwise."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Refused(HuisuanError):
    """A request that cannot be carried out. Catch it; raise one of the kinds below."""


class InvalidRequest(Refused):
    """What was asked for or handed in breaks a rule: the caller changes it and asks again."""


class NotAllowed(Refused):
    """Whoever asks may not do this, or not alone."""


class NotFound(Refused):
    """There is nothing of that name or number, as far as the caller may know."""


class Gone(Refused):
    """It was there, and was taken back: it does not come again under this name."""


class Conflict(Refused):
    """What is stored has moved on, or holds something else already: look again, then decide."""


class Unavailable(Refused):
    """Something that this rests on does not answer or is not there now: try again later, or set it up."""
