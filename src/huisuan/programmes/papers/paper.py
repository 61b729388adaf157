"""What every paper has: its kind, who signs, what it is about, whom it is addressed to; and the words they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from huisuan.base.errors import Conflict
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, Letter, Part
from huisuan.documents.models import DocumentKind
from huisuan.law.policy import load_policy
from huisuan.parties.models import Party
from huisuan.programmes.models import Application, ApplicationStep


@dataclass(frozen=True)
class Paper:
    """A letter with what the record knows of it: its kind, the office that signs, what it is about, the addressee."""

    kind: DocumentKind
    office: str
    letter: Letter
    subject: str
    party: Party | None = None


def to_applicant(
    kind: DocumentKind,
    application: Application,
    step: ApplicationStep,
    title: str,
    body: tuple[Part, ...],
    annexes: tuple[Annex, ...] = (),
) -> Paper:
    """A letter to whoever applied, signed by the office of an act."""
    assert step.post is not None  # they are acts of posts
    letter = Letter(
        f"{application.edition.content['title']}{title}", body, to=addressee_name(application), annexes=annexes
    )
    return Paper(kind, step.post.office.name, letter, application.number, application.party)


def last_step(application: Application, action: str, words: str) -> ApplicationStep:
    """The last act of a kind.

    Raises:
        Conflict: there was none, so there is nothing to write.
    """
    step = application.steps.filter(action=action).select_related("post__office").last()
    if step is None:
        raise Conflict(f"{application.number}：没有“{words}”这一步，不能出文", code="paper.nothing_on_record")
    return step


def require_not_revoked(application: Application, step: ApplicationStep, title: str) -> None:
    """Refuse what rests on a decision that was revoked after a step.

    Raises:
        Conflict: it was.
    """
    if application.steps.filter(action="revoke", number__gt=step.number).exists():
        raise Conflict(f"{application.number}：批准已撤销，不能再出{title}", code="paper.revoked")


def addressee_name(application: Application) -> str:
    """What whoever applied is called."""
    return str(application.party.name if application.party else application.city)


def ground_words(application: Application, day: date) -> str:
    """The sentence of the law that an application rests on, in full, as it read on a day."""
    policy, sentence = load_policy(application.edition.policy), application.edition.content["sentence"]
    text = policy.text_on(min(day, policy.valid_to), date.max).sentences[sentence].text
    return f"《{policy.title}》第 {sentence} 句：“{text}”"


def earmark_words(application: Application) -> str:
    """What the money is for, in the words of the sentence; empty where it does not say."""
    earmark = application.edition.content.get("earmark")
    return f"本项资金按规定{earmark}，不得挪作他用。" if earmark else ""


def day_words(instant: datetime | date) -> str:
    """A day as letters write it, at Asia/Shanghai."""
    day = instant.astimezone(SHANGHAI).date() if isinstance(instant, datetime) else instant
    return f"{day.year}年{day.month}月{day.day}日"


def local_day(instant: datetime) -> date:
    """The day of an instant at Asia/Shanghai."""
    return instant.astimezone(SHANGHAI).date()
