"""What the record says, as a letter: nobody types it again. The documents room numbers and sets it."""

from __future__ import annotations

from datetime import timedelta

from huisuan.base.money import yuan
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.models import DocumentKind
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Application, PublicNotice
from huisuan.programmes.notices.queries import end_of_notice, list_notice_lines
from huisuan.programmes.papers.paper import Paper, day_words, last_step, require_not_revoked, to_applicant


def notice_paper(notice: PublicNotice) -> Paper:
    """A public notice with its list as an annex."""
    end = end_of_notice(notice).ends_at
    until = f"至 {day_words(end - timedelta(seconds=1))} 24:00" if end else "止期待次年放假安排公布后确定"
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
    step = last_step(application, "return", "退回补正")
    rule = load_policy(application.edition.policy).claim_rule(application.edition.rule_key)
    words = {spec.name: spec.zh for spec in rule.facts}
    fields = "、".join(words.get(name, name) for name in step.payload.get("fields", []))
    body = (
        Part(f"你单位提交的申报 {application.number}（{application.edition.content['title']}）退回补正。"),
        Part(f"须补正：{fields}。理由：{step.reason}"),
        Part("请在平台上只改以上各项，再次提交；原提交的内容保留备查。"),
    )
    return to_applicant(DocumentKind.CORRECTION, application, step, "补正通知", body)


def decision_paper(application: Application) -> Paper:
    """What was decided, to the applicant: the amount and the sentence it rests on.

    Raises:
        Conflict: nothing was decided, or it was revoked.
    """
    step = last_step(application, "decide", "批准")
    require_not_revoked(application, step, "批准决定")
    content = application.edition.content
    policy = load_policy(application.edition.policy)
    granted = f"批准金额 {yuan(step.amount_fen)} 元。" if step.amount_fen else ""
    body = (
        Part(
            f"依据《{policy.title}》第 {content['sentence']} 句“{content['phrase']}”，批准申报 {application.number}。"
        ),
        Part(f"{granted}决定于 {day_words(step.at)} 作出。{step.reason}".strip()),
    )
    return to_applicant(DocumentKind.DECISION, application, step, "批准决定", body)
