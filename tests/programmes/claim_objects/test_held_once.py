"""One living claim on a ground holds an object; it is free again when that claim is over."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.flag_answers import give_flag_answer
from huisuan.programmes.claim_objects.records import holders
from huisuan.programmes.claim_objects.waiting import hold_their_objects
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.models import Application, ClaimObject
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.workflow import act, begin_application
from support.at_once import at_once
from support.calls import DURING, draft, opened, publisher
from support.programmes import LAW, applicant, official

pytestmark = pytest.mark.django_db
A, B, C = "GB/T 41867-2022", "ＧＢ／Ｔ　４１８６７—２０２２", "ISO/IEC 42001:2023"


def claimed(number: int = 1, *standards: str) -> Application:
    """An application of a firm for some standards, under a call of its own."""
    return submit_draft(opened().number, draft(number, standards=standards).pk, applicant(number), DURING)


def test_a_standard_that_two_firms_name_is_flagged_held_and_goes_to_one_of_them() -> None:
    first = claimed(1, A, C)
    second, third = claimed(2, B), claimed(3, A)
    with pytest.raises(Conflict, match=first.number):  # one's own is named once
        claimed(1, B)
    assert [one.claim_objects.get().living for one in (second, third)] == [False, False]
    flags = {(flag.application_id, flag.other_id): flag.saw for flag in flags_of([second])}
    assert flags.keys() == {(second.pk, first.pk), (third.pk, second.pk)}
    assert flags[second.pk, first.pk] == {"object": "标准 GB/T41867-2022", "named_first_by": first.number}
    checker, decider = official("checker", "check"), official("decider", "decide")
    objects = next(one for one in check_application(second.number, checker, DURING) if one.kind == "objects")
    assert (objects.passed, "另一单位在先的申报" in objects.reason) == (False, True)
    act(second.number, "check", checker, DURING, reason="待定")
    with pytest.raises(Conflict) as unanswered:
        act(second.number, "publicise", publisher(), DURING)
    assert unanswered.value.code == "flag.not_answered"
    for flag in flags_of([first, second, third]):
        give_flag_answer(flag.application.number, flag.pk, decider, "向标准归口单位核实", DURING)
    with pytest.raises(Conflict) as waits:
        act(second.number, "publicise", publisher(), DURING)
    assert waits.value.code == "claim_object.waits"
    with CaptureQueriesContext(connection) as refusing:
        act(first.number, "refuse", decider, DURING, reason="未主导该标准")
    said = [each["sql"] for each in refusing]
    locks = next(at for at, sql in enumerate(said) if "pg_advisory_xact_lock" in sql)
    moves = next(at for at, sql in enumerate(said) if 'INSERT INTO "programmes_applicationstep"' in sql)
    assert locks < moves, "codes are locked before the rows of objects: in the order of who waits for them"
    assert [one.claim_objects.get().living for one in (second, third)] == [True, False]
    assert act(second.number, "publicise", publisher(), DURING).to_state == "in_publicity"


def test_a_code_that_ends_with_a_held_one_is_flagged_and_waits_for_an_answer() -> None:
    first, second = claimed(1, A), claimed(2, f"甲-{A}")
    (flag,) = flags_of([first])
    assert (flag.application, flag.other, flag.kind) == (second, first, "same_object")
    assert flag.saw == {"object": "标准 甲-GB/T41867-2022", "ends_alike": "标准 GB/T41867-2022"}
    checker = official("checker", "check")
    check_application(second.number, checker, DURING)
    act(second.number, "check", checker, DURING, reason="编号已核对")
    with pytest.raises(Conflict, match="疑点未答复"):
        act(second.number, "publicise", publisher(), DURING)


@pytest.mark.parametrize(("action", "who"), [("withdraw", "applicant"), ("refuse", "decider")])
def test_an_object_is_free_when_its_claim_is_withdrawn_or_refused(action: str, who: str) -> None:
    first = claimed(1, A)
    by = applicant(1) if who == "applicant" else official("decider", "decide")
    act(first.number, action, by, DURING, reason="不符合")
    assert not first.claim_objects.get().living
    second = claimed(2, B)
    assert second.claim_objects.get().living
    held = claimed(3, C).claim_objects.get()
    held.pk, held.application = None, second
    with pytest.raises(IntegrityError), transaction.atomic():  # the database says it, too
        held.save(force_insert=True)


def test_a_correction_frees_what_it_no_longer_names() -> None:
    call, mine = opened(), draft(1, standards=(A, C))
    first = submit_draft(call.number, mine.pk, applicant(1), DURING)
    act(first.number, "return", official("checker", "check"), DURING, reason="x", payload={"fields": ["objects"]})
    assert first.claim_objects.filter(living=True).count() == 2  # what was returned still holds its objects
    named = [{"kind": "standard", "code": C}]
    submit_draft(call.number, mine.pk, applicant(1), DURING + timedelta(hours=1), objects=named)
    held = {one.code: (one.living, one.dropped_by) for one in first.claim_objects.all()}
    second = first.submissions.get(version=2)
    assert held == {"GB/T41867-2022": (False, second), "ISO/IEC42001:2023": (True, None)}
    assert claimed(2, B).state == "submitted"


def test_objects_that_were_not_returned_are_not_changed() -> None:
    call, mine = opened(), draft(1, standards=(A,))
    first = submit_draft(call.number, mine.pk, applicant(1), DURING)
    act(first.number, "return", official("checker", "check"), DURING, reason="x", payload={"fields": ["national"]})
    with pytest.raises(Conflict, match="申报对象") as refused:
        submit_draft(call.number, mine.pk, applicant(1), DURING, objects=[{"kind": "standard", "code": C}])
    assert refused.value.code == "submission.field_not_returned"
    typed_otherwise = [{"kind": "standard", "code": B}]
    assert submit_draft(call.number, mine.pk, applicant(1), DURING, objects=typed_otherwise).state == "submitted"


def test_what_the_call_asks_for_is_on_the_list_of_what_is_missing() -> None:
    call = opened()
    assert call.object_kinds == ["standard"]
    none, wrong = draft(1, standards=()), draft(2, standards=("—",))
    assert [item.code for item in list_missing(call.number, none.pk, applicant(1), DURING)] == ["object_missing"]
    assert [item.code for item in list_missing(call.number, wrong.pk, applicant(2), DURING)] == ["object_unreadable"]
    first = claimed(3, A)
    (item,) = list_missing(call.number, draft(3, standards=(B,)).pk, applicant(3), DURING)
    assert (item.code, first.number in item.text) == ("object_held", True)
    assert list_missing(call.number, draft(4, standards=(B,)).pk, applicant(4), DURING) == []  # it waits
    assert first.draft_id is not None
    assert first.call is not None
    assert list_missing(first.call.number, first.draft_id, applicant(3), DURING) == []  # its own
    with pytest.raises(InvalidRequest) as refused:
        opened(object_kinds=("colour",))
    assert refused.value.code == "call.object_kind_unknown"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_claimobject SET code = 'X'",
        "UPDATE programmes_claimobject SET ground = 'X'",
        "DELETE FROM programmes_claimobject",
        "INSERT INTO programmes_claimobject (application_id, policy, ground, kind, series, year, code, typed, living)"
        " SELECT a.id, o.policy, o.ground, o.kind, o.series, o.year, o.code, o.typed, false"
        " FROM programmes_claimobject o, programmes_application a WHERE a.id <> o.application_id",
        "INSERT INTO programmes_claimobject (application_id, policy, ground, kind, series, year, code, typed, living)"
        " SELECT a.id, o.policy, o.ground, o.kind, o.series, 2024, o.code, o.typed, false"
        " FROM programmes_claimobject o, programmes_application a WHERE a.id <> o.application_id",
    ],
)
def test_raw_sql_makes_no_second_claim(sql: str) -> None:
    claimed(1, A)
    begin_application(LAW, "14.1", 2024, applicant(2), DURING)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_what_is_held_whatever_the_year_is_held_for_every_year() -> None:
    made, other = (begin_application(LAW, "14.1", 2024, applicant(number), DURING) for number in (1, 2))

    def held(application: Application, year: int, code: str) -> ClaimObject:
        return ClaimObject.objects.create(
            application=application, policy="p", ground="g", kind="project", series="340100", year=year, code=code,
            typed=code,
        )  # fmt: skip

    def held_by(year: int, code: str) -> list[ClaimObject]:
        return holders("p", "g", [("project", "340100", year, code)], besides=other.pk)

    whatever, of_a_year = held(made, 0, "X"), held(made, 2024, "Y")
    assert (held_by(0, "X"), held_by(2024, "X")) == ([whatever], [whatever])
    assert (held_by(0, "Y"), held_by(2024, "Y"), held_by(2025, "Y")) == ([of_a_year], [of_a_year], [])
    for year, code in ((2024, "X"), (0, "Y")):
        with pytest.raises(IntegrityError, match="one_living_claim_holds_an_object"), transaction.atomic():
            held(other, year, code)
    assert held(other, 2025, "Y").living


def test_whether_a_claim_lives_is_not_for_anybody_to_say() -> None:
    made = claimed(1, A)
    ClaimObject.objects.update(living=False)
    assert made.claim_objects.get().living


def test_who_waits_for_nobody_holds_the_object_before_whoever_comes_later() -> None:
    call, mine = opened(), draft(2, standards=(A, C))
    first, second = claimed(1, A), submit_draft(call.number, mine.pk, applicant(2), DURING)
    act(first.number, "withdraw", applicant(1), DURING)
    code = second.claim_objects.get(code__startswith="GB")
    assert code.living

    def stuck() -> None:
        """As it was left by a claim that went while another came: nobody holds it."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE programmes_claimobject DISABLE TRIGGER USER")
            cursor.execute("UPDATE programmes_claimobject SET waits = true, living = false WHERE id = %s", [code.pk])
            cursor.execute("ALTER TABLE programmes_claimobject ENABLE TRIGGER USER")

    stuck()
    third = claimed(3, B)
    code.refresh_from_db()
    assert (code.living, third.claim_objects.get().living) == (True, False)
    act(third.number, "withdraw", applicant(3), DURING)
    stuck()
    checker = official("checker", "check")
    act(second.number, "return", checker, DURING, reason="x", payload={"fields": ["national"]})
    act(second.number, "submit", applicant(2), DURING)
    code.refresh_from_db()
    assert code.living, "its own correction takes it"
    for flag in flags_of([second]):
        give_flag_answer(flag.application.number, flag.pk, official("decider", "decide"), "核实", DURING)
    check_application(second.number, checker, DURING)
    act(second.number, "check", checker, DURING, reason="x")
    stuck()
    assert act(second.number, "publicise", publisher(), DURING).to_state == "in_publicity"


def test_what_several_share_is_never_more_than_the_whole_whoever_of_them_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / LAW.name
    folder.mkdir()
    about = 'authority = "省专班"\ndocument = "皖专班〔2024〕1 号"\nvalid_from = 2023-10-12\nknown_from = 2023-10-13\n'
    (folder / "joint.toml").write_text(f'{about}[interpretations]\n"14.1.joint" = "share"\n', encoding="utf-8")
    monkeypatch.setenv("HUISUAN_SETTINGS", str(tmp_path))
    checker, decider = official("checker", "check"), official("decider", "decide")
    files = ("agi_enterprise", "national", "portion")
    drafts = {
        n: draft(n, files=files, standards=(A,), national="1", portion=part) for n, part in ((1, "60%"), (2, "40%"))
    }
    first, second = (submit_draft(opened().number, one.pk, one.owner, DURING) for one in drafts.values())

    def published(made: Application) -> str:
        for flag in flags_of([made]).filter(answered_at=None):
            give_flag_answer(flag.application.number, flag.pk, decider, "共同主导", DURING)
        check_application(made.number, checker, DURING)
        act(made.number, "check", checker, DURING, reason="共同主导")
        return act(made.number, "publicise", publisher(), DURING).to_state

    assert published(second) == "in_publicity"
    act(first.number, "return", checker, DURING, reason="份额", payload={"fields": ["portion"]})
    drafts[1].facts = {**drafts[1].facts, "portion": "100%"}
    drafts[1].save()
    act(first.number, "submit", applicant(1), DURING)
    objects = next(one for one in check_application(first.number, checker, DURING) if one.kind == "objects")
    assert (objects.passed, "份额合计超过 100%" in objects.reason) == (False, True)
    with pytest.raises(Conflict) as beyond:
        published(first)
    assert beyond.value.code == "claim_object.shares_beyond"
    third = submit_draft(
        opened().number, draft(3, files=files, standards=(A,), national="1", portion="60%").pk, applicant(3), DURING
    )
    act(first.number, "refuse", decider, DURING, reason="份额不符")
    assert published(third) == "in_publicity", "40 % and 60 %"
    asked, looks = AskedStep("decide", decider, DURING, None, {}), []
    for claims in ([third], [second, third]):
        with CaptureQueriesContext(connection) as look:
            assert hold_their_objects(claims, asked) == {}
        looks.append(len(look))
    assert looks[0] == looks[1], "the same look for one claim and for many"


@pytest.mark.django_db(transaction=True)
def test_of_firms_that_name_a_standard_at_once_one_holds_it_and_the_others_wait() -> None:
    call = opened()
    drafts = {number: draft(number, standards=(A, C) if number % 2 else (C, B)).pk for number in range(1, 5)}
    people = {number: applicant(number) for number in drafts}
    at_once(*(partial(submit_draft, call.number, drafts[number], people[number], DURING) for number in drafts))
    assert Application.objects.filter(state="submitted").count() == 4
    assert (ClaimObject.objects.filter(living=True).count(), ClaimObject.objects.filter(waits=True).count()) == (2, 6)

    holder = submit_draft(call.number, draft(5, standards=("T/ANHUI 1",)).pk, applicant(5), DURING)
    coming, by, people[5] = draft(6, standards=("T/ANHUI 1",)), applicant(6), applicant(5)
    at_once(
        partial(act, holder.number, "withdraw", people[5], DURING),
        partial(submit_draft, call.number, coming.pk, by, DURING),
    )
    assert ClaimObject.objects.get(application__draft=coming).living, "who comes while the holder goes waits for nobody"
