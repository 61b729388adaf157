"""The decision sheet of a call: frozen once, taken by ranking and decision, moved up when a funded one falls out."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import typer
from django.db import DatabaseError, transaction
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, Call, FrozenLine, FrozenSheet
from huisuan.programmes.review.ranking import read_sheet
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, show_sheet
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.sheet_commands import sheet as sheet_command
from huisuan.programmes.workflow import act
from support.calls import CLOSES, DURING, draft, opened
from support.programmes import applicant, budget, checked, official, person
from support.reviews import REVIEWED, SCIENCE, challenge, organiser, pool, recommended, scored

pytestmark = pytest.mark.django_db
YUAN = 100
LATER = REVIEWED + timedelta(days=14)  # the notice has ended


def ranker() -> Person:
    return official("ranker", "recommend", SCIENCE)


def reviewed(call: Call, *totals: int, costs: tuple[int, ...] = ()) -> list[Application]:
    """One application a total of scores, all reviewed; each owes a fifth of its cost (yuan)."""
    pool(9)
    made = [
        recommended(call, number, cost=str(costs[number - 1] if costs else 1_000_000))
        for number, _ in enumerate(totals, start=1)
    ]
    draw_call(call.number, "2024-10-12", organiser(), REVIEWED)
    for one, total in zip(made, totals, strict=True):
        scored(one, *[total] * 5)
        act(one.number, "review", organiser(), REVIEWED)
    return made


def funded(call: Call) -> dict[str, tuple[str, int]]:
    last = FrozenSheet.objects.filter(call=call).last()
    assert last is not None
    rows = last.lines.order_by("rank").values_list("application__number", "status", "funded_fen")
    return {number: (status, fen // YUAN) for number, status, fen in rows}


def test_a_sheet_is_frozen_with_scores_amounts_by_the_law_and_the_cut_and_never_changes() -> None:
    budget("5.1", 500_000 * YUAN)
    call = challenge(ties=("amount",))
    one, two, three, low = reviewed(call, 70, 90, 70, 50, costs=(1_000_000, 1_500_000, 500_000, 1_000_000))
    frozen = freeze_sheet(call.number, ranker(), REVIEWED)
    assert funded(call) == {
        two.number: ("funded", 300_000), three.number: ("funded", 100_000), one.number: ("partly_funded", 100_000),
        low.number: ("not_recommended", 0),
    }  # fmt: skip
    assert read_sheet(frozen.content).digest == frozen.digest
    shown = show_sheet(Viewer.for_person(ranker()), call.number).to_dict()
    assert shown["marginal"] == [three.number, one.number, low.number]
    assert [line["tie"] for line in shown["lines"]] == ["", "", "amount", ""]
    assert freeze_sheet(call.number, ranker(), REVIEWED) == frozen
    for change in (lambda: FrozenSheet.objects.update(reason="x"), lambda: FrozenLine.objects.update(funded_fen=0)):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_database_funds_no_more_than_the_budget_of_the_sheet() -> None:
    budget("5.1", 100_000 * YUAN)
    call = challenge()
    one, two = reviewed(call, 80, 70)
    freeze_sheet(call.number, ranker(), REVIEWED)
    other = FrozenSheet.objects.create(
        call=call, number=2, budget_fen=10, content={}, digest="0" * 64, reason="x", by=ranker(), at=REVIEWED
    )
    lines = [
        FrozenLine(sheet=other, application=each, rank=at, status="funded", score="1", owed_fen=6, funded_fen=6)
        for at, each in enumerate((one, two), start=1)
    ]
    with pytest.raises(DatabaseError, match="no more than its budget"), transaction.atomic():
        FrozenLine.objects.bulk_create(lines)


def test_ranking_waits_for_the_frozen_sheet_and_a_decision_grants_what_it_funds() -> None:
    budget("5.1", 300_000 * YUAN)
    call = challenge()
    first, part, waiting, low = reviewed(call, 90, 80, 70, 40)
    with pytest.raises(Conflict, match="决策表还没有冻结"):
        act(first.number, "rank", ranker(), REVIEWED)
    freeze_sheet(call.number, ranker(), REVIEWED)
    decider = official("decider", "decide", SCIENCE)
    for one in (first, part, waiting, low):
        act(one.number, "rank", ranker(), REVIEWED)
        act(one.number, "publicise", official("publisher", "publish", SCIENCE), REVIEWED)
    with pytest.raises(InvalidRequest, match="以决策表为准，为 20000000 分"):
        act(first.number, "decide", decider, LATER, amount_fen=1)
    assert act(first.number, "decide", decider, LATER).amount_fen == 200_000 * YUAN
    assert act(part.number, "decide", decider, LATER, amount_fen=100_000 * YUAN).amount_fen == 100_000 * YUAN
    with pytest.raises(Conflict, match="候补，还没有资金或名额"):
        act(waiting.number, "decide", decider, LATER)
    with pytest.raises(Conflict, match="未达推荐的最低分"):
        act(low.number, "decide", decider, LATER)
    assert standing_awards([first])[first.pk].amount_fen == 200_000 * YUAN


def test_whoever_waits_moves_up_when_a_funded_one_withdraws_or_is_refused_and_what_was_granted_stays() -> None:
    budget("5.1", 500_000 * YUAN)
    call = challenge()
    first, second, part, waiting = reviewed(call, 90, 80, 70, 65)
    freeze_sheet(call.number, ranker(), REVIEWED)
    decider = official("decider", "decide", SCIENCE)
    for one in (first, second, part, waiting):
        act(one.number, "rank", ranker(), REVIEWED)
        act(one.number, "publicise", official("publisher", "publish", SCIENCE), REVIEWED)
    act(part.number, "decide", decider, LATER)
    act(second.number, "withdraw", applicant(2), LATER)
    assert funded(call) == {
        first.number: ("funded", 200_000), part.number: ("partly_funded", 100_000),
        waiting.number: ("funded", 200_000),
    }  # fmt: skip
    last = FrozenSheet.objects.get(number=2)
    assert (last.reason, last.by) == (f"退出：{second.number}", applicant(2))
    act(first.number, "refuse", decider, LATER, reason="材料不实")
    assert funded(call)[part.number] == ("partly_funded", 100_000)
    assert FrozenSheet.objects.filter(call=call).count() == 3
    assert act(waiting.number, "decide", decider, LATER).amount_fen == 200_000 * YUAN


def test_nothing_is_frozen_while_something_is_not_reviewed_and_only_by_a_post_that_ranks() -> None:
    budget("5.1", 500_000 * YUAN)
    call = challenge()
    reviewed(call, 90)
    late = recommended(call, 2)
    with pytest.raises(Conflict, match=rf"还有 1 件没有完成核验或评审：{late.number}"):
        freeze_sheet(call.number, ranker(), REVIEWED)
    assert show_sheet(Viewer.for_person(ranker()), call.number).to_dict()["pending"] == [late.number]
    with pytest.raises(NotAllowed, match="由省科技厅当天在任的岗位冻结"):
        freeze_sheet(call.number, organiser(), REVIEWED)
    with pytest.raises(NotFound):
        freeze_sheet("C2024-0009", ranker(), REVIEWED)
    assert not FrozenSheet.objects.exists()


def test_applicants_and_experts_do_not_see_the_sheet() -> None:
    call = challenge()
    reviewed(call, 90)
    for who in (applicant(1), person("e0", "expert")):
        with pytest.raises(NotAllowed):
            show_sheet(Viewer.for_person(who), call.number)


def test_two_calls_on_one_line_do_not_promise_the_same_money() -> None:
    line = budget("5.1", 300_000 * YUAN)
    first, second = challenge(), challenge()
    assert {first.line, second.line} == {line}
    pool(9)
    one, two = recommended(first, 1, cost="1000000"), recommended(second, 2, cost="1000000")
    for call, each in ((first, one), (second, two)):
        draw_call(call.number, "s", organiser(), REVIEWED)
        scored(each, 80, 80, 80, 80, 80)
        act(each.number, "review", organiser(), REVIEWED)
        freeze_sheet(call.number, ranker(), REVIEWED)
    assert funded(second) == {two.number: ("partly_funded", 100_000)}


def test_a_call_without_experts_shares_a_line_that_is_too_small_pro_rata_to_the_fen() -> None:
    budget("14.1", 1_000_001)
    call = opened()
    made = [submit_draft(call.number, draft(number).pk, applicant(number), DURING) for number in (1, 2, 3)]
    for one in made:
        checked(one, official("checker", "check"), CLOSES)
    freeze_sheet(call.number, official("decider", "decide"), REVIEWED)
    fen = list(FrozenLine.objects.values_list("funded_fen", flat=True))
    assert sorted(fen) == [333_333, 333_334, 333_334]
    act(made[0].number, "publicise", official("publisher", "publish"), REVIEWED)
    assert act(made[0].number, "decide", official("decider", "decide"), LATER).amount_fen in fen


def test_a_claim_without_a_sheet_is_granted_what_the_law_owes_and_nothing_else() -> None:
    call = opened()
    made = submit_draft(call.number, draft(1).pk, applicant(1), DURING)
    checked(made, official("checker", "check"), CLOSES)
    act(made.number, "publicise", official("publisher", "publish"), CLOSES)
    with pytest.raises(InvalidRequest, match="金额由平台核算，为 100000000 分"):
        act(made.number, "decide", official("decider", "decide"), LATER, amount_fen=5)
    assert act(made.number, "decide", official("decider", "decide"), LATER).amount_fen == 100_000_000


def test_nothing_is_published_under_a_line_too_small_before_its_sheet_says_who_gets_how_much() -> None:
    budget("14.1", 150_000_000)
    call = opened()
    made = [submit_draft(call.number, draft(number).pk, applicant(number), DURING) for number in (1, 2)]
    checker, publisher = official("checker", "check"), official("publisher", "publish")
    for one in made:
        checked(one, checker, CLOSES)
    with pytest.raises(Conflict) as small:
        act(made[0].number, "publicise", publisher, CLOSES)
    assert small.value.code == "sheet.line_too_small"
    freeze_sheet(call.number, official("decider", "decide"), CLOSES)
    for one in made:
        act(one.number, "publicise", publisher, CLOSES)
    decided = [act(one.number, "decide", official("decider", "decide"), LATER).amount_fen for one in made]
    assert decided == [75_000_000, 75_000_000]


def test_what_another_call_granted_without_a_sheet_is_promised_already() -> None:
    budget("14.1", 150_000_000)
    first, second = opened(), opened()
    checker, publisher = official("checker", "check"), official("publisher", "publish")
    one, other = (
        submit_draft(call.number, draft(at).pk, applicant(at), DURING) for at, call in enumerate((first, second), 1)
    )
    for each in (one, other):
        checked(each, checker, CLOSES)
    act(one.number, "publicise", publisher, CLOSES)
    for decided in (False, True):
        if decided:
            act(one.number, "decide", official("decider", "decide"), LATER)
        with pytest.raises(Conflict, match="预算只有 50") as small:
            act(other.number, "publicise", publisher, LATER)
        assert small.value.code == "sheet.line_too_small"


def test_a_sheet_is_not_frozen_while_more_may_be_handed_in() -> None:
    call = opened()
    checked(submit_draft(call.number, draft(1).pk, applicant(1), DURING), official("checker", "check"), DURING)
    with pytest.raises(Conflict) as early:
        freeze_sheet(call.number, official("decider", "decide"), DURING)
    assert early.value.code == "sheet.call_open"


def test_what_was_returned_and_never_answered_is_refused_and_holds_up_no_sheet() -> None:
    call = opened()
    made = [submit_draft(call.number, draft(number).pk, applicant(number), DURING) for number in (1, 2)]
    checker, decider = official("checker", "check"), official("decider", "decide")
    act(made[0].number, "return", checker, CLOSES, reason="补正", payload={"fields": ["national"]})
    checked(made[1], checker, CLOSES)
    with pytest.raises(Conflict, match="没有完成核验或评审"):
        freeze_sheet(call.number, decider, LATER)
    assert act(made[0].number, "refuse", decider, LATER, reason="逾期未补正").to_state == "refused"
    assert freeze_sheet(call.number, decider, LATER).lines.count() == 1


def test_the_command_freezes_prints_and_writes_a_workbook(tmp_path: Path) -> None:
    budget("5.1", 500_000 * YUAN)
    call = challenge()
    (one,) = reviewed(call, 90)
    ranker()
    app = typer.Typer()
    app.command()(sheet_command)
    file = tmp_path / "sheet.xlsx"
    result = CliRunner().invoke(app, [call.number, "--by", "ranker", "--freeze", "--json", "--xlsx", str(file)])
    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)
    assert (found["frozen"], found["lines"][0]["funded_fen"]) == (True, 200_000 * YUAN)
    rows = openpyxl.load_workbook(io.BytesIO(file.read_bytes()))["决策表"].iter_rows(min_row=2, values_only=True)
    assert [row[:3] for row in rows] == [(1, one.number, "企业 1")]
    pdf = tmp_path / "sheet.pdf"
    assert CliRunner().invoke(app, [call.number, "--by", "ranker", "--pdf", str(pdf)]).exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    again = CliRunner().invoke(app, [call.number, "--by", "ranker", "--xlsx", str(file)])
    assert "写不了" in str(again.exception)
