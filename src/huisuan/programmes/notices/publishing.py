"""Publishing a notice: one act on all that it lists, and all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import check_length
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, PublicNotice
from huisuan.programmes.workflow import act_on_many

_LONGEST_TITLE, _LONGEST_REASON, _MOST_FEN = 120, 1000, 10**15


@dataclass(frozen=True)
class ListedApplication:
    """One that is to stand in public. `amount_fen` where the platform computes none; without `reason` the sentence."""

    number: str
    amount_fen: int | None = None
    reason: str = ""

    def payload(self) -> dict[str, object]:
        """What the step says of its line.

        Raises:
            InvalidRequest: a reason that is too long, or an amount below nothing.
        """
        said: dict[str, object] = {}
        if self.amount_fen is not None:
            if not 0 <= self.amount_fen <= _MOST_FEN:
                raise InvalidRequest(f"{self.number}：公示的金额不小于 0 分", code="notice.amount_malformed")
            said["amount_fen"] = self.amount_fen
        if reason := _clean(self.reason):
            said["reason"] = check_length(reason, _LONGEST_REASON, "理由")
        return said


@transaction.atomic
def publish_notice(listed: Sequence[ListedApplication], title: str, by: Person, now: datetime) -> PublicNotice:
    """Publish a list of applications of one programme, as a person with a post to publish.

    Raises:
        InvalidRequest: nothing is listed, of several programmes, twice; a text too long.
        Refused: of the first application that cannot be published; then nothing is.
    """
    numbers = [one.number for one in listed]
    if not numbers:
        raise InvalidRequest("公示名单里没有申报", code="notice.empty")
    if len(set(numbers)) < len(numbers):
        raise InvalidRequest("公示名单里有申报写了两次", code="notice.listed_twice")
    programmes = set(Application.objects.filter(number__in=numbers).values_list("edition", flat=True))
    if len(programmes) > 1:
        raise InvalidRequest("一份公示只列同一程序的申报：请分开公示", code="notice.several_programmes")
    heading = check_length(_clean(title), _LONGEST_TITLE, "标题")
    outcome = act_on_many(
        numbers, "publicise", by, now, payload={"title": heading} if heading else {},
        each={one.number: one.payload() for one in listed},
    )  # fmt: skip
    for refusal in outcome.refused.values():
        raise refusal
    return PublicNotice.objects.get(lines__step=outcome.done[0])


def _clean(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()
