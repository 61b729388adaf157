"""A recovery on corrected facts, in agreed parts: by the page's form and by API with the same fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from typer.testing import CliRunner

from huisuan.programmes.application_commands import app
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act
from huisuan.treasury.check import prove
from huisuan.treasury.models import PaymentOrder
from support.accounts import personal_caller
from support.calls import DURING, draft, opened
from support.programmes import (
    ENDED,
    INDUSTRY,
    NOON,
    TREASURY,
    WAY,
    applicant,
    budget,
    checked,
    official,
    paid_at_bank,
)

pytestmark = pytest.mark.django_db
LATER = DURING + 2 * (ENDED - NOON)  # a holiday lies between


@pytest.fixture
def paid() -> Application:
    """Two national standards, claimed under a call and paid."""
    line = budget()
    made = submit_draft(opened(line=line.pk).number, draft().pk, applicant(1), DURING)
    give_payee(made.number, applicant(1), "1302010109022100001", "工商银行", DURING)
    checked(made, official("checker", "check", INDUSTRY), DURING)
    for action, duty, office in WAY[1:-1]:
        act(made.number, action, official(f"{duty}er", duty, office), LATER if action != "publicise" else DURING)
    payer = official("payer", "pay", TREASURY)
    import_bank_returns(paid_at_bank(payer), "r.csv", payer, LATER)
    made.refresh_from_db()
    assert made.state == "closed"
    return made


def test_the_page_takes_corrected_facts_and_agreed_parts_and_the_platform_computes_what_comes_back(
    paid: Application,
) -> None:
    each, keeper = PaymentOrder.objects.get().instalment.amount_fen // 2, Client()
    keeper.force_login(
        official("keeper", "register", INDUSTRY), backend="django.contrib.auth.backends.ModelBackend"
    )  # fmt: skip
    page = f"/applications/{paid.number}"
    shown = keeper.get(page).content.decode()
    assert 'name="fact-national"' in shown
    assert shown.count('name="repay_day"') == 4
    typed = {"reason": "一项标准已废止", "fact-national": "1", "repay_amount": ["1", ""], "repay_day": ["", ""]}
    wrong = keeper.post(f"{page}/acts/recover", typed)
    assert (wrong.status_code, debts_of([paid])) == (422, {})
    assert '<input type="text" name="fact-national" value="1"' in wrong.content.decode()
    typed |= {"repay_amount": [str(each // 200), str(each // 200)], "repay_day": ["2026-12-31", "2027-06-30"]}
    assert keeper.post(f"{page}/acts/recover", typed).status_code == 302
    (debt,) = debts_of([paid])[paid.pk]
    assert debt.amount_fen == each
    assert [str(part.due_on) for part in debt.repayments.all()] == ["2026-12-31", "2027-06-30"]
    assert prove().holds


def test_the_same_by_api_and_what_an_act_does_not_take_is_refused(paid: Application) -> None:
    each = PaymentOrder.objects.get().instalment.amount_fen // 2
    keeper, at = personal_caller(official("keeper", "register", INDUSTRY)), f"/api/v1/applications/{paid.number}/acts"
    said = {"reason": "一项标准已废止", "facts": {"national": "1"}, "repayments": [[each, "2026-12-31"]]}
    for action, more, code in (
        ("recover", {"budget_year": 2024}, "application.field_not_here"),
        ("relent", {}, "application.field_not_here"),
        ("recover", {"facts": {"no_such": "1"}}, "award.corrected_fact_unknown"),
        ("recover", {"repayments": [[each - 1, "2026-12-31"]]}, "award.repayments_do_not_add_up"),
    ):
        refused = keeper.post(f"{at}/{action}", said | more, "application/json")
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    taken = keeper.post(f"{at}/recover", said, "application/json", headers={"Idempotency-Key": "k"})
    assert (taken.status_code, taken.json()["state"]) == (200, "in_recovery")
    (debt,) = debts_of([paid])[paid.pk]
    assert (debt.amount_fen, debt.repayments.count()) == (each, 1)


def test_the_same_by_command_from_a_file_of_facts(paid: Application, tmp_path: Path) -> None:
    official("keeper", "register", INDUSTRY)
    file = tmp_path / "facts.json"
    file.write_text('{"national": 1}', encoding="utf-8")
    words = ["act", paid.number, "recover", "--by", "keeper", "--reason", "一项标准已废止", "--facts", str(file)]
    taken = CliRunner().invoke(app, [*words, "--json"])
    assert taken.exit_code == 0, (taken.output, taken.exception)
    (debt,) = debts_of([paid])[paid.pk]
    assert debt.amount_fen == PaymentOrder.objects.get().instalment.amount_fen // 2
