"""The statement as FOCUS 1.2 (FinOps Open Cost and Usage Specification), a CSV that FinOps tools take in.

One row a line of the statement. Money is in CNY, before subsidy: what comes back under the law is settled by year and
is no part of a charge. A centre sells what it runs at its list price, so list, contracted, effective and billed cost
are one; the quantity is in card-hours.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from huisuan.base.months import SHANGHAI
from huisuan.settlement.statements.lines import FirmStatement, StatementLine

FOCUS_TYPE = "text/csv; charset=utf-8"


def focus_csv(statement: FirmStatement) -> bytes:
    """The rows of the statement, UTF-8 without a mark, as the specification's tools read it."""
    buffer = io.StringIO()
    rows = [_row(statement, line) for line in statement.lines]
    columns = sorted(rows[0]) if rows else sorted(_row(statement, _NOTHING))
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


_NOTHING = StatementLine("", "", "", "", "", "", "", "", "", "", 0, date(2000, 1, 1), date(2000, 1, 1), 0)


def _row(statement: FirmStatement, line: StatementLine) -> dict[str, str]:
    month, party = statement.month, statement.party
    price = _yuan(line.fen_per_card_hour or 0)
    quantity, cost = _card_hours(line.card_seconds), _yuan(line.fen)
    sku = f"{line.centre}/{line.model}"
    project, issuer = line.project or "off-platform", _ascii(line.centre_name_en, line.centre)
    return {
        "AvailabilityZone": "",
        "BilledCost": cost,
        "BillingAccountId": party.uscc,
        "BillingAccountName": _ascii(party.name_en, party.uscc),
        "BillingAccountType": "Organization",
        "BillingCurrency": "CNY",
        "BillingPeriodEnd": _instant(month.following.first_day),
        "BillingPeriodStart": _instant(month.first_day),
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": _ascii(f"{line.model} card-hours at {line.centre}"),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _instant(line.last_day + timedelta(days=1)),
        "ChargePeriodStart": _instant(line.first_day),
        "CommitmentDiscountStatus": "",  # none: but rules about consumed quantities ask for it
        "ConsumedQuantity": quantity,
        "ConsumedUnit": "Card-Hours",
        "ContractedCost": cost,
        "ContractedUnitPrice": price,
        "EffectiveCost": cost,
        "InvoiceId": f"{party.uscc}-{line.centre}-{month}",
        "InvoiceIssuerName": issuer,
        "ListCost": cost,
        "ListUnitPrice": price,
        "PricingCategory": "Standard",
        "PricingCurrency": "CNY",
        "PricingCurrencyContractedUnitPrice": price,
        "PricingCurrencyEffectiveCost": cost,
        "PricingCurrencyListUnitPrice": price,
        "PricingQuantity": quantity,
        "PricingUnit": "Card-Hours",
        "ProviderName": issuer,
        "PublisherName": issuer,
        "RegionId": f"CN-{line.region}",
        "RegionName": _ascii(line.region_name_en, line.region),
        "ResourceId": sku,
        "ResourceName": line.model,
        "ResourceType": "Accelerator",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Accelerator compute",
        "ServiceSubcategory": "Other (AI and Machine Learning)",
        "SkuId": line.model,
        "SkuMeter": "Card-Hours",
        "SkuPriceDetails": json.dumps({"x_AcceleratorModel": line.model}),
        "SkuPriceId": f"{sku}@{line.fen_per_card_hour or 0}",
        "SubAccountId": project,
        "SubAccountName": project,
        "SubAccountType": "Project",
        "Tags": json.dumps({"project": project, "user": line.user}, ensure_ascii=False),
    }


def _instant(day: date) -> str:
    """The first moment of a day at Asia/Shanghai, in UTC as the specification wants it."""
    begins = datetime.combine(day, datetime.min.time(), SHANGHAI).astimezone(UTC)
    return begins.strftime("%Y-%m-%dT%H:%M:%SZ")


def _ascii(*names: str) -> str:
    """The first of these names that has only ASCII characters, which is all that the specification takes in names."""
    return next((name for name in names if name and name.isascii()), "-")


def _yuan(fen: int) -> str:
    return str(Decimal(fen).scaleb(-2))


def _card_hours(card_seconds: int) -> str:
    """To a billionth of an hour, without an exponent."""
    return f"{Decimal(card_seconds) / 3600:.9f}".rstrip("0").rstrip(".")
