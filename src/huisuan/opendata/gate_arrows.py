"""The gate as a manual: every state of a file that was handed in, and each arrow between two of them. Pure.

The database holds this table, and a step is a row that points into it (migrations 0003 and 0004); a test compares
the two.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import TextChoices


class GateState(TextChoices):
    """Where a file stands."""

    RECEIVED = "received", "已收到"
    READING = "reading", "检查中"
    REFUSED = "refused", "拒收"
    SEALED = "sealed", "已封存"
    TO_JUDGE = "to_judge", "待判断"
    CLEAN = "clean", "已无未判断的发现"
    REMADE = "remade", "已重制"
    SCANNED_AGAIN = "scanned_again", "已复查"
    READY = "ready", "可放行"
    RELEASED = "released", "已放行"
    SUSPENDED = "suspended", "已中止提供"
    SUPERSEDED = "superseded", "已被取代"
    WITHDRAWN = "withdrawn", "已撤回"


class GateDuty(TextChoices):
    """What somebody does at a file. Each person has one duty at it; the machine is no person."""

    UPLOAD = "upload", "送交"
    JUDGE = "judge", "判断"
    RELEASE = "release", "放行"
    MACHINE = "machine", "系统"


class Arrow(NamedTuple):
    """By an action from one state to another; "" is before the first."""

    action: str
    start: str
    end: str
    duty: str


_S, _D = GateState, GateDuty
ARROWS: tuple[Arrow, ...] = (
    # a file comes in, and is read to its end by the machine
    Arrow("upload", "", _S.RECEIVED, _D.UPLOAD),
    Arrow("begin", _S.RECEIVED, _S.READING, _D.MACHINE),
    Arrow("refuse", _S.READING, _S.REFUSED, _D.MACHINE),  # a limit was reached; its name is the reason
    Arrow("seal", _S.READING, _S.SEALED, _D.MACHINE),  # a mark of secrecy: nobody goes on with it
    Arrow("find", _S.READING, _S.TO_JUDGE, _D.MACHINE),
    Arrow("pass", _S.READING, _S.CLEAN, _D.MACHINE),
    # somebody else judges what was found, and the product is made of it
    Arrow("judge", _S.TO_JUDGE, _S.TO_JUDGE, _D.JUDGE),  # findings are left
    Arrow("settle", _S.TO_JUDGE, _S.CLEAN, _D.JUDGE),  # none is left
    Arrow("settle", _S.CLEAN, _S.CLEAN, _D.JUDGE),  # judged otherwise
    Arrow("settle", _S.READY, _S.CLEAN, _D.JUDGE),
    Arrow("remake", _S.CLEAN, _S.REMADE, _D.JUDGE),
    # the product is scanned by itself
    Arrow("rescan", _S.REMADE, _S.SCANNED_AGAIN, _D.MACHINE),
    Arrow("find", _S.SCANNED_AGAIN, _S.TO_JUDGE, _D.MACHINE),
    Arrow("pass", _S.SCANNED_AGAIN, _S.READY, _D.MACHINE),
    # asked for by somebody: rules changed since, or what was found in the product alone is to be made anew
    Arrow("again", _S.READY, _S.REMADE, _D.MACHINE),
    Arrow("pass", _S.TO_JUDGE, _S.CLEAN, _D.MACHINE),
    # a third person lets it out, and whoever had a hand in it may take it back
    Arrow("release", _S.READY, _S.RELEASED, _D.RELEASE),
    Arrow("supersede", _S.RELEASED, _S.SUPERSEDED, _D.MACHINE),
    # rules that came later scan what is out: a hit suspends it, and rules that find nothing let it go on
    Arrow("suspend", _S.RELEASED, _S.SUSPENDED, _D.MACHINE),
    Arrow("resume", _S.SUSPENDED, _S.RELEASED, _D.MACHINE),
    Arrow("supersede", _S.SUSPENDED, _S.SUPERSEDED, _D.MACHINE),
    Arrow("reopen", _S.SUSPENDED, _S.READING, _D.JUDGE),  # what came in is read by the later rules, and judged again
    *(
        Arrow("withdraw", state, _S.WITHDRAWN, duty)
        for state in (_S.RELEASED, _S.SUSPENDED, _S.SUPERSEDED)
        for duty in (_D.UPLOAD, _D.JUDGE, _D.RELEASE)
    ),
)


def arrow(action: str, start: str, duty: str) -> Arrow | None:
    """The arrow of an action from a state under a duty; None: there is none."""
    return next((each for each in ARROWS if (each.action, each.start, each.duty) == (action, start, duty)), None)
