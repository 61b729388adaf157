"""The seed of a draw is made from what nobody could choose alone, and anyone makes it again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.programmes.models import ApplicationSubmission, Draw, PanelSeat, SeedCommitment
from huisuan.programmes.review.draw_records import inputs_digest, repeat_draw
from huisuan.programmes.review.panels import leave_seat, sitting
from huisuan.programmes.review.seed import make_source, read_source, word_digest
from huisuan.programmes.review_desk.commands import app
from huisuan.programmes.review_desk.drawing import draw_again, draw_call, panels_without_alternates
from huisuan.programmes.review_desk.seeds import commit_seed, draws_hold, prove_draws
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.programmes.submissions.seed_sources import source_of_lot
from support.accounts import personal_caller
from support.calls import DURING, OPENED, opened
from support.programmes import official, person
from support.reviews import (
    MARKS,
    REVIEWED,
    SCIENCE,
    challenge,
    organiser,
    pool,
    recommended,
    seated,
    tie,
)


def test_a_seed_is_the_sha256_of_a_text_that_anyone_can_write_down() -> None:
    source = make_source("C2024-0001", 2, "", [("A2", 1, "b" * 64), ("A1", 1, "a" * 64)])
    text = f"huisuan seed 1\nC2024-0001\n2\n-\nA1 1 {'a' * 64}\nA2 1 {'b' * 64}\n"
    assert (source.text, source.seed) == (text, hashlib.sha256(text.encode()).hexdigest())
    assert read_source(json.loads(json.dumps(source.to_dict()))) == source
    rows = source.submissions
    others = [
        make_source("C2024-0001", 3, "", rows), make_source("C2024-0001", 2, "c" * 64, rows),
        make_source("C2024-0001", 2, "", rows[1:]), make_source("C2024-0002", 2, "", rows),
    ]  # fmt: skip
    assert len({source.seed, *(one.seed for one in others)}) == 5


@pytest.mark.django_db
def test_whoever_draws_cannot_choose_the_seed_and_a_word_decides_nothing() -> None:
    pool(12)
    call = challenge()
    one = recommended(call, 1)
    with pytest.raises(Conflict, match="截止之后才能抽签"):
        draw_call(call.number, "s", organiser(), DURING)
    with transaction.atomic():
        first = draw_call(call.number, "朋友", organiser(), REVIEWED)
        seats = list(first.seats.values_list("position", "expert"))
        transaction.set_rollback(True)
    again = draw_call(call.number, "换一个", organiser(), REVIEWED + timedelta(days=1))
    assert (again.seed, list(again.seats.values_list("position", "expert"))) == (first.seed, seats)
    assert again.word == "换一个"
    (submission,) = ApplicationSubmission.objects.filter(application=one)
    text = f"huisuan seed 1\n{call.number}\n1\n-\n{one.number} 1 {submission.hash}\n"
    assert again.seed == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.django_db
def test_a_word_is_committed_to_before_anything_is_handed_in_once_and_enters_the_seed() -> None:
    pool(9)
    call = challenge()
    with pytest.raises(NotAllowed):
        commit_seed(call.number, official("other", "check", SCIENCE), OPENED, word="体彩 24250")
    with pytest.raises(InvalidRequest, match="请写种子"):
        commit_seed(call.number, organiser(), OPENED, digest="abc")
    held = commit_seed(call.number, organiser(), OPENED, word="体彩 24250")
    assert held.digest == hashlib.sha256(f"{call.number}|体彩 24250".encode()).hexdigest()
    assert commit_seed(call.number, organiser(), OPENED, digest=held.digest) == held
    with pytest.raises(Conflict, match="只承诺一次"):
        commit_seed(call.number, organiser(), OPENED, word="别的")
    recommended(call, 1)
    with pytest.raises(InvalidRequest, match="不是受理开始前承诺的种子"):
        draw_call(call.number, "别的", organiser(), REVIEWED)
    made = draw_call(call.number, "体彩 24250", organiser(), REVIEWED)
    assert made.inputs["seed"]["commitment"] == held.digest
    found = prove_draws(call, REVIEWED)
    assert draws_hold(found)
    (one,) = found["draws"]
    assert (one["seed_from"], one["word_matches"], one["submissions_match"]) == ("commitment", True, True)
    assert hashlib.sha256(one["seed_text"].encode()).hexdigest() == made.seed
    with pytest.raises(DatabaseError), transaction.atomic():
        SeedCommitment.objects.update(digest="0" * 64)


@pytest.mark.django_db
def test_nothing_is_committed_to_once_the_digests_are_there_to_choose_by() -> None:
    call = challenge()
    recommended(call, 1)
    with pytest.raises(Conflict, match="已收到申报或已截止"):
        commit_seed(call.number, organiser(), DURING, word="晚了")
    with pytest.raises(DatabaseError, match="before anything is handed in"), transaction.atomic():
        SeedCommitment.objects.create(call=call, digest="0" * 64, by=organiser(), at=DURING)
    late = challenge(title="另一份")
    with pytest.raises(DatabaseError, match="before anything is handed in"), transaction.atomic():
        SeedCommitment.objects.create(call=late, digest="0" * 64, by=organiser(), at=REVIEWED)


@pytest.mark.django_db
def test_a_draw_with_another_seed_or_other_submissions_is_found_out_and_one_of_before_still_holds() -> None:
    pool(9)
    call = challenge()
    one = recommended(call, 1)
    made = draw_call(call.number, "", organiser(), REVIEWED)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    old = dict(made.inputs)
    del old["seed"]
    Draw.objects.filter(pk=made.pk).update(inputs=old, digest=inputs_digest(old))
    made.refresh_from_db()
    (found,) = prove_draws(call, REVIEWED)["draws"]
    assert (found["seed_from"], found["submissions_match"], found["reproduced"]) == ("published", None, True)
    chosen = make_source(call.number, 1, "", [(one.number, 1, "0" * 64)])
    inputs = old | {"seed": chosen.to_dict()}
    Draw.objects.filter(pk=made.pk).update(inputs=inputs, digest=inputs_digest(inputs))
    made.refresh_from_db()
    assert not repeat_draw(made), "the seed is not that of the source"
    assert not draws_hold(prove_draws(call, REVIEWED))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = origin")


@pytest.mark.django_db
def test_the_lot_among_equals_without_experts_is_drawn_from_what_was_handed_in() -> None:
    call = opened()
    assert prove_draws(call, DURING)["lot"] == {"seed": "", "seed_text": ""}, "more may come"
    source = source_of_lot(call)
    assert (source.draw, source.drawn_for) == ("lot", call.number)
    assert prove_draws(call, REVIEWED)["lot"] == {"seed": source.seed, "seed_text": source.text}


@pytest.mark.django_db
def test_a_panel_without_alternates_is_drawn_for_again_on_record_among_those_who_never_sat_there() -> None:
    pool(9)
    call = challenge()
    made = recommended(call, 1)
    first = draw_call(call.number, "", organiser(), REVIEWED)
    with pytest.raises(Conflict, match="还有可递补的候补专家"):
        draw_again(call.number, made.number, "", "再抽", organiser(), REVIEWED)
    for seat in list(sitting(made).order_by("position"))[:2]:
        leave_seat(seat, "生病", tie_years=3, by="李处", now=REVIEWED)
    (leaves, *others) = sitting(made).order_by("position")
    with pytest.raises(Conflict, match="请先补抽"):
        leave_seat(leaves, "生病", tie_years=3, by="李处", now=REVIEWED)
    assert panels_without_alternates(call, REVIEWED) == [made]
    with pytest.raises(NotFound):
        draw_again(call.number, "A2024-009999", "", "候补用完", organiser(), REVIEWED)
    with pytest.raises(InvalidRequest, match="须写理由"):
        draw_again(call.number, made.number, "", " ", organiser(), REVIEWED)
    more = draw_again(call.number, made.number, "", "候补用完", organiser(), REVIEWED)
    assert (more.title, more.reason) == (f"{call.number} 第 2 次", "候补用完")
    assert more.seed != first.seed
    assert more.seed == make_source(call.number, 2, "", read_source(first.inputs["seed"]).submissions).seed
    added = list(more.seats.order_by("position").values_list("position", "alternate"))
    assert added == [(8, True), (9, True)], "the pool has two who never sat there"
    served = set(first.seats.values_list("expert", flat=True))
    assert not served & set(more.seats.values_list("expert", flat=True))
    called = leave_seat(leaves, "生病", tie_years=3, by="李处", now=REVIEWED)
    assert (called.position, panels_without_alternates(call, REVIEWED)) == (8, [])
    assert draws_hold(prove_draws(call, REVIEWED))
    for seat in (*others, called):
        send_sheet(made.number, MARKS, {}, seat.expert.person, REVIEWED)
    assert PanelSeat.objects.filter(sheet__isnull=False).count() == 5


@pytest.mark.django_db
def test_a_pool_that_is_used_up_says_which_rule_took_how_many() -> None:
    pool(7)
    call = challenge()
    made = recommended(call, 1)
    draw_call(call.number, "", organiser(), REVIEWED)
    for seat in list(sitting(made).order_by("position"))[:2]:
        leave_seat(seat, "生病", tie_years=3, by="李处", now=REVIEWED)
    sits = seated(made)[2]
    tie(sits.username, made, now=REVIEWED)
    with pytest.raises(InvalidRequest) as refused:
        draw_again(call.number, made.number, "", "候补用完", organiser(), REVIEWED)
    assert str(refused.value).split("\n")[1:] == [
        f"{made.number} 缺 1 人（与申报单位有利害关系 1 人，已在该件有过席位，或在该件另有职责 6 人）"
    ]
    assert Draw.objects.count() == 1


@pytest.mark.django_db
def test_the_commands_and_the_api_commit_draw_again_and_prove(tmp_path: Path) -> None:
    pool(9)
    call = challenge()
    office, outside = personal_caller(organiser()), personal_caller(person("nobody"))
    at = f"/api/v1/calls/{call.number}"
    refused = outside.post(f"{at}/seed-commitment", {"seed": "s"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "review.no_post_in_force")
    late = CliRunner().invoke(app, ["commit", call.number, "--seed", "s", "--by", "reviewer", "--json"])
    assert isinstance(late.exception, Conflict), "the call closed long ago by the clock of this machine"
    commit_seed(call.number, organiser(), OPENED, word="s")
    made = recommended(call, 1)
    draw_call(call.number, "s", organiser(), REVIEWED)
    for seat in list(sitting(made))[:2]:
        leave_seat(seat, "生病", tie_years=3, by="李处", now=REVIEWED)
    body = {"again": made.number, "reason": "候补用完"}
    more = office.post(f"{at}/draws", body, "application/json").json()
    assert (more["reason"], more["seed_from"], len(more["panels"][0]["alternates"])) == ("候补用完", "commitment", 2)
    proof = office.get(f"{at}/draws/proof").json()
    assert [one["reproduced"] for one in proof["draws"]] == [True, True]
    assert proof["commitment"]["digest"] == word_digest(call.number, "s")
    file = tmp_path / "seed.txt"
    said = CliRunner().invoke(
        app, ["verify", call.number, "--by", "reviewer", "--draw", "2", "--output", str(file), "--json"]
    )
    assert (said.exit_code, json.loads(said.stdout)["draws"][1]["seed"]) == (0, more["seed"])
    assert hashlib.sha256(file.read_bytes()).hexdigest() == more["seed"]
    shown = CliRunner().invoke(app, ["verify", call.number, "--by", "reviewer"])
    assert "候补用完" in shown.stdout
