"""From a draft to an application: begun and handed in at once, once, whatever windows it is asked from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.law.model import LawError
from huisuan.law.procedure import OWN_SERIES, ObjectKind, State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.queries import claimant
from huisuan.programmes.applications.services import name_objects
from huisuan.programmes.calls.services import unknown_call
from huisuan.programmes.claim_objects.codes import asked_objects, object_words
from huisuan.programmes.claim_objects.records import ClaimGround, holder_words, holders, leaves_room, years_held
from huisuan.programmes.models import Application, Call, Draft
from huisuan.programmes.submissions.content import MissingItem, SubmissionContent, law_of, read_draft
from huisuan.programmes.submissions.window import CallWindow
from huisuan.programmes.workflow.act import act
from huisuan.programmes.workflow.begin import begin_application, find_other_city

_ENDED = (State.REFUSED.value, State.WITHDRAWN.value)


@transaction.atomic
def submit_draft(
    number: str,
    draft_id: int,
    person: Person,
    now: datetime,
    *,
    task: str = "",
    objects: Sequence[Mapping[str, str]] | None = None,
) -> Application:
    """Hand in a draft under a call; `now` is the platform's clock when the whole request had come.

    `objects` are written into the draft before; None: what it names already. Asked again it is the application that
    there is; one that was returned for correction is handed in again.

    Raises:
        NotFound: no such call, or no such draft of the person's own party or city.
        NotAllowed: the person only reads there, or is a program.
        Conflict: the call is not open; the draft was handed in under another call.
        InvalidRequest: the draft is of another rule, or something is missing.
    """
    call, draft = _call(number), _draft(draft_id, person, lock=True)
    _check_rule(call, draft)
    given = {"task": task} if task else {}
    if objects is not None:
        name_objects(draft, objects, person, now)
    held = Application.objects.filter(draft=draft).exclude(state__in=_ENDED).first()
    if held is None:
        CallWindow(call.first_day, call.last_day).require_open(now)
        policy, rule = law_of(call)
        held = begin_application(policy, rule.key, call.year, person, now, draft=draft, call=call)
    elif held.call_id != call.pk:
        raise Conflict(f"草稿 D{draft.pk} 已提交为 {held.number}", code="submission.draft_used")
    if held.state in (State.DRAFT, State.RETURNED):
        act(held.number, "submit", person, now, payload=given)
        held.refresh_from_db()
    return held


def list_missing(number: str, draft_id: int, person: Person, now: datetime, *, task: str = "") -> list[MissingItem]:
    """What a draft still lacks under a call: one list; empty, and it can be handed in.

    Raises:
        NotFound: no such call, or no such draft of the person's own party or city.
        InvalidRequest: the draft is of another rule.
    """
    call, draft = _call(number), _draft(draft_id, person, lock=False)
    _check_rule(call, draft)
    content = read_draft(call, draft, task, now)
    return [*_of_other_city(call, draft), *content.missing, *_held_by_others(call, draft, content, person)]


def _of_other_city(call: Call, draft: Draft) -> Iterator[MissingItem]:
    """That no city's office here takes the applicant: nothing that is filled in would change it."""
    if refusal := find_other_city(call.edition, draft.party):
        yield MissingItem("applicant", refusal.code.removeprefix("application."), str(refusal))


def _held_by_others(call: Call, draft: Draft, content: SubmissionContent, person: Person) -> Iterator[MissingItem]:
    """Objects that another living claim on the ground holds already."""
    policy, rule = law_of(call)
    ground, series = ClaimGround.of(policy, rule.key), person.city_id or ""
    years = years_held(call.edition.content, call.year)
    named = [
        (each["kind"], series if each["kind"] in OWN_SERIES else "", years.get(each["kind"], 0), each["code"])
        for each in content.named
    ]
    own = Application.objects.filter(draft=draft).exclude(state__in=_ENDED).first()
    contested = {spec.kind.value for spec in asked_objects(call.edition.content) if spec.contested}
    for held in holders(ground.policy, ground.ground, named, besides=own.pk if own else None):
        if leaves_room(held, person.city_id):
            continue
        if held.kind in contested and held.application.party_id != draft.party_id:
            continue  # it may be handed in all the same, and waits behind the other
        said = f"{object_words(held.kind, held.code)} 已由{holder_words(held, person)}申报"
        yield MissingItem("objects", "object_held", f"{said}；{once_a_year(held.year)}" if held.year else said)


def held_by_year(call: Call) -> bool:
    """Whether a project is claimed for year by year under a call."""
    return bool(years_held(call.edition.content, call.year).get(ObjectKind.PROJECT.value))


def once_a_year(year: int) -> str:
    """What whoever claims for a project of a year should know: one claim a year, and one for later vouchers."""
    return (
        f"每年度一件：批准以前登记的 {year} 年凭证都计入，批准以后登记的写明新凭证补报；{year + 1}-01-01 起申报的是全年"
    )


def _call(number: str) -> Call:
    found = Call.objects.select_related("edition").filter(number=number).first()
    if found is None:
        raise unknown_call(number)
    return found


def _draft(draft_id: int, person: Person, *, lock: bool) -> Draft:
    party = claimant(Viewer.for_person(person))
    held = Draft.objects.select_for_update(of=("self",), no_key=True) if lock else Draft.objects.all()
    found = held.filter(pk=draft_id, party=party, discarded_at__isnull=True).first() if party else None
    if found is None:
        raise NotFound(f"没有草稿 D{draft_id}", code="draft.unknown")
    return found


def _check_rule(call: Call, draft: Draft) -> None:
    policy, rule = law_of(call)
    try:
        same = draft.policy == policy.name and policy.claim_rule(draft.rule).key == rule.key
    except LawError:
        same = False
    if not same:
        raise InvalidRequest(
            f"草稿 D{draft.pk} 按 {draft.policy} 第 {draft.rule} 句填写，"
            f"{call.number} 是 {policy.name} 第 {rule.key} 句的通知",
            code="submission.draft_of_another_rule",
        )
