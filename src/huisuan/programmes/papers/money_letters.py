"""Letters about money: the notice of funds to whom they were granted, the list of orders that went to the bank."""

from __future__ import annotations

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.models import DocumentKind
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import Application
from huisuan.programmes.papers.paper import (
    Paper,
    day_words,
    earmark_words,
    ground_words,
    last_step,
    local_day,
    require_not_revoked,
    to_applicant,
)
from huisuan.treasury.models import BankFile, Commitment


def funds_paper(application: Application) -> Paper:
    """What was set aside for an application, by whom, from which line, in which parts.

    Raises:
        Conflict: nothing was set aside, or its decision was revoked.
    """
    step = last_step(application, "commit", "下达资金")
    require_not_revoked(application, step, "资金下达通知")
    commitments = commitments_of([application]).get(application.pk, [])
    total = sum(part.amount_fen for one in commitments for part in one.instalments.all() if part.release_id is None)
    lines = "、".join(
        dict.fromkeys(f"{one.line.year} 年度第 {one.line.sentence} 句预算（{one.line.office}）" for one in commitments)
    )
    body = (
        Part(f"依据{ground_words(application, local_day(step.at))}，申报 {application.number} 已获批准。"),
        Part(f"现下达资金 {yuan(total)} 元，列 {lines}；下达于 {day_words(step.at)}。{earmark_words(application)}"),
        Part("资金按附件分期拨付至你单位在平台上登记的账户；账户变更须经第二人核准。"),
    )
    return to_applicant(DocumentKind.FUNDS, application, step, "资金下达通知", body, (_instalments(commitments),))


def _instalments(commitments: list[Commitment]) -> Annex:
    columns = (
        AnnexColumn("奖补"), AnnexColumn("期次", number=True), AnnexColumn("金额（元）", number=True),
        AnnexColumn("不早于", wide=True),
    )  # fmt: skip
    rows = tuple(
        (one.award, str(part.number), yuan(part.amount_fen), day_words(part.due_on) if part.due_on else "")
        for one in commitments
        for part in one.instalments.all()
        if part.release_id is None
    )
    return Annex("分期拨付计划", columns, rows)


def payment_list_paper(file: BankFile, office: str) -> Paper:
    """The orders of a file for the bank; of accounts the last four digits, the rest stands in the file itself."""
    lines = file.lines.select_related("order__instalment__commitment").order_by("number")
    columns = (
        AnnexColumn("序号", number=True), AnnexColumn("支付令"), AnnexColumn("收款人", wide=True), AnnexColumn("账号"),
        AnnexColumn("金额（元）", number=True), AnnexColumn("用途"),
    )  # fmt: skip
    rows = tuple(
        (
            str(line.number), line.order.name, line.order.payee, f"…{line.order.account_number[-4:]}",
            yuan(line.order.instalment.amount_fen),
            f"{line.order.instalment.commitment.award} 第 {line.order.instalment.number} 期",
        )
        for line in lines
    )  # fmt: skip
    made = f"{day_words(file.at)} {file.at.astimezone(SHANGHAI):%H:%M}"
    body = (
        Part(f"送银行文件 {file} 于 {made} 生成，共 {file.orders} 笔，合计 {yuan(file.total_fen)} 元，逐笔见附件。"),
        Part(f"文件的 SHA-256：{file.sha256}"),
    )
    letter = Letter(f"拨付清单（{file}）", body, annexes=(Annex("支付令", columns, rows, size=10),))
    return Paper(DocumentKind.PAYMENT_LIST, office, letter, str(file))
