"""What winners of the contest are given is summed over all payers, and no entry brings a project above the figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from huisuan.base.csv_lines import FileReport
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import RegisterTotal
from huisuan.law.procedure.registers import check_register_spec
from huisuan.programmes.models import RegisteredThing
from huisuan.programmes.registers.services import end_entry, import_register
from support.programmes import official, person
from support.registers import OFFICE, POLICY

NOON = datetime(2024, 6, 3, 4, tzinfo=UTC)
HEADER = "编号,支持事项,获奖单位,市,自,至,项目编号,方式,出资方,金额"


def entered(*rows: tuple[str, str, str, str], reason: str = "") -> FileReport:
    """Rows of code, project, payer and yuan."""
    lines = [f"{code},支持,,,2024-05-01,,{project},股权投资,{payer},{yuan}" for code, project, payer, yuan in rows]
    content = "\n".join([HEADER, *lines]).encode()
    official("keeper", "register", OFFICE)
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
    assert sorted(RegisteredThing.objects.values_list("code", flat=True)) == ["Z-1", "Z-2", "Z-4"]


@pytest.mark.django_db
def test_a_corrected_entry_counts_once_and_one_taken_off_counts_no_more() -> None:
    assert not entered(("Z-1", "XM-1", "省基金", "20000000"), ("Z-2", "XM-1", "市属银行", "5000000")).faults
    assert not entered(("Z-1", "XM-1", "省基金", "25000000"), reason="协议更正").faults
    assert entered(("Z-3", "XM-1", "人才办", "1")).faults
    end_entry(POLICY, "follow_up", "Z-2", date(2024, 6, 2), by=person("keeper"), now=NOON, reason="借款已收回")
    assert not entered(("Z-3", "XM-1", "人才办", "5000000")).faults


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
