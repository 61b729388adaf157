"""A firm's statement and forecast over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import Month
from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import firm as wire
from huisuan.settlement.statements import document, focus_csv, workbook
from huisuan.settlement.statements.forecast import Outlook, forecast_year
from huisuan.settlement.statements.lines import FirmStatement, load_statement

router = Router(tags=["本单位"])
_FORMS: dict[str, tuple[str, str, Callable[[FirmStatement, datetime], bytes]]] = {
    "xlsx": ("xlsx", workbook.XLSX_TYPE, lambda statement, now: workbook.workbook(statement)),
    "pdf": ("pdf", PDF_TYPE, document.document),
    "focus": ("focus.csv", focus_csv.FOCUS_TYPE, lambda statement, now: focus_csv.focus_csv(statement)),
}


@router.get(
    "/statements/{month}/{form}", response=bytes, auth=Allow("user", scope="read"),
    summary="月度对账单：xlsx、pdf、focus（FOCUS 1.2 CSV）",
)  # fmt: skip
def statement(request: HttpRequest, month: str, form: str) -> HttpResponse:
    """The month of the caller's firm."""
    now = datetime.now(UTC)
    return statement_file(load_statement(viewer_of(request), Month.parse(month)), form, now)


def statement_file(found: FirmStatement, form: str, now: datetime) -> HttpResponse:
    """The statement as a file to keep.

    Raises:
        InvalidRequest: no such form.
        Unavailable: it cannot be made here.
    """
    if form not in _FORMS:
        raise InvalidRequest(f"格式 {form}：只能是 {'、'.join(_FORMS)}", code="statement.form_unknown")
    ending, kind, make = _FORMS[form]
    answer = HttpResponse(make(found, now), content_type=kind)
    name = f"statement-{found.party.uscc}-{found.month}.{ending}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@router.get("/forecast", response=wire.ForecastInfo, auth=Allow("user", scope="read"), summary="到年底的花费与补助")
def forecast(request: HttpRequest) -> wire.ForecastInfo:
    """The year so far and at its end, with the law's answer to each."""
    found = forecast_year(viewer_of(request), datetime.now(UTC))
    return wire.ForecastInfo(
        year=found.year, elapsed=str(found.elapsed), so_far=_outlook(found.so_far), at_end=_outlook(found.at_end),
        settled_fen=found.settled_fen,
    )  # fmt: skip


def _outlook(outlook: Outlook) -> wire.OutlookInfo:
    answer = outlook.answer
    return wire.OutlookInfo(
        spend_fen=str(outlook.spend), self_use_fen=str(outlook.self_use), subsidy_fen=outlook.subsidy_fen,
        net_fen=str(outlook.net), status=answer.status.value, reasons=[reason.text for reason in answer.reasons],
    )  # fmt: skip
