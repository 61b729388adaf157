"""A city's project under 1.2 and 8.2: its vouchers are shared once, under 1.2 before 8.2, whoever is decided first."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.models import PartyKind, Person, Region
from huisuan.programmes.amounts.sources import law_amounts
from huisuan.programmes.awards.shares import shared_amounts
from huisuan.programmes.calls.services import open_call
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.flag_answers import give_flag_answer
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.models import Application, Award, Draft
from huisuan.programmes.workflow import act
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment
from huisuan.treasury.ledger import Act
from support.awards import GROUP
from support.calls import OPENED, line, terms
from support.jobs import party
from support.programmes import ENDED, LAW, NOON, city_account, official, person

pytestmark = pytest.mark.django_db
_FACTS = {
    "1.2": {"added_p": "400", "finished_on": "2024-06-30", "city_qualifies": "是"}, "8.2": {"key_technology": "是"},
}  # fmt: skip
_PLACE = {"city": "合肥市", "county": "其他县（市、区）", "city_granted": "3000000"}
_PAID = 300_000_000


def _hefei() -> Person:
    return person("hefei", "city", city=Region.objects.get(code="340100"))


def _claimed(key: str) -> Application:
    """The city's claim under a rule for the project that it paid for by voucher V-1."""
    official("publisher", "publish", GROUP)
    call = open_call(
        terms(programme=key, title=f"{key} 通知", line=line(key).pk, evidence=()), person("publisher"), OPENED
    )
    named = [{"kind": "project", "code": "项目甲"}, {"kind": "voucher", "code": "V-1"}]
    draft = Draft.objects.create(
        party=party(50, PartyKind.CITY), owner=_hefei(), policy=LAW.name, digest=LAW.digest, rule=key,
        facts=_FACTS[key] | _PLACE, named=named, created_at=OPENED, updated_at=OPENED, updated_by=_hefei(),
    )  # fmt: skip
    made = submit_draft(call.number, draft.pk, _hefei(), NOON)
    city_account(made.number, _hefei(), "1302010109022100001", "工商银行", NOON, name="合肥市财政局")
    return made


def _decided(made: Application) -> int:
    """What a decision grants, once the flags are answered."""
    checker, key = official(f"checker of {made.edition.key}", "check", GROUP), made.edition.key
    check_application(made.number, checker, NOON)
    for flag in flags_of([made]).filter(answered_at=None):
        give_flag_answer(made.number, flag.pk, official("answerer", "register", GROUP), "按 1.2 在先处理", NOON)
    act(made.number, "check", checker, NOON, reason="叠加由平台扣减")
    act(made.number, "publicise", official(f"publisher of {key}", "publish", GROUP), NOON)
    act(made.number, "decide", official(f"decider of {key}", "decide", GROUP), ENDED)
    return sum(Award.objects.filter(application=made).values_list("amount_fen", flat=True))


@pytest.mark.parametrize(
    ("order", "granted"), [(("1.2", "8.2"), (100_000_000, 0)), (("8.2", "1.2"), (90_000_000, 10_000_000))]
)
def test_a_voucher_is_shared_once_under_both_rules_whichever_is_decided_first(
    order: tuple[str, str], granted: tuple[int, int]
) -> None:
    record_city_payment(
        PaymentClaim("340100", "V-1", "项目甲", _PAID, NOON.date()), Act("李会计", NOON, NOON.date())
    )  # fmt: skip
    first = _claimed(order[0])
    assert _decided(first) == granted[0]
    second = _claimed(order[1])
    same = [flag.kind for flag in flags_of([second]) if flag.kind != "fact_differs"]
    assert same == ["same_object"] * 2  # the project and the voucher
    if granted[1]:
        assert _decided(second) == granted[1]
    else:
        with pytest.raises(InvalidRequest, match="没有应得金额"):  # it is for its office to refuse it
            _decided(second)
    assert sum(granted) == _PAID // 3
    assert list(shared_amounts([first, second]).values()) == list(granted)


def test_of_two_that_both_wait_1_2_goes_before_8_2_and_8_2_has_it_once_1_2_is_over() -> None:
    record_city_payment(
        PaymentClaim("340100", "V-1", "项目甲", _PAID, NOON.date()), Act("李会计", NOON, NOON.date())
    )  # fmt: skip
    later, sooner = _claimed("8.2"), _claimed("1.2")
    assert list(shared_amounts([later, sooner]).values()) == [0, 100_000_000]
    assert law_amounts([later, sooner]) == {
        sooner.pk: 100_000_000
    }  # what is payable beside the other, not what is owed
    act(sooner.number, "withdraw", _hefei(), NOON, reason="改按 8.2 申报")
    assert list(shared_amounts([later]).values()) == [90_000_000]
    assert law_amounts([later]) == {later.pk: 90_000_000}


def test_while_it_is_not_settled_how_the_two_go_together_nothing_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anhui-agi-2023").mkdir()
    (tmp_path / "anhui-agi-2023/open.toml").write_text(
        'authority = "省专班"\ndocument = "通知"\nvalid_from = 2024-01-01\nknown_from = 2023-10-13\n'
        'repeal = ["0.1.same_subsidy"]\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("HUISUAN_SETTINGS", str(tmp_path))
    record_city_payment(
        PaymentClaim("340100", "V-1", "项目甲", _PAID, NOON.date()), Act("李会计", NOON, NOON.date())
    )  # fmt: skip
    _claimed("1.2")
    later = _claimed("8.2")
    with pytest.raises(Conflict) as refused:
        _decided(later)
    assert refused.value.code == "award.stacking_undecided"
