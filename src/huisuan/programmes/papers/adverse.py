"""Adverse letters: a refusal, a recovery, a revocation, with facts, reasons, ground, hearing and remedies.

Remedies by the Administrative Reconsideration Law (2023), articles 20 and 24: sixty days, to the government at the
level of the office; and the Administrative Litigation Law (2017), articles 18 and 46: six months, to the court of the
place. A city has neither: between levels of government no administrative act is reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from huisuan.base.money import yuan
from huisuan.documents.letters import Annex, AnnexColumn, Part
from huisuan.documents.models import DocumentKind
from huisuan.law.policy import load_policy
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.checks.stored import last_round
from huisuan.programmes.models import Application, ApplicationStep, CheckKind
from huisuan.programmes.papers.paper import (
    Paper,
    day_words,
    earmark_words,
    ground_words,
    last_step,
    local_day,
    to_applicant,
)
from huisuan.treasury.models import Debt

#: checks whose reasons speak of the applicant alone: of the others the letter names the kind, never another applicant
_OWN_CHECKS = (CheckKind.LAW, CheckKind.CREDIT, CheckKind.DEBTS)


def refusal_paper(application: Application) -> Paper:
    """That an application is refused.

    Raises:
        Conflict: it was not refused.
    """
    step = last_step(application, "refuse", "不予支持")
    submitted = application.steps.filter(action="submit").last()
    when = f"你单位于 {day_words(submitted.at)} 提交" if submitted else "你单位的"
    facts = f"{when}{application.year} 年度申报 {application.number}。{_failed_checks(application)}"
    body = _adverse(application, step, "本单位决定对你单位的申报不予支持", (facts,))
    return to_applicant(DocumentKind.REFUSAL, application, step, "不予支持决定", body)


def recovery_paper(application: Application) -> Paper:
    """That money is to be paid back: paid minus owed, by when, and what was said about it.

    Raises:
        Conflict: nothing is recovered.
    """
    step = last_step(application, "recover", "启动追回")
    debts = [debt for debt in debts_of([application]).get(application.pk, []) if debt.at >= step.at]
    award = standing_awards([application])[application.pk]
    so_far = paid_so_far(commitments_of([application]).get(application.pk, []))
    total = sum(debt.claimed_fen for debt in debts)
    facts = (
        f"申报 {application.number} 已拨付 {yuan(so_far.paid_fen)} 元；按更正后的事实，"
        f"应得 {yuan(award.amount_fen)} 元，须退回 {yuan(total)} 元。"
    )
    body = _adverse(application, step, f"本单位决定追回 {yuan(total)} 元", (facts, *_pleas(application, step)))
    return to_applicant(DocumentKind.RECOVERY, application, step, "追回通知", body, (_repayments(debts),))


def revocation_paper(application: Application) -> Paper:
    """That what was granted is revoked before it is paid.

    Raises:
        Conflict: nothing was revoked.
    """
    step = last_step(application, "revoke", "撤销")
    decided = application.steps.filter(action="decide", number__lt=step.number).last()
    when = f"本单位于 {day_words(decided.at)} 批准" if decided else "本单位批准"
    body = _adverse(application, step, "本单位决定撤销该项批准", (f"{when}申报 {application.number}。",))
    return to_applicant(DocumentKind.REVOCATION, application, step, "撤销决定", body)


def _adverse(application: Application, step: ApplicationStep, decision: str, facts: Iterable[str]) -> tuple[Part, ...]:
    day = local_day(step.at)
    remedies = _remedies(application)
    return (
        Part(f"{decision}（{day_words(step.at)}）。"),
        Part("一、事实", "heading"), *(Part(text) for text in facts),
        Part("二、理由", "heading"), Part(step.reason),
        Part("三、依据", "heading"), Part(f"{ground_words(application, day)}{earmark_words(application)}"),
        Part("四、陈述申辩", "heading"), Part(_hearing(application, step, day)),
        *((Part("五、救济途径", "heading"), Part(remedies)) if remedies else ()),
    )  # fmt: skip


def _failed_checks(application: Application) -> str:
    failed = [answer for answer in last_round(application) if answer.passed is False]
    said = "；".join(
        f"{CheckKind(answer.kind).label}：{answer.reason}"
        if answer.kind in _OWN_CHECKS
        else CheckKind(answer.kind).label
        for answer in failed
    )
    return f"核验未通过的：{said}。" if said else ""


def _hearing(application: Application, step: ApplicationStep, day: date) -> str:
    days = _hearing_days(application, step, day)
    within = f"自收到本文书之日起 {days} 个工作日内" if days else ""
    return f"你单位可{within}在平台上或以书面向本单位陈述、申辩；本单位不因陈述、申辩而加重处理。"


def _hearing_days(application: Application, step: ApplicationStep, day: date) -> int | None:
    """The days to be heard as adopted for the day of an act; None where its procedure names none, or none holds."""
    taken = [one for one in application.edition.content["steps"] if one["action"] == step.action]
    policy = load_policy(application.edition.policy)
    held = policy.adopted(min(day, policy.valid_to), date.max)
    names = [name for one in taken for name in one["figures"][:1] if name in held]
    value = held[names[0]].value if names else None
    return value if isinstance(value, int) else None


def _pleas(application: Application, step: ApplicationStep) -> Iterable[str]:
    """What was said to it and what was answered, each an act on record."""
    words = {"plead": "你单位陈述申辩", "hear": "本单位答复", "relent": "本单位采纳申辩"}
    for said in application.steps.filter(action__in=list(words), number__gt=step.number).order_by("number"):
        yield f"{day_words(said.at)}，{words[said.action]}：{said.reason}"


def _remedies(application: Application) -> str:
    if application.party is None:
        return ""
    issuer = load_policy(application.edition.policy).issuer
    government = issuer if issuer.endswith("人民政府") else "本单位的本级人民政府"
    return (
        f"对本决定不服的，可自收到之日起六十日内向{government}申请行政复议，"
        "也可自收到之日起六个月内向本单位所在地有管辖权的人民法院提起行政诉讼。"
    )


def _repayments(debts: Iterable[Debt]) -> Annex:
    columns = (
        AnnexColumn("编号"), AnnexColumn("期次", number=True), AnnexColumn("金额（元）", number=True),
        AnnexColumn("最迟", wide=True),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for debt in debts:
        parts = list(debt.repayments.all())
        rows += [(debt.key, str(part.number), yuan(part.amount_fen), day_words(part.due_on)) for part in parts]
        if not parts:
            rows.append((debt.key, "1", yuan(debt.amount_fen), "收到通知后即退"))
    return Annex("退款计划", columns, tuple(rows))
