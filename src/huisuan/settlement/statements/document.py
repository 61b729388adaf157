"""The statement as a PDF, set with Typst. What firms and people are called goes in as data, never as markup."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files

from huisuan.base.card_time import card_hours
from huisuan.base.errors import Unavailable
from huisuan.base.money import yuan
from huisuan.settlement.statements.lines import FirmStatement


def document(statement: FirmStatement, now: datetime) -> bytes:
    """The whole file; the same statement at the same moment is the same bytes.

    Raises:
        Unavailable: the page cannot be set here (a missing package, say).
    """
    try:
        import typst
    except ImportError:
        raise Unavailable("这台机器没有装 typst：请用 XLSX 或 CSV", code="statement.no_typst") from None
    source = files("huisuan.settlement.statements").joinpath("statement.typ").read_bytes()
    data = json.dumps(_data(statement), ensure_ascii=False)
    try:
        made = typst.compile(
            source, format="pdf", sys_inputs={"data": data}, timestamp=int(now.astimezone(UTC).timestamp())
        )
    except RuntimeError as error:
        raise Unavailable(f"PDF 没有做成（{error}）：请用 XLSX 或 CSV", code="statement.not_set") from None
    assert isinstance(made, bytes)
    return made


def _data(statement: FirmStatement) -> dict[str, object]:
    party = statement.party
    return {
        "title": f"{statement.month} 算力使用对账单",
        "party": f"{party.name}（{party.uscc}）",
        "totals": [
            [
                total.centre_name, card_hours(total.card_seconds), yuan(total.fen),
                "—" if total.billed_fen is None else yuan(total.billed_fen),
            ]
            for total in statement.totals
        ],
        "sum": [card_hours(statement.card_seconds), yuan(statement.fen)],
        "lines": [
            [
                line.project or "不经平台", line.user, line.centre, line.model,
                "没有价目" if line.fen_per_card_hour is None else yuan(line.fen_per_card_hour),
                f"{line.first_day:%m-%d} 至 {line.last_day:%m-%d}", card_hours(line.card_seconds), yuan(line.fen),
            ]
            for line in statement.lines
        ],
    }  # fmt: skip
