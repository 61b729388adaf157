"""How much of files waits in the platform: the bound of each party, of each centre and of all together.

What waits is in the database: answers that nobody has come for, and room for those that were asked for (a list may
bring twice what is kept free for it, no more). A party that asks and leaves lying reaches its own bound first; the last
quarter of the other two is for parties that hold nothing yet: a few greedy ones do not shut everybody else out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet, Sum

from huisuan.base.errors import Unavailable
from huisuan.compute.models import FileRequest

LIFE = {"list": timedelta(seconds=60), "read": timedelta(seconds=60), "hash": timedelta(minutes=15)}
GIVEN = timedelta(seconds=3)  # by then whoever waits for a list has it: before, another must not push it out
_MIB = 2**20
MOST_HELD = 64 * _MIB  # bytes of one party: answers that are here, and those that may come
MOST_OPEN = 64  # questions and answers of one party
MOST_HELD_OF_CENTRE = 256 * _MIB  # bytes of all parties' jobs at one centre
MOST_HELD_IN_ALL = 1024 * _MIB
#: reasons that pass by themselves as readers take what is theirs: whoever streams waits for them
PASSING = ("files.too_many_at_once", "files.centre_holds_too_much", "files.platform_holds_too_much")
_AHEAD_SHARE = 2  # of all bounds, ahead may be asked for the half: what is wanted now finds room
_LOCK = 0x4855_4953_5541_4E02  # of the database: whoever asks looks at the bounds and asks, and then the next one


@dataclass(frozen=True)
class _Held:
    rows: int
    size: int


def refuse_if_full(party: int, centre: int, count: int, size: int, now: datetime) -> None:
    """Refuse further questions whose answers may bring so many bytes, where they pass a bound.

    Must run in the transaction that asks them.

    Raises:
        Unavailable: of the party, the centre or all together; the code says which.
    """
    if full := _full(party, centre, count, size, now):
        raise full


def has_room_ahead(party: int, centre: int, count: int, size: int, now: datetime) -> bool:
    """Whether so much may be asked ahead of reading. Must run in the transaction that asks."""
    return _full(party, centre, count, size, now, share=_AHEAD_SHARE) is None


def live(now: datetime) -> QuerySet[FileRequest]:
    """What is waited for yet: an answer, or that somebody takes it."""
    waits = Q(answered_at__isnull=True, asked_at__gt=now - LIFE["list"])
    counts = Q(answered_at__isnull=True, asked_at__gt=now - LIFE["hash"], question__action="hash")
    return FileRequest.objects.filter(waits | counts | Q(answered_at__gt=now - LIFE["read"]))


def forget_requests(now: datetime) -> int:
    """Remove the questions and answers that nobody came for; how many."""
    old = Q(asked_at__lt=now - max(LIFE.values())) | Q(answered_at__lt=now - LIFE["read"], content__isnull=False)
    unheard = Q(question__action="read", answered_at__isnull=True, asked_at__lt=now - LIFE["read"])
    return _remove(old | unheard | Q(question__action="list", asked_at__lt=now - LIFE["list"]))


def _full(party: int, centre: int, count: int, size: int, now: datetime, share: int = 1) -> Unavailable | None:
    """Why there is no room; lists that were given, and what nobody came for, make room first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    full = _passed(party, centre, count, size, now, share)
    if full is not None and _make_room(party, now):
        full = _passed(party, centre, count, size, now, share)
    return full


def _make_room(party: int, now: datetime) -> int:
    given = Q(question__action="list", answered_at__lt=now - GIVEN, job__party=party)
    return _remove(given) + forget_requests(now)


@transaction.atomic
def _remove(which: Q) -> int:
    """Remove them but for those that somebody is just taking: who takes one may wait for the lock that we hold."""
    free = FileRequest.objects.filter(which).select_for_update(of=("self",), skip_locked=True)
    return FileRequest.objects.filter(pk__in=list(free.values_list("pk", flat=True))).delete()[0]


def _passed(party: int, centre: int, count: int, size: int, now: datetime, share: int) -> Unavailable | None:
    own = _held(live(now).filter(job__party=party))
    if own.rows + count > MOST_OPEN // share or own.size + size > MOST_HELD // share:
        return Unavailable(
            f"已有 {MOST_OPEN} 个文件请求（或 {MOST_HELD // _MIB} MiB）在等：请等它们完成，或停掉另外的下载",
            code="files.too_many_at_once",
        )
    #: what is past its life still lies there until it is removed: it counts
    for held, most, whose, code in (
        (
            _held(FileRequest.objects.filter(centre=centre)),
            MOST_HELD_OF_CENTRE,
            "该中心",
            "files.centre_holds_too_much",
        ),
        (_held(FileRequest.objects.all()), MOST_HELD_IN_ALL, "平台上", "files.platform_holds_too_much"),
    ):
        if held.size + size > (most // 4 * 3 if own.rows else most) // share:
            return Unavailable(
                f"{whose}各主体在取的文件内容已有 {held.size // _MIB} MiB 在等人取走（至多 {most // _MIB} MiB）："
                "取走后自会空出来，请过几秒再试",
                code=code,
            )
    return None


def _held(rows: QuerySet[FileRequest]) -> _Held:
    found = rows.aggregate(rows=Count("pk"), size=Sum("length"))
    return _Held(found["rows"], found["size"] or 0)
