"""A record of use that comes late lowers or raises a paid year: from the meter to the ledger, every step its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from huisuan.base.errors import Conflict
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.imports.pending_corrections import resolve_flag
from huisuan.compute.models import MeterFlag
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.corrections.outdated import list_outdated, outdated_to_dict
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.models import Application
from huisuan.programmes.offers.services import OffersMade, confirm_offer, make_offers
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.settle import settle
from huisuan.treasury.check import prove
from support.awards import ACCOUNT, BANK, DATA, GROUP, WAY
from support.jobs import party
from support.programmes import LAW, TREASURY, applicant, budget, official, paid_at_bank, person
from support.treasury import balances
from support.usage_records import A800, centre, imported, line, sacct

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 3, 3, 4, tzinfo=UTC)
ENDED = NOW + timedelta(days=8)
#: fen of an hour of eight cards, and the fifth of it that 2.2 gives
HOUR = 8 * 1280
OWED = HOUR // 5


@pytest.fixture(autouse=True)
def metered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A centre with a price, and money on the line of 2.2."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    budget("2.2", 1_000_000, year=2025)


def used(*jobs: tuple[int, str]) -> SettlementRun:
    """Jobs of 10 March 2024 from nine o'clock until an hour come in; what the year then owes."""
    day = "2024-03-10T"
    lines = [line(job, Start=f"{day}09:00:00", Submit=f"{day}08:00:00", End=f"{day}{end}:00") for job, end in jobs]
    imported(sacct(*lines), tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    return settle(LAW.name, 2024, now=NOW, by="test").run


def offered(run: SettlementRun) -> OffersMade:
    return make_offers(run, official("data", "check", DATA), NOW)


def paid(made: Application) -> Application:
    """Confirmed, walked to its order by one official for each duty, and paid at the bank."""
    confirm_offer(made.number, applicant(), ACCOUNT, BANK, NOW, truthful=True)
    for action, duty, office in WAY:
        at = NOW if action in ("check", "publicise") else ENDED
        act(made.number, action, official(f"{duty} of 2.2", duty, office), at)
    import_bank_returns(paid_at_bank(payer()), f"{made.number}.csv", payer(), ENDED)
    made.refresh_from_db()
    return made


def payer() -> Person:
    return official("pay of 2.2", "pay", TREASURY)


def differing() -> list[dict[str, object]]:
    return [outdated_to_dict(one) for one in list_outdated(Viewer.for_person(person("shenji", "auditor")))]


def test_a_late_record_that_lowers_a_paid_year_is_taken_back_with_the_lines_of_use_that_made_it() -> None:
    (offer,) = offered(used((1, "10:00"), (2, "12:00"))).made
    made = paid(offer.application)
    assert (made.state, offer.amount_fen) == ("closed", 4 * OWED)
    used((2, "10:30"))  # the centre corrects job 2: it ended an hour and a half earlier
    assert differing() == [], "less use waits for a word"
    resolve_flag(MeterFlag.objects.get().pk, "与中心核对过", "专班", NOW, accept=True)
    later = settle(LAW.name, 2024, now=NOW, by="test").run
    assert offered(later).differing == (made,)
    made.refresh_from_db()
    assert (made.state, made.amount_fen) == ("closed", 4 * OWED), "nothing changes by itself"
    (found,) = differing()
    assert (found["correction"], found["stands_fen"], found["owed_fen"]) == ("recovery", 4 * OWED, 5 * OWED // 2)
    assert found["newest_run"] == later.pk
    assert found["use"] == [{
        "month": "2024-03", "centre": "c1", "model": A800, "fen_per_card_hour": 1280, "excluded_because": "",
        "card_seconds_before": 8 * 4 * 3600, "card_seconds_after": 8 * 5 * 1800,
    }]  # fmt: skip
    registrar = official("register of 2.2", "register", GROUP)
    act(made.number, "recover", registrar, ENDED, reason="中心更正了 3 月的一条记录")
    (debt,) = debts_of([made])[made.pk]
    assert debt.amount_fen == 3 * OWED // 2
    assert receive_repayment(debt, debt.amount_fen, "收 1 号", payer(), ENDED).recovered
    made.refresh_from_db()
    assert (made.state, differing(), prove().holds) == ("closed", [], True)
    books = balances(debt.line)
    assert (books["paid"], books["recovered"], books["available"]) == (
        5 * OWED // 2, 3 * OWED // 2, 1_000_000 - 4 * OWED,
    )  # fmt: skip


def test_a_late_record_that_raises_a_paid_year_becomes_a_supplement_that_the_firm_confirms_and_is_paid() -> None:
    (offer,) = offered(used((1, "10:00"))).made
    first = paid(offer.application)
    later = used((2, "12:00"))
    (found,) = differing()
    assert (found["number"], found["correction"], found["owed_fen"]) == (first.number, "supplement", 4 * OWED)
    assert [row["card_seconds_after"] - row["card_seconds_before"] for row in found["use"]] == [8 * 3 * 3600]  # type: ignore[attr-defined]
    done = rebase(first.number, "迟到的用量", official("data", "check", DATA), NOW)
    assert (done.application.state, done.amount_fen) == ("draft", 3 * OWED)
    second = paid(done.application)
    assert (second.state, second.amount_fen, offered(later).differing, differing()) == ("closed", 3 * OWED, (), [])
    with pytest.raises(Conflict, match="无须重定"):
        rebase(first.number, "再来一次", official("data", "check", DATA), ENDED)
    assert prove().holds
