"""The lists that stand on such a page: claims, debts, documents, flags, experts; each searched, paged and exported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.documents.models import Document
from huisuan.portal.documents.views import document_kind
from huisuan.portal.programmes.application_desk import FLAG_WORDS
from huisuan.portal.programmes.inbox import applicant_name
from huisuan.portal.programmes.words import EXPERT_TIES, application_state, duty_label, programme_title
from huisuan.portal.registers.city_desk import granted_and_paid
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table
from huisuan.programmes.models import Application, ApplicationFlag, ExpertTie, Post
from huisuan.programmes.offices.queries import is_in_force
from huisuan.treasury.models import Debt

_WAITS, _ANSWERED = Word(_("等答复"), "wait"), Word(_("已答复"), "good")
_IN_FORCE, _NOT = Word(_("在任"), "good"), Word(_("不在任"))


def _application(row: Any) -> str:
    return reverse("application", args=[row.number])


def claims_table(request: HttpRequest, rows: QuerySet[Application], role: str, file: str) -> Table:
    """Applications, each with what was granted and paid."""

    def prepare(shown: Sequence[Any]) -> None:
        money = granted_and_paid(shown)
        for row in shown:
            row.granted_fen, row.paid_fen = money[row.pk]

    return Table(
        request,
        rows,
        [
            Column("number", _("编号"), "number", Kind.CODE, sort="number", link=_application),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("year", _("年度"), lambda row: str(row.year), sort="year"),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("state", _("状态"), lambda row: application_state(row.state, role), Kind.STATE, "state"),
            Column("granted", _("决定金额"), "granted_fen", Kind.FEN),
            Column("paid", _("已拨付"), "paid_fen", Kind.FEN),
            Column("since", _("最近一步"), "state_since", Kind.MOMENT, sort="state_since"),
        ],
        file=f"{file}-claims",
        name="claims",
        order="-number",
        search=("number", "party__name", "party__uscc", "edition__key"),
        prepare=prepare,
        empty=Empty(_("没有申报。")),
    )


def debts_table(request: HttpRequest, rows: QuerySet[Debt], file: str) -> Table:
    """What has to come back."""
    return Table(
        request,
        rows.select_related("account", "party", "city"),
        [
            Column("debt", _("追回"), "key", Kind.CODE, sort="key"),
            Column("party", _("单位"), lambda row: local_name(row.party or row.city), sort="party__name"),
            Column("amount", _("应退"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("left", _("未退"), "account.balance", Kind.FEN, "account__balance", "account__balance"),
            Column("reason", _("理由"), "reason", Kind.SENTENCE),
            Column("at", _("通知于"), "at", Kind.MOMENT, sort="at"),
        ],
        file=f"{file}-debts",
        name="debts",
        order="-at",
        search=("key", "reason", "party__name"),
        empty=Empty(_("没有应退回的。")),
    )


def documents_table(request: HttpRequest, rows: QuerySet[Document], file: str) -> Table:
    """Documents."""
    return Table(
        request,
        rows,
        [
            Column("number", _("文号"), "full_number", link=lambda row: reverse("document", args=[row.code])),
            Column("kind", _("种类"), lambda row: document_kind(row.kind), sort="kind"),
            Column("title", _("标题"), "title"),
            Column("office", _("发文机关"), "series.office", sort="series__office"),
            Column("issued", _("签发"), "issued_at", Kind.MOMENT, "issued_at"),
        ],
        file=f"{file}-documents",
        name="documents",
        order="-issued",
        search=("code", "letter__title", "subject"),
        empty=Empty(_("没有公文。")),
    )


def flags_table(request: HttpRequest, rows: QuerySet[ApplicationFlag], file: str) -> Table:
    """Flags on applications."""
    return Table(
        request,
        rows.select_related("application", "answered_by"),
        [
            Column(
                "number", _("申报"), "application.number", Kind.CODE, sort="application__number",
                link=lambda row: _application(row.application),
            ),
            Column("kind", _("疑点"), lambda row: str(FLAG_WORDS[row.kind]), sort="kind"),
            Column("state", _("状态"), lambda row: _ANSWERED if row.answered_at else _WAITS, Kind.STATE, "answered_at"),
            Column("raised", _("何时"), "raised_at", Kind.MOMENT, sort="raised_at"),
            Column("reason", _("答复"), "reason", Kind.SENTENCE),
        ],
        file=f"{file}-flags",
        name="flags",
        order="-raised",
        search=("application__number", "reason"),
        empty=Empty(_("没有疑点。")),
    )  # fmt: skip


def ties_table(request: HttpRequest, rows: QuerySet[ExpertTie], file: str) -> Table:
    """Ties of experts to parties."""
    return Table(
        request,
        rows.select_related("expert__person", "party"),
        [
            Column(
                "expert", _("专家"), "expert.person.name", sort="expert__person__name",
                link=lambda row: reverse("whole-expert", args=[row.expert_id]),
            ),
            Column(
                "party", _("单位"), lambda row: local_name(row.party), sort="party__name",
                link=lambda row: reverse("party", args=[row.party.uscc]),
            ),
            Column("kind", _("关系"), lambda row: str(EXPERT_TIES[row.kind]), sort="kind"),
            Column("from", _("自"), "starts", Kind.DAY, sort="starts"),
            Column("until", _("至（不含）"), "ends", Kind.DAY, sort="ends"),
            Column("known", _("何日起知道"), "known_from", Kind.DAY, sort="known_from"),
        ],
        file=f"{file}-ties",
        name="ties",
        order="-from",
        search=("expert__person__name", "party__name", "party__uscc"),
        empty=Empty(_("没有登记专家的关联。")),
    )  # fmt: skip


def posts_table(request: HttpRequest, rows: QuerySet[Post], today: date, file: str) -> Table:
    """Posts of an office."""
    return Table(
        request,
        rows.select_related("person", "given_by"),
        [
            Column(
                "person", _("谁"), "person.name", sort="person__name", link=lambda row: reverse("post", args=[row.pk])
            ),
            Column("duty", _("职责"), lambda row: duty_label(row.duty), sort="duty"),
            Column("state", _("状态"), lambda row: _IN_FORCE if is_in_force(row, today) else _NOT, Kind.STATE),
            Column("from", _("自"), "from_day", Kind.DAY, sort="from_day"),
            Column("until", _("止于"), lambda row: row.ended_on or row.until_day, Kind.DAY, sort="until_day"),
        ],
        file=f"{file}-posts",
        name="posts",
        order="-from",
        search=("person__name", "person__username"),
        empty=Empty(_("没有岗位。")),
    )
