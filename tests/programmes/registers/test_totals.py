"""What winners of the contest are given is summed over all payers, and no entry brings a project above the figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from huisuan.base.csv_lines import FileReport
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import RegisterTotal
from huisuan.law.procedure.registers import check_register_facts, check_register_spec
from huisuan.parties.models import Party, StateChange
from huisuan.programmes.claim_objects.codes import NamedObject
from huisuan.programmes.models import RegisteredThing, RegisterVersion
from huisuan.programmes.registers.services import end_entry, import_register
from huisuan.programmes.submissions.known_facts import KnownFact, find_known_facts
from support.programmes import LAW, official, person
from support.registers import OFFICE, POLICY
from support.usage_records import party

NOON = datetime(2024, 6, 3, 4, tzinfo=UTC)
HEADER = "编号,支持事项,获奖单位,市,自,至,项目编号,方式,出资方,金额"


def won(code: str, holder: Party | None = None) -> None:
    """A prize that was entered before the jury's marks came from a draw, or its next version with its winner."""
    thing, _ = RegisteredThing.objects.get_or_create(policy=POLICY, register="prizes", code=code)
    if thing.latest is not None and holder is None:
        return
    thing.latest = RegisterVersion.objects.create(
        entry=thing, number=thing.versions.count() + 1, name=code, holder=holder, from_day=date(2024, 4, 20),
        values={"round": "R1", "prize": "一等奖"}, digest=f"{code} {holder}", source="奖.csv", by=person("keeper"),
        at=NOON, reason="补登获奖单位" if holder else "",
    )  # fmt: skip
    thing.save()


def entered(*rows: tuple[str, str, str, str], reason: str = "") -> FileReport:
    """Rows of code, project, payer and yuan."""
    lines = [f"{code},支持,,,2024-05-01,,{project},股权投资,{payer},{yuan}" for code, project, payer, yuan in rows]
    content = "\n".join([HEADER, *lines]).encode()
    official("keeper", "register", OFFICE)
    for code in ("XM-1", "XM-2"):
        won(code)
    return import_register(content, "支持.csv", POLICY, "follow_up", by=person("keeper"), now=NOON, reason=reason)


@pytest.mark.django_db
def test_support_of_a_project_is_capped_over_all_payers_and_another_project_has_its_own_cap() -> None:
    report = entered(
        ("Z-1", "XM-1", "省基金", "20000000"), ("Z-2", "xm-1", "市属银行", "10000000"),
        ("Z-3", "XM-1", "人才办", "0.01"), ("Z-4", "XM-2", "省基金", "30000000"),
    )  # fmt: skip
    assert report.new == 3
    (fault,) = report.faults
    assert (fault.line, fault.column, fault.value) == (4, "金额", "0.01")
    assert "30,000,000.01 元，超过 30,000,000.00 元" in fault.rule
    assert "不论由谁出资" in fault.remedy
    support = RegisteredThing.objects.filter(register="follow_up")
    assert sorted(support.values_list("code", flat=True)) == ["Z-1", "Z-2", "Z-4"]


@pytest.mark.django_db
def test_a_corrected_entry_counts_once_and_one_taken_off_counts_no_more() -> None:
    assert not entered(("Z-1", "XM-1", "省基金", "20000000"), ("Z-2", "XM-1", "市属银行", "5000000")).faults
    assert not entered(("Z-1", "XM-1", "省基金", "25000000"), reason="协议更正").faults
    assert entered(("Z-3", "XM-1", "人才办", "1")).faults
    end_entry(POLICY, "follow_up", "Z-2", date(2024, 6, 2), by=person("keeper"), now=NOON, reason="借款已收回")
    assert not entered(("Z-3", "XM-1", "人才办", "5000000")).faults


@pytest.mark.django_db
def test_what_others_gave_is_filled_in_from_the_register_and_locked_with_its_day() -> None:
    assert not entered(("Z-1", "XM-1", "省基金", "20000000"), ("Z-2", "XM-1", "市属银行", "5000000")).faults
    rule, today = LAW.rule("10.1.support"), date(2024, 9, 10)

    def known(own: str) -> dict[str, KnownFact]:
        return find_known_facts(LAW, rule, party(1), 2024, [NamedObject("contract", own, own)], today, today)

    assert "given" not in known("Z-9")  # nobody says which project is the party's
    won("XM-1", party(1))
    assert known("Z-9")["given"].to_dict() == {
        "value": 2_500_000_000, "source": "things", "words": "本政策的名录", "day": "2024-09-10",
        "record": "名录“大赛获奖项目后续支持”XM-1 共 2 项",
    }  # fmt: skip
    assert known("z-2")["given"].value == 2_000_000_000  # its own support is not what others gave


def test_a_fact_is_the_total_of_a_register_that_has_one() -> None:
    spec = next(fact for fact in LAW.rule("10.1.support").facts if fact.name == "given")
    with pytest.raises(LawError) as refused:
        check_register_facts("10.1.support", [spec], {"follow_up": replace(LAW.register("follow_up"), total=None)})
    assert refused.value.code == "law.register_fact_wrong"


def test_a_total_is_of_an_amount_that_every_entry_has_and_its_cap_stands_in_the_text() -> None:
    spec = load_policy(POLICY).register("follow_up")
    assert spec.total is not None
    assert spec.total.most_fen == 3_000_000_000
    for total in (
        RegisterTotal("payer", per="project", most=spec.total.most),
        RegisterTotal("amount", per="holder", most=spec.total.most),
        RegisterTotal("amount", per="project", most=3_000_000_000),
    ):
        with pytest.raises(LawError) as refused:
            check_register_spec(replace(spec, total=total), [spec.office])
        assert refused.value.code == "law.register_total_wrong"


@pytest.mark.django_db
def test_a_winner_that_left_anhui_gets_nothing_more_and_keeps_on_record_what_it_had() -> None:
    assert not entered(("Z-0", "XM-2", "省基金", "1")).faults
    code = party(1).uscc
    StateChange.objects.create(
        party=party(1), what="region", value="310000", before="340100", valid_from=date(2024, 6, 1),
        known_from=date(2024, 6, 1), source="test", by="test", at=NOON,
    )  # fmt: skip
    settled = f"Z-1,股权,{code},,2024-05-01,,XM-1,股权投资,省基金,100"
    left = f"Z-2,贷款,{code},,2024-06-02,,XM-1,债权投入,银行,100"
    content = "\n".join([HEADER, settled, left]).encode()
    report = import_register(content, "支持.csv", POLICY, "follow_up", by=person("keeper"), now=NOON)
    assert [(fault.line, fault.rule) for fault in report.faults] == [(3, "2024-06-02 登记地不在本省")]
    assert report.new == 1
