"""Striking an issuer, and what rests on its reports: found in whatever state, with what follows for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.procedure import CLOSING_STATES, Duty, State
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.flags.raised import FoundFlag, store_flags
from huisuan.programmes.models import Application, ApplicationFlag, EvidenceIssuer, FlagReason, StruckIssuer
from huisuan.programmes.offices import city_governments, posts_in_force
from huisuan.programmes.workflow.queries import visible_applications

_DECIDED = (State.DECIDED, State.CONTRACTED, State.COMMITTED, State.PAYING, State.MONITORED)


class StruckConsequence(StrEnum):
    """What is proposed for an application that rests on struck evidence."""

    ANSWER = "answer"  # before a decision: the flag is answered, the check is made again
    REVOKE = "revoke"  # decided, nothing paid: check again, revoke where it does not hold
    RECOVER = "recover"  # paid: check again on corrected facts, recover what is not owed
    NOTHING = "nothing"  # over without money


#: what each says to an official
CONSEQUENCE_WORDS = {
    StruckConsequence.ANSWER: "未决定：重新核对，答复疑点后才能往下办",
    StruckConsequence.REVOKE: "已决定未付：重新核对，不成立的撤销批准",
    StruckConsequence.RECOVER: "已付：按更正的事实重算，多付的追回",
    StruckConsequence.NOTHING: "已结束，没有资金",
}


@dataclass(frozen=True)
class StruckApplication:
    """An application that rests on reports of a struck issuer: which files, how much was paid, what is proposed."""

    application: Application
    struck: StruckIssuer
    files: tuple[EvidenceIssuer, ...]
    paid_fen: int
    consequence: StruckConsequence
    answered: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "number": self.application.number, "programme": self.application.edition.key,
            "party": str(self.application.party or self.application.city_id), "state": self.application.state,
            "issuer": self.struck.uscc, "since": self.struck.since.isoformat(), "paid_fen": self.paid_fen,
            "proposal": self.consequence.value, "proposal_zh": CONSEQUENCE_WORDS[self.consequence],
            "answered": self.answered,
            "files": [
                {"sha256": one.sha256, "issued_on": one.issued_on.isoformat() if one.issued_on else None}
                for one in self.files
            ],
        }  # fmt: skip


@transaction.atomic
def strike_issuer(
    uscc: str, name: str, since: date, source: str, reason: str, person: Person, now: datetime
) -> StruckIssuer:
    """Enter an issuer whose reports count no more from a day on, and flag whatever rests on them.

    Raises:
        NotAllowed: no post to check or to decide that day in an office of the province, or a program.
        InvalidRequest: something missing or too long, or a day to come.
        Conflict: it is struck from that day already, and nobody has lifted that.
    """
    day = check_post(person, now)
    said = [(name, 200, "机构名称"), (source, 300, "出处"), (reason, 1000, "事由")]
    texts = [check_length(text.strip(), most, what) for text, most, what in said]
    if not all(texts) or since > day:
        raise InvalidRequest("须写明机构名称、出处和事由，失去资格的日期不晚于今天", code="struck.incomplete")
    lock_issuer(uscc)
    if strikes_in_force().filter(uscc=uscc, since=since).exists():
        raise Conflict(f"{uscc} 已登记自 {since} 起失去资格", code="struck.struck_before")
    made = StruckIssuer.objects.create(
        uscc=uscc, name=texts[0], since=since, source=texts[1], reason=texts[2], by=person, at=now
    )
    flag_struck(now, struck=made)
    return made


def strikes_in_force() -> QuerySet[StruckIssuer]:
    """Those that nobody has lifted."""
    return StruckIssuer.objects.filter(lift=None)


def check_post(person: Person, now: datetime) -> date:
    """The day, where the person has a post of the province that strikes issuers.

    Raises:
        NotAllowed: none.
    """
    day = now.astimezone(SHANGHAI).date()
    duties = (Duty.CHECK.value, Duty.DECIDE.value, Duty.REGISTER.value)
    posts = posts_in_force(person, day).filter(duty__in=duties).exclude(office__name__in=city_governments().values())
    if person.machine or not person.is_active or not posts.exists():  # it counts in every city
        raise NotAllowed("出具机构由当天在任的核验、登记或决定岗位登记", code="struck.no_post_in_force")
    return day


def may_strike(person: Person, now: datetime) -> bool:
    """Whether the person has such a post."""
    try:
        check_post(person, now)
    except NotAllowed:
        return False
    return True


def lock_issuer(uscc: str) -> None:
    """Until the transaction ends nobody else strikes that issuer, or names it: each sees what the other wrote."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"struck issuer {uscc}"])


def flag_struck(
    now: datetime, *, struck: StruckIssuer | None = None, application: Application | None = None
) -> list[ApplicationFlag]:
    """Raise the flags of what rests on struck reports: of one issuer, or in one application; each once."""
    found = []
    for one in strikes_in_force().filter(pk=struck.pk) if struck else strikes_in_force():
        rows = _resting_on(one).select_related("application")
        for row in rows.filter(application=application) if application else rows:
            saw = {
                "issuer": one.uscc, "name": one.name, "since": one.since.isoformat(), "source": one.source,
                "file": row.sha256,
            }  # fmt: skip
            found.append(FoundFlag(FlagReason.STRUCK_EVIDENCE, row.application, f"{one.pk} {row.sha256}", saw=saw))
    return store_flags(found, now)


def list_struck(viewer: Viewer, uscc: str = "") -> list[StruckApplication]:
    """Whatever an official may see that rests on struck reports, in whatever state, with what is proposed for each.

    Raises:
        NotAllowed: an applicant, as of flags.
    """
    if viewer.role == Role.USER:
        raise NotAllowed("依据失去资格机构材料的申报由办理单位和审计查看", code="struck.officials_only")
    seen = handled_applications(viewer)
    found: list[StruckApplication] = []
    issuers = strikes_in_force().filter(uscc=uscc) if uscc else strikes_in_force()
    for one in issuers:
        rows = list(_resting_on(one).filter(application__in=seen.values("pk")).order_by("application_id", "pk"))
        applications = list(seen.filter(pk__in={row.application_id for row in rows}).order_by("pk"))
        found += _described(one, applications, rows)
    return found


def handled_applications(viewer: Viewer) -> QuerySet[Application]:
    """Those that an official may see without being who applies: a city does not read what its own evidence lacks."""
    seen = visible_applications(viewer)
    return seen.exclude(city_id=viewer.city, city__isnull=False) if viewer.role == Role.CITY else seen


def _described(
    one: StruckIssuer, applications: Sequence[Application], rows: Sequence[EvidenceIssuer]
) -> list[StruckApplication]:
    committed = commitments_of(applications)
    waiting = set(
        ApplicationFlag.objects.filter(
            application__in=applications, kind=FlagReason.STRUCK_EVIDENCE, about__startswith=f"{one.pk} ",
            answered_at__isnull=True,
        ).values_list("application_id", flat=True)
    )  # fmt: skip
    found = []
    for each in applications:
        paid = paid_so_far(committed.get(each.pk, [])).kept_fen
        mine = tuple(row for row in rows if row.application_id == each.pk)
        found.append(StruckApplication(each, one, mine, paid, consequence_of(each, paid), each.pk not in waiting))
    return found


def consequence_of(application: Application, paid_fen: int) -> StruckConsequence:
    """What follows for an application, by its state and what of its money was paid and kept."""
    if paid_fen:
        return StruckConsequence.RECOVER
    state = State(application.state)
    if state in _DECIDED or (state is State.CLOSED and application.amount_fen):
        return StruckConsequence.REVOKE
    return StruckConsequence.NOTHING if state in CLOSING_STATES else StruckConsequence.ANSWER


def struck_files() -> QuerySet[EvidenceIssuer]:
    """Every file that rests on a struck issuer, once, with the row of the first striking that reaches it (`struck`)."""
    strikes = strikes_in_force().filter(uscc=OuterRef("uscc"))
    dated = strikes.filter(since__lte=OuterRef("issued_on")).order_by("since").values("pk")[:1]
    undated = strikes.order_by("since").values("pk")[:1]
    chosen = Case(When(issued_on__isnull=True, then=Subquery(undated)), default=Subquery(dated))
    return EvidenceIssuer.objects.annotate(struck=chosen).filter(struck__isnull=False)


def _resting_on(one: StruckIssuer) -> QuerySet[EvidenceIssuer]:
    """Files of an issuer of the day since when it is struck, or later; those without a day, too."""
    return EvidenceIssuer.objects.filter(Q(issued_on__isnull=True) | Q(issued_on__gte=one.since), uscc=one.uscc)
