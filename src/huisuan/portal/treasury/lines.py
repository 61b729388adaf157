"""Budget lines: what stands on each; given money, carried over and lapsed by those who commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.documents.queries import list_documents
from huisuan.law.model import LawError
from huisuan.law.policy import load_installed
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.posts import sees_office
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.related.tables import claims_table, debts_table, documents_table, flags_table
from huisuan.portal.treasury.readers import BOOK_KEEPERS, BOOK_READERS, may_move_money
from huisuan.portal.treasury.words import ACCOUNT_WORDS, ENTRY_WORDS
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.number_format import yuan
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import ApplicationFlag, Office
from huisuan.programmes.payments.budget import appropriate_budget, carry_over_budget, lapse_budget
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.treasury.line_queries import UNUSED_YEARS
from huisuan.treasury.models import Account, AccountKind, AppropriationLine, Commitment, Debt, Posting

_SHOWN = (AccountKind.AVAILABLE, AccountKind.COMMITTED, AccountKind.ORDERED, AccountKind.PAID, AccountKind.LAPSED)


def lines_with_balances() -> QuerySet[AppropriationLine]:
    """Every line with what stands on its accounts, in fen: `available_fen`, `committed_fen` and so on."""
    found = AppropriationLine.objects.all()
    for kind in _SHOWN:
        held = Account.objects.filter(line=OuterRef("pk"), kind=kind, debt="").order_by().values("line")
        found = found.annotate(
            **{f"{kind.value}_fen": Coalesce(Subquery(held.annotate(s=Sum("balance")).values("s")), 0)}
        )
    return found


def line_table(request: HttpRequest) -> Table:
    """The lines, the newest year first."""

    def values(path: str) -> Any:
        def options(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
            return [(str(each), str(each)) for each in sorted(set(rows.order_by().values_list(path, flat=True)))]

        return options

    money = [
        Column(kind.value, ACCOUNT_WORDS[kind], f"{kind.value}_fen", Kind.FEN, f"{kind.value}_fen", f"{kind.value}_fen")
        for kind in _SHOWN
    ]
    return Table(
        request,
        lines_with_balances(),
        [
            Column("number", _("编号"), lambda row: str(row.pk), Kind.CODE, sort="id", link=_address),
            Column("year", _("年度"), lambda row: str(row.year), sort="year"),
            Column("policy", _("政策"), "policy", Kind.CODE, sort="policy"),
            Column("sentence", _("条款"), "sentence", Kind.CODE, sort="sentence"),
            Column("office", _("主管单位"), "office", sort="office"),
            *money,
        ],
        file="budget-lines",
        order="-year",
        search=("policy", "sentence", "office"),
        choices=[
            Choice("year", _("年度"), values("year"), lambda rows, year: rows.filter(year=year)),
            Choice("policy", _("政策"), values("policy"), lambda rows, policy: rows.filter(policy=policy)),
            Choice("sentence", _("条款"), values("sentence"), lambda rows, each: rows.filter(sentence=each)),
            Choice("office", _("主管单位"), values("office"), lambda rows, office: rows.filter(office=office)),
            Choice("unused", _("未用"), lambda _rows: [("yes", _("两年未用，应交回")), ("no", _("其他"))], _unused),
        ],
        empty=Empty(_("还没有预算：由财政部门当天在任的下达岗位按文号下达。")),
    )


def _unused(rows: QuerySet[Any], chosen: str) -> QuerySet[Any]:
    """Those with money left so many years after their own that it is to be handed back; or the others."""
    left = Q(available_fen__gt=0) | Q(committed_fen__gt=0)
    unused = left & Q(year__lte=timezone.localdate().year - UNUSED_YEARS)
    return rows.filter(unused) if chosen == "yes" else rows.exclude(unused)


def _address(row: Any) -> str:
    return reverse("budget-line", args=[row.pk])


@allow(*BOOK_READERS)
@require_http_methods(["GET", "POST"])
def budget_lines_page(request: HttpRequest) -> HttpResponseBase:
    """The lines; POST gives money to the line of a programme."""
    if request.method != "POST":
        return _listed(request, {})
    typed = {name: request.POST.get(name, "").strip() for name in ("programme", "year", "amount", "document")}
    assert isinstance(request.user, Person)
    policy, _space, key = typed["programme"].partition(" ")
    try:
        fen, year = typed_fen(typed["amount"]), _year(typed["year"])
        line = appropriate_budget(policy, key, year, fen, typed["document"], request.user, timezone.now())
    except (Refused, LawError) as refusal:
        return _listed(request, typed, refusal)
    messages.success(request, _t("已下达 {fen} 元。").format(fen=yuan(fen)))
    return redirect("budget-line", number=line.pk)


def typed_fen(text: str) -> int:
    """An amount as somebody typed it in yuan, in fen.

    Raises:
        InvalidRequest: it is none.
    """
    fen = parse_typed_yuan(text)
    if fen is None:
        raise InvalidRequest("金额读不出：以元填写，至多两位小数，如 1234567.85", code="treasury.amount_malformed")
    return fen


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == len("2024")):
        raise InvalidRequest("年度读不出：写作 2024", code="treasury.year_malformed")
    return int(text)


def _listed(request: HttpRequest, typed: dict[str, str], refused: Refused | LawError | None = None) -> HttpResponseBase:
    may = may_move_money(request, Duty.COMMIT)
    programmes = [
        (f"{policy.name} {spec.key}", f"{spec.key} {spec.title_en if reads_english() else spec.title}")
        for policy in (load_installed()[0] if may else [])
        for spec in policy.programmes
    ]
    context = {
        "here": "budget-lines",
        "may_commit": may,
        "programmes": programmes,
        "typed": typed or {"year": str(timezone.localdate().year)},
        "refused": refusal_html(refused) if refused else "",
    }
    status = 200 if refused is None else refusal_status(refused) if isinstance(refused, Refused) else 422
    return render_tables(request, "portal/treasury/lines.html", context, [line_table(request)], status=status)


@allow(*BOOK_READERS)
def budget_line_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One line: its accounts, and every entry that touched it."""
    return _one(request, get_object_or_404(lines_with_balances(), pk=number))


def _one(request: HttpRequest, line: AppropriationLine, refused: Refused | None = None) -> HttpResponseBase:
    table = Table(
        request,
        Posting.objects.filter(account__line=line).select_related("entry", "account"),
        [
            Column("day", _("日期"), "entry.day", Kind.DAY, sort="entry__day"),
            Column("kind", _("做了什么"), lambda row: str(ENTRY_WORDS[row.entry.kind]), sort="entry__kind"),
            Column("account", _("科目"), lambda row: str(ACCOUNT_WORDS[row.account.kind]), sort="account__kind"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen"),
            Column("key", _("凭据"), "entry.key", Kind.LONG_CODE, sort="entry__key"),
            Column("reason", _("理由"), "entry.reason", Kind.SENTENCE, minor=True),
            Column("by", _("谁"), "entry.by", Kind.CODE, sort="entry__by"),
        ],
        file=f"budget-line-{line.pk}",
        order="-day",
        search=("entry__key", "entry__by"),
        choices=[
            Choice("kind", _("做了什么"), _kinds, lambda rows, kind: rows.filter(entry__kind=kind)),
            Choice("account", _("科目"), _accounts, lambda rows, kind: rows.filter(account__kind=kind)),
        ],
        empty=Empty(_("这条预算还没有记账。")),
    )
    promised = Commitment.objects.filter(Q(line=line) | Q(instalments__line=line)).values("award")
    claims = visible_applications(viewer_of(request)).filter(awards__key__in=promised).distinct()
    tables = [
        table,
        claims_table(request, claims, viewer_of(request).role, f"budget-line-{line.pk}"),
        debts_table(request, Debt.objects.filter(line=line), f"budget-line-{line.pk}"),
        documents_table(
            request,
            list_documents(viewer_of(request)).filter(subject__in=claims.values("number")),
            f"budget-line-{line.pk}",
        ),
    ]
    if viewer_of(request).sees_everything:
        flags = ApplicationFlag.objects.filter(application__in=claims.values("pk"))
        tables.append(flags_table(request, flags, f"budget-line-{line.pk}"))
    office = Office.objects.filter(name=line.office).first()
    assert isinstance(request.user, Person)
    context = {
        "here": "budget-lines",
        "line": line,
        "office": office if office and sees_office(request.user, office, timezone.localdate()) else None,
        "balances": [(ACCOUNT_WORDS[kind], getattr(line, f"{kind.value}_fen")) for kind in _SHOWN],
        "may_commit": may_move_money(request, Duty.COMMIT),
        "next_year": line.year + 1,
        "refused": refusal_html(refused) if refused else "",
    }
    status = refusal_status(refused) if refused else 200
    return render_tables(request, "portal/treasury/line.html", context, tables, status=status)


def _kinds(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("entry__kind", flat=True))
    return [(kind, word) for kind, word in ENTRY_WORDS.items() if kind in present]


def _accounts(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("account__kind", flat=True))
    return [(kind, word) for kind, word in ACCOUNT_WORDS.items() if kind in present]


@allow(*BOOK_KEEPERS)
@require_POST
def end_budget_line(request: HttpRequest, number: int, action: str) -> HttpResponse | HttpResponseBase:
    """Carry over what is committed and not ordered (`carry-over`), or take back what nobody was promised (`lapse`)."""
    line = get_object_or_404(lines_with_balances(), pk=number)
    assert isinstance(request.user, Person)
    try:
        if action == "carry-over":
            count = carry_over_budget(line, _year(request.POST.get("year", "").strip()), request.user, timezone.now())
            messages.success(request, _t("已结转 {n} 期。").format(n=count))
        elif action == "lapse":
            fen = lapse_budget(line, request.user, timezone.now())
            messages.success(request, _t("已收回 {fen} 元。").format(fen=yuan(fen)))
        else:
            return render(request, "404.html", status=404)
    except Refused as refusal:
        return _one(request, line, refusal)
    return redirect("budget-line", number=number)
