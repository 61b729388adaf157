"""A rule about one project is answered with what the registers know of it: what its city paid, by voucher."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.compute.fact_sources.registry import MEASURES, ClaimMeasure
from huisuan.law.model import Status
from huisuan.settlement.runs.claim_facts import PROVIDERS, RegisteredClaim, answer_claim
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment, reverse_city_payment
from huisuan.treasury.ledger import Act

MAY, JUNE = (datetime(2025, month, 5, 4, tzinfo=UTC) for month in (5, 6))
IN_MAY, IN_JUNE = (Act("李会计", at, at.date()) for at in (MAY, JUNE))
DECLARED = {"key_technology": True, "city": "340100"}


def asked(known: datetime = JUNE, **declared: object) -> RegisteredClaim:
    return answer_claim("anhui-agi-2023", "8.2", "340100", "项目甲", 2024, {**DECLARED, **declared}, known.date())


@pytest.mark.django_db
def test_the_award_of_a_project_follows_the_vouchers_of_its_city_as_known_on_a_day() -> None:
    for number, (project, day) in enumerate(
        [
            ("项目甲", date(2024, 4, 1)),
            ("项目甲", date(2024, 12, 31)),
            ("项目甲", date(2025, 1, 1)),
            ("项目乙", date(2024, 4, 1)),
        ]
    ):
        record_city_payment(PaymentClaim("340100", f"V-{number}", project, 100_000_000, day), IN_MAY)
    last, _ = record_city_payment(PaymentClaim("340100", "V-9", "项目甲", 50_000_000, date(2024, 5, 1)), IN_MAY)
    reverse_city_payment(last, "付错了项目", IN_JUNE)
    now, before = asked(), asked(MAY)
    assert (now.registered, before.registered) == ({"city_paid": 200_000_000}, {"city_paid": 250_000_000})
    assert now.answer.status is before.answer.status is Status.ELIGIBLE
    assert (now.answer.amount_fen, before.answer.amount_fen) == (60_000_000, 75_000_000)  # 30%


@pytest.mark.django_db
def test_each_payment_is_shared_by_the_law_of_its_own_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held = tmp_path / "anhui-agi-2023"
    held.mkdir()
    (held / "2024-10.toml").write_text(
        'authority = "省专班"\ndocument = "通知"\nvalid_from = 2024-10-01\nknown_from = 2023-10-12\n'
        '[settings]\n"0.2.uplift" = "0%"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("HUISUAN_SETTINGS", str(tmp_path))
    centre = {"added_p": 400, "finished_on": "2024-06-30", "city_qualifies": True, "city": "341200", "county": "other"}

    def owed(rule: str, **declared: object) -> RegisteredClaim:
        return answer_claim("anhui-agi-2023", rule, "341200", "智算中心", 2024, declared, JUNE.date())

    for number, (day, fen) in enumerate([(date(2024, 3, 1), 3_000_000_000), (date(2024, 11, 1), 3_000_000_000)]):
        record_city_payment(PaymentClaim("341200", f"V-{number}", "智算中心", fen, day), IN_MAY)
        found = owed("1.2", **centre)
        assert found.answer.amount_fen == (1_200_000_000, 2_200_000_000)[number]  # a third; raised before October only
    assert [step.value for step in found.answer.steps[-2:]] == [1_200_000_000, 1_000_000_000]
    project = {"key_technology": True, "city": "341200", "county": "other"}
    assert owed("8.2", **project).answer.amount_fen == 1_000_000_000  # its cap is one, whatever the days


@pytest.mark.django_db
def test_what_a_register_knows_is_not_declared_and_other_rules_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="city_paid 由登记得出"):
        asked(city_paid=1)
    with pytest.raises(InvalidRequest, match="没有按项目登记的事实"):
        answer_claim("anhui-agi-2023", "5.1", "340100", "项目甲", 2024, {}, JUNE.date())
    assert asked().registered == {"city_paid": 0}


def test_every_claim_measure_has_who_answers_it() -> None:
    assert {key for key, measure in MEASURES.items() if isinstance(measure, ClaimMeasure)} == PROVIDERS.keys()
