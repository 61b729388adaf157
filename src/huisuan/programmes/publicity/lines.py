"""The notice that an act publishes, and the line by which an application stands in public."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from huisuan.base.months import SHANGHAI
from huisuan.law.policy import AdoptedSetting, load_policy
from huisuan.law.procedure import OWN_DAY
from huisuan.programmes.amounts.sources import computed_amounts
from huisuan.programmes.models import (
    Application,
    ApplicationStep,
    NoticeLine,
    NumberSeries,
    ProcedureEdition,
    PublicNotice,
)
from huisuan.programmes.publicity.ends import promise_end
from huisuan.programmes.publicity.period import NoticeTerms


@dataclass(frozen=True)
class PublicityFigures:
    """What a procedure says of publicity on a day: how many working days, and whether the first is the day itself.

    `answer_days` are the working days to answer an objection, `kept_days` the days for which it is kept who objected;
    None where none are set.
    """

    working_days: int
    own_day: bool
    answer_days: int | None = None
    kept_days: int | None = None


def publicity_figures(edition: ProcedureEdition, day: date) -> PublicityFigures | None:
    """As adopted for a day; None where the number of days, or how they are counted, is not set."""
    steps = [taken for taken in edition.content["steps"] if taken["action"] == "publicise"]
    names = {(*taken["figures"][:3], taken.get("own_day", "")) for taken in steps}
    if len(names) != 1:
        return None
    *figures, own_name = names.pop()
    policy = load_policy(edition.policy)
    held = policy.adopted(min(day, policy.valid_to), date.max)
    own = held[own_name].value if own_name in held else None
    days, answer, kept = ([_whole(held, name) for name in figures] + [None] * 3)[:3]
    if days is None or own not in OWN_DAY:
        return None
    return PublicityFigures(days, own == OWN_DAY[1], answer, kept)


def _whole(held: Mapping[str, AdoptedSetting], name: str) -> int | None:
    value = held[name].value if name in held else None
    return value if type(value) is int and value > 0 else None


def standing_lines(applications: Iterable[Application]) -> dict[int, NoticeLine]:
    """By application the line of the newest notice that it came onto."""
    rows = NoticeLine.objects.filter(application__in=list(applications)).select_related("notice").order_by("pk")
    return {row.application_id: row for row in rows}


def publish_lines(steps: Sequence[ApplicationStep]) -> None:
    """A notice for each programme of an act, its lines in the order of the applications' numbers.

    A step's payload may say `title` of the notice, and `amount_fen` and `reason` of its line; an amount that the
    platform computes is that one.
    """
    amounts = computed_amounts([step.application for step in steps])
    ordered = sorted(steps, key=lambda step: (_programme(step), step.application.number))
    for (policy, key, _), group in groupby(ordered, _programme):
        listed = list(group)
        notice = _open_notice(policy, key, listed[0])
        NoticeLine.objects.bulk_create(
            NoticeLine(
                notice=notice, position=at, application=step.application, step=step,
                applicant=str(step.application.party.name if step.application.party else step.application.city),
                amount_fen=amounts.get(step.application_id, step.payload.get("amount_fen")), reason=_reason(step),
            )
            for at, step in enumerate(listed, start=1)
        )  # fmt: skip


def _programme(step: ApplicationStep) -> tuple[str, str, int]:
    edition = step.application.edition
    return edition.policy, edition.key, edition.pk


def _open_notice(policy: str, key: str, first: ApplicationStep) -> PublicNotice:
    day = first.at.astimezone(SHANGHAI).date()
    figures = publicity_figures(first.application.edition, day)
    assert figures is not None  # the condition of the act has asked
    terms = NoticeTerms(first.at, figures.working_days, figures.own_day)
    end = promise_end(terms)
    assert first.post is not None  # officials publish
    return PublicNotice.objects.create(
        number=_take_number(first.at), policy=policy, programme=key, office=first.post.office.name,
        title=str(first.payload.get("title") or f"{first.application.edition.content['title']}拟支持名单"),
        working_days=terms.working_days, own_day=terms.own_day, published_by=first.person, published_at=first.at,
        promised_end=end.ends_at, certain_until=end.certain_until,
    )  # fmt: skip


def _reason(step: ApplicationStep) -> str:
    content = step.application.edition.content
    default = f"第 {content['sentence']} 句：{content['phrase']}"
    return str(step.payload.get("reason") or step.reason or default)


def _take_number(at: datetime) -> str:
    """The next of a year; the year's row stays locked until the transaction ends, so that none is lost."""
    year = at.astimezone(SHANGHAI).year
    NumberSeries.objects.get_or_create(year=year)
    NumberSeries.objects.select_for_update(no_key=True).get(year=year)
    return f"N{year}-{PublicNotice.objects.filter(number__startswith=f'N{year}-').count() + 1:04d}"
