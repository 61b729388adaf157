"""What the record says, as a letter: nobody types it again. The documents room numbers and sets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from huisuan.base.errors import Conflict
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.models import DocumentKind
from huisuan.law.policy import load_policy
from huisuan.parties.models import Party
from huisuan.programmes.models import Application, ApplicationStep, PublicNotice
from huisuan.programmes.notices.queries import end_of_notice, list_notice_lines


@dataclass(frozen=True)
class Paper:
    """A letter with what the record knows of it: its kind, the office that signs, what it is about, the addressee."""

    kind: DocumentKind
    office: str
    letter: Letter
    subject: str
    party: Party | None = None


def notice_paper(notice: PublicNotice) -> Paper:
    """A public notice with its list as an annex."""
    end = end_of_notice(notice).ends_at
    until = f"至 {_day(end - timedelta(seconds=1))} 24:00" if end else "止期待次年放假安排公布后确定"
    counted = "公示当日计入" if notice.own_day else "自次日起算"
    body = (
        Part(f"现将{notice.title}予以公示，公示期 {notice.working_days} 个工作日（{counted}），{until}。"),
        Part(
            f"对公示内容有异议的，请在期满前写明姓名、联系方式和事实向本单位提出，或在平台公示 {notice.number} 中提出。"
        ),
    )
    rows = tuple(
        (str(line.position), line.applicant, "" if line.amount_fen is None else yuan(line.amount_fen), line.reason)
        for line in list_notice_lines(notice)
    )
    columns = (AnnexColumn("序号", number=True), AnnexColumn("单位"), AnnexColumn("金额（元）", number=True))
    annex = Annex(notice.title, (*columns, AnnexColumn("理由", wide=True)), rows)
    return Paper(
        DocumentKind.PUBLICITY,
        notice.office,
        Letter(f"关于{notice.title}的公示", body, annexes=(annex,)),
        notice.number,
    )


def correction_paper(application: Application) -> Paper:
    """What the last return asks to be corrected, to the applicant.

    Raises:
        Conflict: it was not returned.
    """
    step = _last(application, "return", "退回补正")
    rule = load_policy(application.edition.policy).rule(application.edition.key)
    words = {spec.name: spec.zh for spec in rule.facts}
    fields = "、".join(words.get(name, name) for name in step.payload.get("fields", []))
    body = (
        Part(f"你单位提交的申报 {application.number}（{application.edition.content['title']}）退回补正。"),
        Part(f"须补正：{fields}。理由：{step.reason}"),
        Part("请在平台上只改以上各项，再次提交；原提交的内容保留备查。"),
    )
    return _to_applicant(DocumentKind.CORRECTION, application, step, "补正通知", body)


def decision_paper(application: Application) -> Paper:
    """What was decided, to the applicant: the amount and the sentence it rests on.

    Raises:
        Conflict: nothing was decided.
    """
    step = _last(application, "decide", "批准")
    content = application.edition.content
    policy = load_policy(application.edition.policy)
    granted = f"批准金额 {yuan(step.amount_fen)} 元。" if step.amount_fen else ""
    body = (
        Part(
            f"依据《{policy.title}》第 {content['sentence']} 句“{content['phrase']}”，批准申报 {application.number}。"
        ),
        Part(f"{granted}决定于 {_day(step.at)} 作出。{step.reason}".strip()),
    )
    return _to_applicant(DocumentKind.DECISION, application, step, "批准决定", body)


def _to_applicant(
    kind: DocumentKind, application: Application, step: ApplicationStep, title: str, body: tuple[Part, ...]
) -> Paper:
    assert step.post is not None  # both are acts of posts
    letter = Letter(
        f"{application.edition.content['title']}{title}",
        body,
        to=str(application.party.name if application.party else application.city),
    )
    return Paper(kind, step.post.office.name, letter, application.number, application.party)


def _last(application: Application, action: str, words: str) -> ApplicationStep:
    step = application.steps.filter(action=action).select_related("post__office").last()
    if step is None:
        raise Conflict(f"{application.number}：没有“{words}”这一步，不能出文", code="paper.nothing_on_record")
    return step


def _day(instant: datetime) -> str:
    day = instant.astimezone(SHANGHAI)
    return f"{day.year}年{day.month}月{day.day}日"
