"""A notice stands for its days; an objection holds up its own line until somebody else has answered it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.calendar.services import adopt_days
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.programmes.models import (
    Application,
    ApplicationStep,
    DutyHeld,
    NoticeLine,
    Objection,
    ObjectionAnswer,
    ObjectionArrival,
    ObjectorErasure,
)
from huisuan.programmes.notices.answering import answer_objection
from huisuan.programmes.notices.erasing import erase_objectors
from huisuan.programmes.notices.objecting import ObjectionRefused, ObjectionText, object_to_line
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.notices.queries import get_objection, objections_to_dict, visible_objections
from huisuan.programmes.offices import give_post
from huisuan.programmes.review.pool_import import import_experts
from huisuan.programmes.workflow import act, act_on_many
from huisuan.programmes.workflow.due import overdue_rank
from huisuan.programmes.workflow.history import step_hash
from huisuan.programmes.workflow.inbox import list_waiting, waiting_applications
from support.evidence import PDF
from support.jobs import party
from support.notices import SAID, checked, notice_of, published
from support.programmes import ENDED, INDUSTRY, NOON, application, official, person
from support.reviews import tie

pytestmark = pytest.mark.django_db
LAST_MOMENT = datetime(2024, 9, 9, 15, 59, 59, 999_999, tzinfo=UTC)  # of 9 September at Asia/Shanghai


def decide(*made: Application, now: datetime = ENDED, fen: int = 500_000) -> dict[str, str]:
    """The codes of those that were not decided."""
    outcome = act_on_many([one.number for one in made], "decide", official("decider", "decide"), now, amount_fen=fen)
    return {number: refusal.code for number, refusal in outcome.refused.items()}


def code(wrong: pytest.ExceptionInfo[Refused]) -> str:
    """The code of a refusal."""
    return wrong.value.code


def test_a_notice_says_who_what_for_and_how_much_and_until_when() -> None:
    made = published(1, 2)
    notice = notice_of(made[0])
    assert (notice.number, notice.office, notice.working_days, notice.own_day) == (
        "N2024-0001", "省经济和信息化厅", 5, False,
    )  # fmt: skip
    assert notice.promised_end == LAST_MOMENT + timedelta(microseconds=1)
    assert [(line.position, line.applicant, line.amount_fen, line.reason) for line in notice.lines.all()] == [
        (1, party(1).name, 500_000, "牵头制定国家标准 1"), (2, party(2).name, 500_000, "牵头制定国家标准 2"),
    ]  # fmt: skip
    assert set(Application.objects.values_list("state", flat=True)) == {"in_publicity"}


def test_a_notice_is_published_whole_or_not_at_all() -> None:
    made = checked(1)
    publisher, still_draft = official("publisher", "publish"), application(2)
    with pytest.raises(Conflict) as wrong:
        publish_notice([ListedApplication(one.number) for one in (*made, still_draft)], "名单", publisher, NOON)
    assert code(wrong) == "application.not_in_this_state"
    for listed, expected in (
        ([], "notice.empty"),
        ([made[0].number] * 2, "notice.listed_twice"),
        ([made[0].number, application(3, "10.1").number], "notice.several_programmes"),
    ):
        with pytest.raises(InvalidRequest) as malformed:
            publish_notice([ListedApplication(number) for number in listed], "名单", publisher, NOON)
        assert code(malformed) == expected
    assert not NoticeLine.objects.exists()


def test_nothing_is_decided_while_its_notice_runs_and_all_once_it_has_ended() -> None:
    made = published(1, 2)
    assert set(decide(*made, now=LAST_MOMENT).values()) == {"notice.running"}
    assert decide(*made, now=LAST_MOMENT + timedelta(microseconds=1)) == {}


def test_no_more_is_granted_than_stood_in_public() -> None:
    made = published(1)
    assert decide(*made, fen=500_001) == {made[0].number: "notice.amount_exceeded"}
    assert decide(*made, fen=499_999) == {}


def test_nothing_is_decided_without_a_notice() -> None:
    """As applications are that went through publicity before notices were kept."""
    (made,), publisher = checked(1), official("publisher", "publish")
    made.refresh_from_db()
    DutyHeld.objects.create(application=made, person=publisher, duty="publish")
    step = ApplicationStep(
        application=made, number=3, previous=2, edition=made.edition, action="publicise", from_state="checked",
        to_state="in_publicity", duty="publish", person=publisher, post=publisher.posts.get(), at=NOON,
        previous_hash=made.steps.get(number=2).hash,
    )  # fmt: skip
    step.hash = step_hash(step)
    step.save()
    assert decide(made) == {made.number: "notice.none"}


def test_an_objection_in_the_last_minute_before_a_holiday_counts_and_one_after_it_does_not() -> None:
    before_october = datetime(2024, 9, 23, 4, tzinfo=UTC)  # five working days later is 29 September, a worked Sunday
    made = published(1, 2, now=before_october)
    end = notice_of(made[0]).promised_end
    assert end == datetime(2024, 9, 29, 16, tzinfo=UTC)
    object_to_line("N2024-0001", 1, SAID, end - timedelta(microseconds=1))
    with pytest.raises(Conflict) as late:
        object_to_line("N2024-0001", 2, SAID, end)
    assert code(late) == "objection.too_late"
    assert decide(*made, now=end) == {made[0].number: "notice.objection_unanswered"}


def test_a_notice_into_a_year_without_calendar_stays_open_and_nothing_is_decided_meanwhile() -> None:
    late_december = datetime(2026, 12, 29, 4, tzinfo=UTC)
    made = published(1, now=late_december)
    notice, february = notice_of(made[0]), datetime(2027, 2, 1, tzinfo=UTC)
    assert notice.promised_end is None
    assert decide(*made, now=february) == {made[0].number: "notice.running"}
    object_to_line(notice.number, 1, SAID, february)
    days = "日期,类型,名称\n" + "".join(f"2027-01-0{day},放假,元旦\n" for day in range(1, 6))
    adopt_days(days.encode(), "国办发明电〔2026〕9号", "专班", february)
    with pytest.raises(Conflict):
        object_to_line(notice.number, 1, SAID, february + timedelta(seconds=1))
    assert decide(*made, now=february + timedelta(seconds=1)) == {made[0].number: "notice.objection_unanswered"}


def test_an_objection_says_by_field_what_is_wrong_with_it_and_its_files_are_checked_as_evidence_is() -> None:
    published(1)
    bad = ObjectionText(" ", "x" * 121, "事实", [("a.exe", b"MZ")])
    with pytest.raises(ObjectionRefused) as wrong:
        object_to_line("N2024-0001", 1, bad, NOON)
    assert {name: one.code for name, one in wrong.value.wrong.items()} == {
        "name": "objection.field_missing", "contact": "objection.field_too_long", "files": "evidence.kind_unknown",
    }  # fmt: skip
    with pytest.raises(NotFound):
        object_to_line("N2024-0001", 2, SAID, NOON)
    made = object_to_line("N2024-0001", 1, ObjectionText("王五", "信箱", "事实", [("证明.pdf", PDF)] * 2), NOON)
    (file,) = made.files.all()
    assert load_evidence(file.sha256) == PDF


def test_many_objections_from_one_place_are_held_up() -> None:
    published(1)
    for _ in range(20):
        object_to_line("N2024-0001", 1, SAID, NOON, place="p")
    with pytest.raises(Conflict) as wrong:
        object_to_line("N2024-0001", 1, SAID, NOON, place="p")
    assert code(wrong) == "objection.too_many"
    object_to_line("N2024-0001", 1, SAID, NOON, place="q")
    object_to_line("N2024-0001", 1, SAID, NOON + timedelta(hours=1), place="p")


def test_refused_objections_count_and_the_one_too_many_is_refused_before_its_files_are_read() -> None:
    published(1)
    bad = ObjectionText("王五", "信箱", "事实", [("a.pdf", b"MZ")])
    for _ in range(20):
        with pytest.raises(ObjectionRefused):
            object_to_line("N2024-0001", 1, bad, NOON, place="p")
    for _ in range(2):
        with pytest.raises(Conflict) as wrong:
            object_to_line("N2024-0001", 1, bad, NOON, place="p")
        assert code(wrong) == "objection.too_many"
    with pytest.raises(ObjectionRefused):
        object_to_line("N2024-0001", 1, bad, NOON + timedelta(hours=1), place="p")


class DecidedMeanwhile(list[tuple[str, bytes]]):
    """Files during whose reading, each as long as that may take, somebody tries to decide the application."""

    def __init__(self, application: Application, *files: tuple[str, bytes]) -> None:
        super().__init__(files)
        self.application, self.refused = application, list[dict[str, str]]()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for file in super().__iter__():
            self.refused.append(decide(self.application, now=LAST_MOMENT + timedelta(minutes=1)))
            yield file


def test_what_is_objected_in_time_keeps_its_line_undecided_while_its_files_are_read_and_no_longer() -> None:
    (made,) = published(1)
    arriving = {made.number: "notice.objection_arriving"}
    refused = DecidedMeanwhile(made, ("a.pdf", b"MZ"))
    with pytest.raises(ObjectionRefused):
        object_to_line("N2024-0001", 1, ObjectionText("王五", "信箱", "事实", refused), LAST_MOMENT, place="p")
    good = DecidedMeanwhile(made, ("a.pdf", PDF))
    object_to_line("N2024-0001", 1, ObjectionText("王五", "信箱", "事实", good), LAST_MOMENT, place="p")
    assert (refused.refused, good.refused) == ([arriving], [arriving])
    assert not ObjectionArrival.objects.exists()
    assert decide(made) == {made.number: "notice.objection_unanswered"}


def test_an_objection_that_never_came_to_its_end_holds_nothing_up_for_long() -> None:
    (made,) = published(1)
    line = notice_of(made).lines.get()
    ObjectionArrival.objects.create(line=line, until=ENDED + timedelta(microseconds=1))
    assert decide(made) == {made.number: "notice.objection_arriving"}
    assert decide(made, now=ENDED + timedelta(microseconds=1)) == {}


def test_an_objection_is_answered_by_somebody_who_has_not_handled_that_application() -> None:
    (made,) = published(1)
    asked = object_to_line("N2024-0001", 1, SAID, NOON)
    for who, expected in (
        (official("publisher", "publish"), "objection.handled_before"),
        (official("checker", "publish"), "application.second_duty"),
        (official("decider", "decide"), "application.no_post_in_force"),
    ):
        with pytest.raises(NotAllowed) as wrong:
            answer_objection(asked.pk, "查无实据", who, NOON, upheld=False)
        assert code(wrong) == expected
    with pytest.raises(NotFound):
        answer_objection(asked.pk, "查无实据", person("stranger", "operator"), NOON, upheld=False)
    publisher = official("publisher", "publish")
    with pytest.raises(IntegrityError, match="has not handled"), transaction.atomic():
        ObjectionAnswer.objects.create(
            objection=asked, upheld=False, text="x", by=publisher, post=publisher.posts.get(), at=NOON
        )
    other = official("second publisher", "publish")
    answer_objection(asked.pk, "查无实据", other, NOON, upheld=False)
    with pytest.raises(Conflict) as twice:
        answer_objection(asked.pk, "再想想", other, NOON, upheld=True)
    assert code(twice) == "objection.answered"
    assert made.duties.get(person=other).duty == "publish"  # and no other any more
    assert decide(made) == {}


def test_whoever_holds_two_posts_of_the_office_that_overlap_answers_an_objection() -> None:
    published(1)
    asked = object_to_line("N2024-0001", 1, SAID, NOON)
    other = official("second publisher", "publish")
    give_post(other, INDUSTRY, "publish", date(2024, 8, 1), person("giver"), NOON)
    assert answer_objection(asked.pk, "查无实据", other, NOON, upheld=False).post.person == other


def test_who_is_tied_to_an_applicant_does_not_read_who_objects_to_it() -> None:
    """Posts are held by officials of no firm; the pool of experts knows the ties that they have all the same."""
    made, _other = published(1, 2)
    to_made, to_other = (object_to_line("N2024-0001", position, SAID, NOON) for position in (1, 2))
    publisher, auditor = official("second publisher", "publish"), person("auditor", "auditor")
    line = f"{publisher.username},某大学,芯片,2020-01-01\n"
    import_experts(f"username,employer,fields,active_from\n{line}".encode(), "专家.csv", by="李处", now=NOON)
    tie(publisher.username, made, starts="2024-01-01", now=NOON)
    readable = visible_objections(Viewer.for_person(publisher), NOON)
    assert list(readable) == [to_other]
    with pytest.raises(NotFound):
        get_objection(Viewer.for_person(publisher), to_made.pk, NOON)
    assert list(visible_objections(Viewer.for_person(auditor), NOON)) == [to_made, to_other]
    third = official("third publisher", "publish")
    assert list(visible_objections(Viewer.for_person(third), NOON)) == [to_made, to_other]


def test_an_objection_upheld_sends_its_own_line_back_with_the_reason_and_no_other() -> None:
    made, other = published(1, 2)
    asked = object_to_line("N2024-0001", 1, SAID, NOON)
    answer_objection(asked.pk, "标准由他人牵头，退回核验", official("second publisher", "publish"), NOON, upheld=True)
    for one in (made, other):
        one.refresh_from_db()
    assert (made.state, other.state) == ("submitted", "in_publicity")
    assert [(step.action, step.reason) for step in made.steps.order_by("-number")[:2]] == [
        ("uphold", "标准由他人牵头，退回核验"), ("suspend", f"异议 {asked.pk}"),
    ]  # fmt: skip
    with pytest.raises(Conflict) as closed:
        object_to_line("N2024-0001", 1, SAID, NOON)
    assert code(closed) == "objection.line_closed"
    act(made.number, "check", official("checker", "check"), ENDED)
    act(made.number, "publicise", official("publisher", "publish"), ENDED)
    assert decide(made, other, now=ENDED + timedelta(days=1)) == {made.number: "notice.running"}  # a notice anew


def test_a_suspended_line_goes_on_once_the_last_objection_is_turned_down() -> None:
    (made,) = published(1)
    first, second = (object_to_line("N2024-0001", 1, SAID, NOON) for _ in range(2))
    publisher, other = official("publisher", "publish"), official("second publisher", "publish")
    act(made.number, "suspend", publisher, NOON, reason="有异议")
    with pytest.raises(Conflict) as waits:
        act(made.number, "resume", publisher, NOON, reason="没什么")
    assert code(waits) == "notice.objection_unanswered"
    for asked, state in ((first, "suspended"), (second, "in_publicity")):
        answer_objection(asked.pk, "不成立", other, NOON, upheld=False)
        made.refresh_from_db()
        assert made.state == state


def test_nothing_of_a_notice_is_ever_changed() -> None:
    (made,) = published(1)
    asked = object_to_line("N2024-0001", 1, SAID, NOON)
    line = made.notice_lines.get()
    for row, change in ((line.notice, {"title": "x"}), (line, {"amount_fen": 1}), (asked, {"facts": "x"})):
        with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**change)
    with pytest.raises(IntegrityError, match="before it is published"), transaction.atomic():
        Objection.objects.create(
            line=line, code="x", name="a", contact="b", facts="c", at=NOON - timedelta(seconds=1)
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="by an act on it"), transaction.atomic():
        NoticeLine.objects.create(
            notice=line.notice, position=2, application=application(2), step=line.step, applicant="x", reason="x"
        )


def test_an_objection_is_answered_within_the_days_set_and_the_inbox_shows_it_overdue() -> None:
    (made,) = published(1)
    other = official("another", "publish")
    assert [one.due for one in list_waiting(other, NOON)] == [None]
    object_to_line("N2024-0001", 1, SAID, NOON)
    (shown,) = objections_to_dict(visible_objections(Viewer.for_person(other), NOON), NOON)
    # ten working days after 2 September, with the Saturday that is worked for Mid-Autumn
    assert (shown["due"], shown["overdue"]) == ("2024-09-15T00:00:00+08:00", False)
    late = datetime(2024, 9, 15, 1, tzinfo=UTC)
    (waiting,) = list_waiting(other, late)
    assert (waiting.application.number, waiting.to_dict(late)["overdue"]) == (made.number, True)
    assert waiting_applications(other, late).get().due_rank <= overdue_rank(late.date())  # type: ignore[attr-defined]
    (objection,) = Objection.objects.all()
    answer_objection(objection.pk, "不成立", other, late, upheld=False)
    assert [one.due for one in list_waiting(other, late)] == [None]
    (shown,) = objections_to_dict(visible_objections(Viewer.for_person(other), late), late)
    assert (shown["due"], shown["overdue"]) == (None, False)


def test_who_objected_is_erased_once_the_days_set_have_passed_and_that_is_on_record() -> None:
    published(1)
    other = official("another", "publish")
    kept = object_to_line("N2024-0001", 1, SAID, NOON, place="p")
    object_to_line("N2024-0001", 1, SAID, NOON)  # nobody answers it
    answer_objection(kept.pk, "不成立", other, NOON, upheld=False)
    year = NOON + timedelta(days=365)
    assert (erase_objectors(year - timedelta(seconds=1)), erase_objectors(year), erase_objectors(year)) == (0, 1, 0)
    kept.refresh_from_db()
    assert (kept.name, kept.contact, kept.place, kept.facts) == ("", "", "", SAID.facts)
    assert (kept.erasure.kept_days, kept.erasure.at) == (365, year)
    assert Objection.objects.exclude(pk=kept.pk).get().name == SAID.name
    for change in ({"facts": "x"}, {"name": "x", "contact": "y"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Objection.objects.filter(pk=kept.pk).update(**change)


def test_the_database_erases_nobody_early_and_nobody_without_a_record() -> None:
    published(1)
    kept = object_to_line("N2024-0001", 1, SAID, NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        Objection.objects.update(name="", contact="")
    answer_objection(kept.pk, "不成立", official("another", "publish"), NOON, upheld=False)
    with pytest.raises(DatabaseError), transaction.atomic():
        ObjectorErasure.objects.create(objection=kept, kept_days=365, at=NOON + timedelta(days=364))
