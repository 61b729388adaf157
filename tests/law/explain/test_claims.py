"""Claims summed before rate, floor and cap: by claimant and period, by object, each thing once, caps shared."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huisuan.law.explain.claims import ClaimAnswer, ClaimInput, decide_claims
from huisuan.law.model.answers import Status
from huisuan.law.model.errors import LawError
from huisuan.law.policy.policy import Policy
from support.summing_policy import summing_policy

DAY = date(2024, 6, 30)
YUAN = 100


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return summing_policy(tmp_path_factory.mktemp("policy"))


def bought(whose: str, name: str, yuan: int, **others: Any) -> ClaimInput:
    facts = {
        "enterprise": True, "compliant": True, "price": yuan * YUAN, "paid_on": date(2024, 3, 1),
        "contract": f"HT-{name}",
    }  # fmt: skip
    return ClaimInput("1.1", whose, facts | others, name)


def used(whose: str, name: str, yuan: int) -> ClaimInput:
    return ClaimInput("1.2", whose, {"fee": yuan * YUAN, "billed_on": date(2024, 3, 1), "bill": name}, name)


def decided(policy: Policy, *claims: ClaimInput) -> dict[str, tuple[str, int | None, list[str]]]:
    found = decide_claims(policy, claims, on=DAY, as_known=DAY)
    return {answer.claim.name: _told(answer) for answer in found}


def _told(answer: ClaimAnswer) -> tuple[str, int | None, list[str]]:
    yuan = None if answer.amount_fen is None else answer.amount_fen // YUAN
    return answer.status.value, yuan, [reason.code for reason in answer.reasons]


def test_two_contracts_of_one_user_share_the_cap_of_the_year(policy: Policy) -> None:
    assert decided(policy, bought("甲", "1", 1_600_000), bought("甲", "2", 1_600_000)) == {
        "1": ("eligible", 320_000, []), "2": ("eligible", 180_000, ["capped@1.1"])
    }  # fmt: skip


def test_the_next_year_and_another_user_have_caps_of_their_own(policy: Policy) -> None:
    later = bought("甲", "2", 3_000_000, paid_on=date(2025, 1, 1))
    found = decided(policy, bought("甲", "1", 3_000_000), later, bought("乙", "3", 3_000_000))
    assert [amount for _, amount, _ in found.values()] == [500_000] * 3


def test_the_same_contract_twice_is_one_and_the_second_says_which_it_repeats(policy: Policy) -> None:
    again = bought("乙", "2", 1_000_000, contract="HT-1", paid_on=date(2024, 3, 2))
    found = decided(policy, again, bought("甲", "1", 1_000_000, contract="HT-1"))
    assert found == {"1": ("eligible", 200_000, []), "2": ("not_eligible", 0, ["repeats:1@1.1"])}


def test_a_contract_that_does_not_count_is_not_repeated(policy: Policy) -> None:
    first = bought("甲", "1", 1_000_000, contract="HT-1", compliant=False)
    found = decided(policy, first, bought("甲", "2", 1_000_000, contract="HT-1"))
    assert found["1"] == ("not_eligible", 0, ["failed:compliant@1.1"])
    assert found["2"] == ("eligible", 200_000, [])


def test_a_floor_is_asked_of_the_whole_year(policy: Policy) -> None:
    small = bought("甲", "1", 60_000)
    assert decided(policy, small) == {"1": ("not_eligible", 0, ["failed:enough@1.1"])}
    assert decided(policy, small, bought("甲", "2", 40_000)) == {
        "1": ("eligible", 12_000, []), "2": ("eligible", 8_000, [])
    }  # fmt: skip


def test_rounding_happens_once_and_the_sum_is_the_amount_of_the_total(policy: Policy) -> None:
    claims = [ClaimInput("1.2", "甲", {"fee": 5, "billed_on": DAY, "bill": f"{n}"}, f"{n}") for n in range(4)]
    amounts = [answer.amount_fen for answer in decide_claims(policy, claims, on=DAY, as_known=DAY)]
    assert amounts == [0, 1, 0, 1]


def test_behind_a_claim_that_lacks_a_fact_the_others_of_the_year_wait(policy: Policy) -> None:
    claims = [used("甲", "1", 100_000), used("甲", "3", 100_000)]
    unknown = ClaimInput("1.2", "甲", {"fee": None, "billed_on": date(2024, 3, 1), "bill": "2"}, "2")
    assert decided(policy, claims[1], unknown, claims[0]) == {
        "1": ("eligible", 10_000, []), "2": ("missing_facts", None, ["missing:fee"]),
        "3": ("missing_facts", None, ["undecided@1.2"]),
    }  # fmt: skip


def test_claims_of_one_project_share_its_cap_whoever_claims(policy: Policy) -> None:
    claims = [ClaimInput("1.4", who, {"cost": 2_000_000 * YUAN, "project": "P1"}, who) for who in ("甲", "乙")]
    found = decided(policy, *claims)
    assert sum(amount or 0 for _, amount, _ in found.values()) == 1_000_000


def test_a_standard_is_awarded_once(policy: Policy) -> None:
    claims = [ClaimInput("1.5", "甲", {"kind": "world", "number": number}, name) for name, number in
              (("1", "ISO 1"), ("2", "ISO 2"), ("3", "ISO 1"))]  # fmt: skip
    assert decided(policy, *claims) == {
        "1": ("eligible", 1_000_000, []), "2": ("eligible", 1_000_000, []), "3": ("not_eligible", 0, ["repeats:1@1.5"])
    }  # fmt: skip


def test_two_rules_together_come_to_the_shared_cap_in_their_declared_order(policy: Policy) -> None:
    found = decided(policy, used("甲", "u", 4_000_000), bought("甲", "b", 2_000_000))
    assert found == {"b": ("eligible", 400_000, []), "u": ("eligible", 200_000, ["together@1.3"])}


def test_what_is_paid_back_counts_below_zero_and_once(policy: Policy) -> None:
    def back(name: str, yuan: int, *, proved: bool = True) -> ClaimInput:
        return ClaimInput("1.6", "甲", {"proved": proved, "paid": yuan * YUAN, "payment": name[0]}, name)

    found = decided(policy, bought("甲", "b", 1_000_000), back("1", 120_000), back("1 again", 120_000),
                    back("2", 5, proved=False))  # fmt: skip
    assert [(name, amount) for name, (_, amount, _) in found.items()] == [
        ("b", 200_000), ("1", -120_000), ("1 again", 0), ("2", 0)
    ]  # fmt: skip
    assert found["1 again"][2] == ["repeats:1@1.6"]


def test_entered_in_whatever_order_every_claim_gets_the_same(policy: Policy) -> None:
    claims = [
        bought("甲", "1", 1_600_000, paid_on=date(2024, 5, 1)), bought("甲", "2", 1_500_000), bought("甲", "3", 40_000),
        used("甲", "4", 2_000_000), used("甲", "5", 3_000_000),
    ]  # fmt: skip
    answers = {tuple(sorted((name, *map(str, told)) for name, told in decided(policy, *order).items()))
               for order in itertools.permutations(claims)}  # fmt: skip
    assert len(answers) == 1


def test_a_total_beyond_what_may_be_declared_is_refused_and_not_cut(policy: Policy) -> None:
    claims = [used("甲", f"{n:02}", 100_000_000) for n in range(11)]
    found = decided(policy, *claims)
    assert found["09"][0] == "eligible"
    assert found["10"] == ("missing_facts", None, ["beyond@1.2"])


def test_a_claim_that_cannot_be_placed_says_what_it_lacks(policy: Policy) -> None:
    found = decided(
        policy, bought("甲", "1", 1_000_000, paid_on=None), ClaimInput("1.1", None, bought("", "x", 9).facts, "2")
    )
    assert found["1"][2] == ["missing:paid_on"]
    assert found["2"] == (Status.MISSING_FACTS.value, None, ["missing:claimant"])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (', on=Bought.paid_on, once=Bought.contract', "", "law.period_without_day"),
        ('each("year", "1.1"', 'each("week", "1.1"', "law.period_unknown"),
        ('    over=each("year", "1.1", "每家企业每年最高50万元", on=Bought.paid_on, once=Bought.contract),\n', "",
         "law.total_without_group"),
        ('on=Computed.billed_on', "on=Bought.paid_on", "law.group_fact_unknown"),
        ('("1.1", "1.2")', '("1.1", "1.4")', "law.shared_cap_rule"),
        ('return fifth', 'return (fifth + bought.price)', "law.fact_outside_total"),
        ('spent = bought.price.summed', 'spent = (legal_share("20%", "1.1", "按20%补助") * bought.price).summed',
         "law.total_of_fractions"),
    ],
)  # fmt: skip
def test_what_cannot_be_summed_is_refused_when_the_policy_is_read(
    tmp_path: Path, old: str, new: str, code: str
) -> None:
    with pytest.raises(LawError) as refusal:
        summing_policy(tmp_path, (old, new))
    assert refusal.value.code == code
