"""Writing what a run came to: bills, their lines, and entitlements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, TypeAlias

from huisuan.compute.models import Accelerator, Centre
from huisuan.law.model import to_json
from huisuan.parties.models import Party
from huisuan.settlement.models import Bill, BillLine, Entitlement, SettlementRun
from huisuan.settlement.runs.entitle import FACT_PREFIX, carried_parties, counted_days, fact_names
from huisuan.settlement.runs.inputs import start_of_day
from huisuan.settlement.runs.stacking import AnsweredRule

_BATCH = 2000  # rows of one INSERT
BillKey: TypeAlias = tuple[int, int, date]  # party, centre, month


class RunWriter:
    """Writes one run; the codes of parties and centres are looked up once."""

    def __init__(self, run: SettlementRun, rule: AnsweredRule) -> None:
        self.run, self.rule, self.billing = run, rule, rule.billing
        self.parties = dict(Party.objects.values_list("uscc", "id"))
        self.centres = dict(Centre.objects.values_list("code", "id"))
        self.bills: Mapping[BillKey, Bill] = {}

    def write_bills(self) -> None:
        """The bills."""
        made = Bill.objects.bulk_create(
            (
                Bill(
                    run=self.run, party_id=self.parties[party], centre_id=self.centres[centre], month=month,
                    card_seconds=seconds, amount_fen=amount, excluded_fen=excluded,
                )
                for party, centre, month, seconds, amount, excluded in self.billing.rows(
                    "SELECT party, centre, month, card_seconds, amount_fen, excluded_fen FROM bills ORDER BY ALL"
                )
            ),
            batch_size=_BATCH,
        )  # fmt: skip
        self.bills = {(bill.party_id, bill.centre_id, bill.month): bill for bill in made}

    def write_lines(self) -> None:
        """The lines of the bills that are written."""
        models = dict(Accelerator.objects.values_list("model", "id"))
        BillLine.objects.bulk_create(
            (
                BillLine(
                    bill=self.bills[self.parties[party], self.centres[centre], month], accelerator_id=models[model],
                    starts=start_of_day(starts), ends=start_of_day(ends), fen_per_card_hour=price or 0,
                    excluded_because=why, records=records, card_seconds=seconds,
                )
                for party, centre, month, model, starts, ends, price, why, records, seconds in self.billing.rows(
                    "SELECT party, centre, month, model, starts, ends, fen_per_card_hour, excluded_because, records, "
                    "card_seconds FROM lines WHERE party IS NOT NULL ORDER BY ALL"
                )
            ),
            batch_size=_BATCH,
        )  # fmt: skip

    def write_entitlements(self) -> None:
        """What each party is owed, and what of it is payable."""
        counted, carried = counted_days(self.billing), carried_parties(self.billing)
        sentence, names = self.rule.asked.place.rule.sentence, fact_names(self.billing)
        Entitlement.objects.bulk_create(
            (
                Entitlement(
                    run=self.run, party_id=self.parties[row["party"]], status=row["status"],
                    amount_fen=row["amount_fen"] or 0, payable_fen=row["payable_fen"] or 0,
                    facts={name: to_json(row[FACT_PREFIX + name]) for name in names},
                    reasons=_reasons(row, sentence), counted=counted.get(row["party"]),
                    carried=carried.get(row["party"], []),
                )
                for row in self._answers()
            ),
            batch_size=_BATCH,
        )  # fmt: skip

    def _answers(self) -> Iterator[dict[str, Any]]:
        found = self.billing.engine.execute(
            "SELECT a.*, p.payable_fen FROM answers a JOIN payable p USING (party) ORDER BY party"
        )
        names = [column[0] for column in found.description]
        yield from (dict(zip(names, row, strict=True)) for row in found.fetchall())


def _reasons(row: Mapping[str, Any], sentence: str) -> list[str]:
    """The codes of the answer, and of what stands in the way of paying all of it."""
    codes = row["reasons"].split(";") if row["reasons"] else []
    if row["amount_fen"] and row["payable_fen"] is None:
        return [*codes, f"stacking@{sentence}"]
    return [*codes, f"stacked@{sentence}"] if (row["amount_fen"] or 0) != (row["payable_fen"] or 0) else codes
