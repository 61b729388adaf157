"""A firm's statement says what its bills say, in files that programs read; its forecast is the law's own answer."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import openpyxl
import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Unavailable
from huisuan.base.money import round_half_up
from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.law.model import Status
from huisuan.law.policy import load_policy
from huisuan.parties.models import Party, StateChange
from huisuan.parties.relation_import import import_successions
from huisuan.parties.viewer import Viewer
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, adopt_proposal, propose_settings
from huisuan.settlement.adoption.settings_files import write_adopted
from huisuan.settlement.models import Bill, Entitlement, Through
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.statements.document import document
from huisuan.settlement.statements.focus_csv import focus_csv
from huisuan.settlement.statements.forecast import forecast_year
from huisuan.settlement.statements.lines import FirmStatement, StatementLine, allot_fen, load_statement
from huisuan.settlement.statements.workbook import workbook
from support.relations import relate
from support.usage_records import A800, centre, imported, line, party, sacct

NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
NEW_YEARS_EVE = datetime(2024, 12, 31, 15, 59, 59, tzinfo=UTC)  # its last second in Shanghai
FIRM = '#strong[x] $a$ "合肥" =cmd()'  # what a firm is called is data, in Typst and in a spreadsheet


@pytest.fixture
def firm(db: None) -> Viewer:
    """A firm whose use crosses months and prices, of two users at one centre."""
    made = centre()
    Party.objects.filter(pk=party(1).pk).update(name=FIRM)
    set_tariff("c1", A800, "1280", date(2024, 1, 1), date(2024, 3, 10))
    set_tariff("c1", A800, "1333", date(2024, 3, 10))
    jobs = [
        line(1, Start="2024-02-28T09:00:07", End="2024-03-02T10:00:00", Submit="2024-02-28T08:00:00"),
        line(2, Start="2024-03-09T22:11:13", End="2024-03-10T03:00:01", Submit="2024-03-09T08:00:00"),
        line(3, User="wang", Start="2024-03-15T09:00:00", End="2024-03-15T09:00:01"),
    ]
    tenants = f"user,uscc\nzhang,{party(1).uscc}\nwang,{party(1).uscc}\n".encode()
    imported(sacct(*jobs), tenants=(tenants, "t"))
    assert made.code == "c1"
    return Viewer("user", "zhang", party_id=party(1).pk, member_role="owner")


def test_every_month_says_what_its_bill_says(firm: Viewer) -> None:
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    for bill in Bill.objects.all():
        (total,) = load_statement(firm, Month.containing(bill.month)).totals
        assert (total.fen, total.card_seconds, total.billed_fen) == (
            bill.amount_fen,
            bill.card_seconds,
            bill.amount_fen,
        )
    march = load_statement(firm, Month(2024, 3))
    assert [(each.user, each.fen_per_card_hour, each.project) for each in march.lines] == [
        ("wang", 1333, ""), ("zhang", 1280, ""), ("zhang", 1333, ""),
    ]  # fmt: skip
    assert sum(each.fen for each in march.lines) == march.fen
    nothing = load_statement(Viewer("user", "x", party_id=party(2).pk), Month(2024, 3))
    assert (nothing.lines, nothing.fen) == ([], 0)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**7)), min_size=1, max_size=12))
def test_lines_add_up_to_the_sum_that_is_rounded_once(amounts: list[tuple[int, int]]) -> None:
    lines = [
        StatementLine("", "", "u", "c", "c", "c", "r", "r", "r", "m", fen, date(2024, 1, 1), date(2024, 1, 1), seconds)
        for seconds, fen in amounts
    ]
    allotted = allot_fen(lines)
    assert sum(each.fen for each in allotted) == round_half_up(sum((each.exact_fen for each in lines), Fraction(0)))
    assert all(0 <= each.fen - each.exact_fen // 1 <= 1 for each in allotted)


def test_what_is_not_counted_yet_is_no_statement(firm: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.compute.budgets.party_use.REFRESH_LIMIT", 2)
    for reading in (lambda: load_statement(firm, Month(2024, 3)), lambda: forecast_year(firm, NOW)):
        with pytest.raises(Unavailable, match="3 条用量记录没有计入"):
            reading()


def test_the_workbook_holds_the_figures_as_numbers_and_no_formula(firm: Viewer) -> None:
    statement = load_statement(firm, Month(2024, 3))
    book = openpyxl.load_workbook(io.BytesIO(workbook(statement)))
    totals, lines = book["汇总"], book["明细"]
    assert FIRM in str(totals["A1"].value)
    assert Decimal(str(totals["D5"].value)) * 100 == statement.fen
    rows = list(lines.iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(statement.lines)
    assert round(sum(row[10] for row in rows) * 100) == statement.fen  # type: ignore[misc]
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_the_pdf_is_set_with_names_as_data_and_is_the_same_bytes_again(firm: Viewer) -> None:
    statement = load_statement(firm, Month(2024, 3))
    made = document(statement, NOW)
    assert made == document(statement, NOW)
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
        assert "2024-03" in str(pdf.docinfo["/Title"])


def test_the_focus_file_has_the_columns_of_the_specification_and_adds_up(firm: Viewer) -> None:
    """Checked once by hand with the FinOps foundation's validator 2.0.1; here, what that rests on."""
    statement = load_statement(firm, Month(2024, 3))
    rows = list(csv.DictReader(io.StringIO(focus_csv(statement).decode())))
    assert sum(Decimal(row["BilledCost"]) for row in rows) * 100 == statement.fen
    for row in rows:
        assert row["BilledCost"] == row["EffectiveCost"] == row["ListCost"] == row["ContractedCost"]
        assert row["InvoiceIssuerName"] == row["ProviderName"]  # or the billed cost must be nothing
        assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2024-02-29T16:00:00Z", "2024-03-31T16:00:00Z")
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]
        assert all(row[name].isascii() for name in row if name.endswith("Name"))
        assert {row[name] for name in ("BillingCurrency", "PricingCurrency")} == {"CNY"}
        assert all(
            row[name] for name in row if name not in ("AvailabilityZone", "ChargeClass", "CommitmentDiscountStatus")
        )
    empty = focus_csv(FirmStatement(party(1), Month(2024, 4)))
    assert empty.decode().strip().split(",") == list(rows[0])


def test_the_forecast_at_the_years_end_is_the_settlements_answer(firm: Viewer) -> None:
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    owed = Entitlement.objects.get(party=party(1))
    found = forecast_year(firm, NEW_YEARS_EVE)
    assert found.settled_fen == owed.amount_fen
    assert abs(found.so_far.spend_fen - owed.facts["spend"]) <= 3  # each bill is rounded by itself
    assert found.at_end.spend == found.so_far.spend / found.elapsed
    assert (found.so_far.answer.status.value, found.so_far.self_use_fen) == (owed.status, owed.facts["self_use"])


def test_a_forecast_goes_on_at_the_pace_of_the_year_and_leaves_out_the_firms_own_centre(firm: Viewer) -> None:
    half = datetime(2024, 7, 1, 16, tzinfo=UTC)  # the middle of a leap year, in Shanghai
    found = forecast_year(firm, half)
    assert found.elapsed == Fraction(1, 2)
    assert found.at_end.spend == 2 * found.so_far.spend > 0
    assert found.at_end.net == found.at_end.spend - found.at_end.subsidy_fen
    relate(party(99), party(1), share_permille=1000, valid_from=date(2024, 3, 1))
    found = forecast_year(firm, half)
    march = load_statement(firm, Month(2024, 3))
    assert found.so_far.self_use_fen == march.fen
    stranger = Viewer("user", "x", party_id=party(98, kind="department").pk)
    assert forecast_year(stranger, half).at_end.answer.status is Status.NOT_ELIGIBLE
    begins = datetime(2023, 12, 31, 16, tzinfo=UTC)
    assert forecast_year(stranger, begins).elapsed == 0
    assert forecast_year(stranger, begins + timedelta(seconds=1)).at_end.spend == 0


def test_a_forecast_counts_only_the_days_on_which_the_firm_is_one_whom_the_rule_is_for(firm: Viewer) -> None:
    half = datetime(2024, 7, 1, 16, tzinfo=UTC)
    whole = forecast_year(firm, half)
    assert (whole.so_far.subsidy_fen, whole.at_end.subsidy_fen) == (
        whole.so_far.spend_fen // 5,
        whole.at_end.spend_fen // 5,
    )
    _moves_to_shanghai(date(2024, 3, 5), known=half)
    found = forecast_year(firm, half)
    assert found.at_end.spend == whole.at_end.spend, "what is spent stays what it is"
    assert 0 < found.so_far.subsidy_fen < whole.so_far.subsidy_fen
    assert found.at_end.subsidy_fen == found.so_far.subsidy_fen, "of what comes after the move nothing comes back"
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    owed = Entitlement.objects.get(party=party(1))
    assert abs(found.so_far.subsidy_fen - owed.amount_fen) <= 3  # each bill is rounded by itself


def test_a_rate_that_changes_within_the_year_counts_from_its_day_as_in_the_settlement(
    firm: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    begins = datetime(2024, 1, 2, 4, tzinfo=UTC)
    for first, share in (("2024-03-10", "10%"), ("2024-10-01", "5%")):
        text = f'authority = "省专班"\ndocument = "试"\nvalid_from = {first}\n[settings]\n"2.2.rate" = "{share}"\n'
        draft = parse_draft(load_policy("anhui-agi-2023"), "f.toml", text)
        made = propose_settings("anhui-agi-2023", draft, ProposalActor("zhang", Through.WEB), begins)
        adopt_proposal(made.pk, ProposalActor("li", Through.WEB), begins)
        write_adopted()
        begins += timedelta(days=1)
    half = datetime(2024, 7, 1, 16, tzinfo=UTC)
    found = forecast_year(firm, half)
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    owed = Entitlement.objects.get(party=party(1))
    assert owed.amount_fen < found.so_far.spend_fen // 5
    assert abs(found.so_far.subsidy_fen - owed.amount_fen) <= 3  # each bill is rounded by itself
    spend = found.so_far.spend  # again as much to come: 91 of its 183 days at a tenth, 92 at a twentieth
    to_come = spend * Fraction(91, 183) / 10 + spend * Fraction(92, 183) / 20
    assert abs(found.at_end.subsidy_fen - found.so_far.subsidy_fen - to_come) <= 3


def test_the_use_of_a_predecessor_counts_with_the_firms_and_nothing_comes_back_to_the_predecessor(firm: Viewer) -> None:
    other = line(9, User="li", Start="2024-02-03T09:00:00", End="2024-02-20T10:00:00", Submit="2024-02-03T08:00:00")
    imported(sacct(other), tenants=(f"user,uscc\nli,{party(2).uscc}\n".encode(), "t"))
    alone = forecast_year(firm, NEW_YEARS_EVE)
    lines = f"old,new,kind,valid_from,carries\n{party(2).uscc},{party(1).uscc},merged,2024-03-01,true\n"
    assert import_successions(lines.encode(), now=datetime(2024, 6, 1, 4, tzinfo=UTC)).new == 1
    found = forecast_year(firm, NEW_YEARS_EVE)
    settle("anhui-agi-2023", 2024, now=NOW, by="x")
    owed = Entitlement.objects.get()
    assert (owed.party, owed.carried) == (party(1), [party(2).uscc])
    assert abs(found.so_far.subsidy_fen - owed.amount_fen) <= 3  # each bill is rounded by itself
    assert abs(found.so_far.spend_fen - owed.facts["spend"]) <= 3
    assert found.so_far.subsidy_fen > alone.so_far.subsidy_fen
    old = forecast_year(Viewer("user", "li", party_id=party(2).pk, member_role="owner"), NEW_YEARS_EVE)
    assert old.so_far.spend_fen > 0
    assert (old.so_far.subsidy_fen, old.settled_fen) == (0, None)


def _moves_to_shanghai(day: date, known: datetime) -> None:
    StateChange.objects.create(
        party=party(1), what="region", value="310000", before="340100", valid_from=day, known_from=known.date(),
        source="x", by="x", at=known,
    )  # fmt: skip


def test_a_move_that_is_still_to_come_counts_from_its_day(firm: Viewer) -> None:
    half = datetime(2024, 7, 1, 16, tzinfo=UTC)
    _moves_to_shanghai(date(2024, 10, 1), known=half)
    found = forecast_year(firm, half)
    assert found.so_far.subsidy_fen == found.so_far.spend_fen // 5
    counted = found.so_far.spend * (1 + Fraction(91, 183))  # of the 183 days that are left 91 lie before it
    assert found.at_end.subsidy_fen == round_half_up(counted) // 5


def test_a_centre_that_is_the_firms_own_from_some_day_to_come_is_left_out_from_that_day(firm: Viewer) -> None:
    half = datetime(2024, 7, 1, 16, tzinfo=UTC)
    before = forecast_year(firm, half)
    relate(party(99), party(1), valid_from=date(2024, 10, 1), known_from=date(2024, 6, 1))
    found = forecast_year(firm, half)
    assert (found.so_far.self_use, found.so_far.subsidy_fen) == (0, before.so_far.subsidy_fen)
    quarter = Fraction(92, 183)  # of the days that are left
    assert found.at_end.self_use == before.so_far.spend * quarter
