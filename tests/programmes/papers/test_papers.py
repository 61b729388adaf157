"""Documents say what is on record: a notice with its list, a return with its fields, a decision with its amount."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.programmes.papers.issuing import issue_from_record
from huisuan.programmes.workflow import act
from support.jobs import party
from support.notices import published
from support.programmes import ENDED, NOON, applicant, application, official, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def test_a_notice_and_a_decision_are_issued_from_the_record_and_issued_again_they_are_replaced() -> None:
    (made,) = published(1)
    publisher, decider = official("publisher", "publish"), official("decider", "decide")
    first = issue_from_record("publicity", "N2024-0001", publisher, NOON)
    assert (first.kind, first.series.office, first.party) == ("publicity", "省经济和信息化厅", None)
    first.refresh_from_db()
    assert first.letter["annexes"][0]["rows"] == [["1", party(1).name, "5,000.00", "牵头制定国家标准 1"]]
    assert "至 2024年9月9日 24:00" in first.letter["body"][0]["text"]
    assert issue_from_record("publicity", "N2024-0001", publisher, NOON).replaces == first
    with pytest.raises(Conflict):
        issue_from_record("decision", made.number, decider, ENDED)
    act(made.number, "decide", decider, ENDED, amount_fen=500_000)
    paper = issue_from_record("decision", made.number, decider, ENDED)
    assert (paper.party, paper.letter["to"]) == (party(1), party(1).name)
    assert "批准金额 5,000.00 元" in paper.letter["body"][1]["text"]


def test_a_return_names_its_fields_and_only_the_office_signs() -> None:
    made, checker = application(), official("checker", "check")
    act(made.number, "submit", applicant(), NOON)
    act(made.number, "return", checker, NOON, reason="缺页", payload={"fields": ["national"]})
    with pytest.raises(NotAllowed):
        issue_from_record("correction", made.number, person("elsewhere"), NOON)
    with pytest.raises(InvalidRequest):
        issue_from_record("poem", made.number, checker, NOON)
    body = issue_from_record("correction", made.number, checker, NOON).letter["body"]
    assert "缺页" in body[1]["text"]
