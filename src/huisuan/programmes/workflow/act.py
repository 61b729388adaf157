"""Acting on applications: who may, and the one transaction that holds step, audit entry, state and effect.

One application or thousands, it is the same set-based way: lock, ask for each whether it may be, write all steps in one
statement. What may not be is told with its reason, and keeps nothing of the others from standing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, Refused
from huisuan.base.hashing import text_sha256
from huisuan.base.text_length import CONTROL_SIGN
from huisuan.law.procedure import ACTION_WORDS
from huisuan.parties.models import Person
from huisuan.programmes.amounts.sources import computed_amounts
from huisuan.programmes.models import NO_HASH, Application, ApplicationStep, DutyHeld
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.workflow.effects import STEP_CONDITIONS, STEP_EFFECTS
from huisuan.programmes.workflow.history import step_hash
from huisuan.programmes.workflow.permission import Permissions, PermittedStep, unknown_application

_LONGEST_REASON, _LONGEST_KEY = 1000, 80
#: applications of one act
MOST_AT_ONCE = 10_000


@dataclass(frozen=True)
class ActOutcome:
    """What an act on many did: the steps taken, and by number of application why others were not."""

    done: tuple[ApplicationStep, ...]
    refused: Mapping[str, Refused]


@dataclass(frozen=True)
class ActRequest:
    """What somebody asks to be done. `amount_fen` only where the act decides, `key` makes it happen once.

    `each` is what single applications, by number, have in their payload besides.
    """

    action: str
    reason: str = ""
    amount_fen: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    each: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def payload_of(self, number: str) -> dict[str, Any]:
        """What the step of an application has in its payload."""
        return {**self.payload, **self.each.get(number, {})}

    def digest(self, number: str) -> str:
        """SHA-256 of all that is asked for an application: the same key says the same again."""
        return _digest([self.action, self.reason, self.amount_fen, self.payload_of(number)])

    def is_what_was_asked(self, earlier: ApplicationStep) -> bool:
        """Whether a step that this key took was asked for in the same words; an old one by what it says itself."""
        number = earlier.application.number
        if earlier.asked:
            return earlier.asked == self.digest(number)
        amount = earlier.amount_fen if self.amount_fen is None else self.amount_fen
        said = [earlier.reason, earlier.amount_fen, earlier.payload]
        return _digest([self.reason, amount, self.payload_of(number)]) == _digest(said)

    def check(self) -> None:
        """Refuse what is wrong whatever the application.

        Raises:
            InvalidRequest: an unknown action, a reason that is missing, too long or has signs of control, an
                amount where none is set.
        """
        words = ACTION_WORDS.get(self.action)
        if words is None:
            raise InvalidRequest(
                f"没有动作 {self.action}；可用 {'、'.join(ACTION_WORDS)}", code="application.action_unknown"
            )
        if words.needs_reason and not self.reason.strip():
            raise InvalidRequest(f"“{words.zh}”须写理由", code="application.reason_missing")
        if len(self.reason) > _LONGEST_REASON or len(self.key) > _LONGEST_KEY:
            raise InvalidRequest(
                f"理由至多 {_LONGEST_REASON} 字，幂等键至多 {_LONGEST_KEY} 字", code="application.text_too_long"
            )
        if found := CONTROL_SIGN.search(self.reason):
            before = self.reason[max(0, found.start() - 10) : found.start()]
            raise InvalidRequest(
                f"理由里“{before}”之后有看不见的控制字符（多是从文档粘贴带来的）：请删去，换行用回车键",
                code="application.reason_malformed",
            )
        if self.amount_fen is not None and (self.action != "decide" or self.amount_fen < 0):
            raise InvalidRequest("金额只在批准时写，且不小于 0 分", code="application.amount_not_here")
        fields = self.payload.get("fields")
        if self.action == "return" and not (isinstance(fields, list) and fields and all(map(_is_name, fields))):
            raise InvalidRequest("退回补正须写明要补正的栏目（fields）", code="application.fields_missing")


def act(
    number: str,
    action: str,
    person: Person,
    now: datetime,
    *,
    reason: str = "",
    amount_fen: int | None = None,
    payload: Mapping[str, Any] | None = None,
    key: str = "",
) -> ApplicationStep:
    """Take a step of an application; asked again with the same key it is the step that was taken then.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: not this person: no post in force, tied to the applicant, another duty in this application.
        Conflict: it has moved on, or the key was used for another act, or with other contents.
        InvalidRequest: what is asked lacks something.
    """
    outcome = act_on_many([number], action, person, now, reason=reason, amount_fen=amount_fen, payload=payload, key=key)
    for refusal in outcome.refused.values():
        raise refusal
    return outcome.done[0]


@transaction.atomic
def act_on_many(
    numbers: Sequence[str],
    action: str,
    person: Person,
    now: datetime,
    *,
    reason: str = "",
    amount_fen: int | None = None,
    payload: Mapping[str, Any] | None = None,
    key: str = "",
    each: Mapping[str, Mapping[str, Any]] | None = None,
) -> ActOutcome:
    """Take one step on each of many applications, in one transaction, with one reason.

    `each` adds to the payload of single ones, by number.

    Raises:
        NotAllowed: a program acts, or somebody who may no longer sign in.
        InvalidRequest: what is asked lacks something, whatever the application.
    """
    reason = reason.replace("\r\n", "\n")  # as a page sends the end of a line
    request = ActRequest(action, reason, amount_fen, payload or {}, key, each or {})
    request.check()
    if person.machine or not person.is_active:
        raise NotAllowed("只有在用的个人账号可以办理：程序请用本人的令牌", code="application.needs_a_person")
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MOST_AT_ONCE:
        raise InvalidRequest(f"一次至多办理 {MOST_AT_ONCE} 件", code="application.too_many")
    # in the order of ids, so that two acts on many never wait for each other
    locked = Application.objects.filter(number__in=wanted).order_by("pk").select_for_update(of=("self",), no_key=True)
    # one instance of an edition for all of them: its whole text is read once
    held = {one.number: one for one in locked.select_related("party").prefetch_related("edition")}
    permissions = Permissions.load(person, request.action, request.key, list(held.values()), now)
    refused: dict[str, Refused] = {}
    permitted: list[PermittedStep] = []
    repeated: list[ApplicationStep] = []
    for number in wanted:
        answer = permissions.ask(held[number]) if number in held else unknown_application(number)
        if isinstance(answer, ApplicationStep) and not request.is_what_was_asked(answer):
            answer = _other_content(number, key)
        if isinstance(answer, Refused):
            refused[number] = answer
        elif isinstance(answer, ApplicationStep):
            repeated.append(answer)
        else:
            permitted.append(answer)
    permitted = _without_refused(
        permitted, AskedStep(action, person, now, amount_fen, request.payload, reason, request.each), refused
    )
    taken = _take(permitted, request, person, now)
    for effect in STEP_EFFECTS.get(action, ()) if taken else ():
        effect(taken)
    return ActOutcome((*repeated, *taken), refused)


def _other_content(number: str, key: str) -> Refused:
    return Conflict(
        f"{number}：幂等键 {key} 办过的内容与这次不同（理由、金额或附带的内容）：重发须一字不差，另办请换键",
        code="application.key_of_other_content",
    )


def _digest(said: Sequence[object]) -> str:
    return text_sha256(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _without_refused(
    permitted: Sequence[PermittedStep], asked: AskedStep, refused: dict[str, Refused]
) -> list[PermittedStep]:
    """Those that no condition of another room refuses; the others are added to `refused`."""
    left = list(permitted)
    for condition in STEP_CONDITIONS.get(asked.action, ()) if left else ():
        found = condition([one.application for one in left], asked)
        refused |= {one.application.number: found[one.application.pk] for one in left if one.application.pk in found}
        left = [one for one in left if one.application.pk not in found]
    return left


def _computed_amounts(permitted: Sequence[PermittedStep], request: ActRequest) -> dict[int, int]:
    """What a decision that names no amount grants, by application, in fen."""
    if request.action != "decide" or request.amount_fen is not None:
        return {}
    return computed_amounts([one.application for one in permitted])


def _take(
    permitted: Sequence[PermittedStep], request: ActRequest, person: Person, now: datetime
) -> list[ApplicationStep]:
    """Write the steps, and the duty under which the person takes them, in two statements."""
    if not permitted:
        return []
    last = dict(
        ApplicationStep.objects.filter(application__in=[one.application for one in permitted])
        .order_by("application_id", "-number")
        .distinct("application_id")
        .values_list("application_id", "hash")
    )
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=one.application, person=person, duty=one.edge.duty) for one in permitted],
        ignore_conflicts=True,
    )
    amounts = _computed_amounts(permitted, request)
    steps = [
        _step(one, request, person, max(now, one.application.state_since), last.get(one.application.pk, NO_HASH))
        for one in permitted
    ]
    for step in steps:
        step.amount_fen = amounts.get(step.application_id, request.amount_fen)
        step.hash = step_hash(step)
    return ApplicationStep.objects.bulk_create(steps)


def _step(one: PermittedStep, request: ActRequest, person: Person, at: datetime, before: str) -> ApplicationStep:
    taken = one.application.steps_taken
    return ApplicationStep(
        application=one.application, number=taken + 1, previous=taken or None, edition_id=one.edge.edition_id,
        action=request.action, from_state=one.edge.from_state, to_state=one.edge.to_state, duty=one.edge.duty,
        person=person, post=one.post, at=at, reason=request.reason,
        payload=request.payload_of(one.application.number), key=request.key, previous_hash=before,
        asked=request.digest(one.application.number) if request.key else "",
    )  # fmt: skip


def _is_name(field_name: object) -> bool:
    return isinstance(field_name, str) and bool(field_name.strip())
