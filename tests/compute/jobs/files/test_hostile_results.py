"""What a hostile job leaves costs its own party its files, and nobody else anything: through a real agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from huisuan.base.errors import Unavailable
from huisuan.client import ClientError
from huisuan.client.fetch import Fetcher, FileSource
from huisuan.compute.jobs.files import held_answers, requests
from huisuan.compute.jobs.files.requests import Asker, FileQuery, answer_to, ask_ahead, open_questions, take_answers
from huisuan.compute.models import Centre, FileRequest, Job
from huisuan.protocol.agent_files import LISTED_BYTES, FileAnswer, FileEntry
from huisuan.protocol.file_names import name_to_text
from support.hostile_trees import WORST_NAME
from support.jobs import eventually, party
from support.local_site import Site, by_itself, results_site, run_with_results, until, working

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)
#: a folder of 1,500 levels, one of names that are no text, a sparse file, links to everywhere
LEAVES = """
import os
os.chdir("results")
for target in ("/etc/passwd", "../../../..", "loop", "a/../../../..", "\\xff" * 200, "/"):
    os.symlink(target, "link-%d" % len(os.listdir(".")))
os.symlink("loop", "loop")
open(b"\\xff" * 255, "w").write("odd")
open("huge", "wb").truncate(15 * 2**40)
open("good", "w").write("good")
here = os.open(".", os.O_RDONLY)
for _ in range(1500):
    os.mkdir("d", dir_fd=here)
    here = os.open("d", os.O_RDONLY, dir_fd=here) if (below := here) else 0
    os.close(below)
"""


@pytest.fixture
def site(live_server: Any, tmp_path: Path) -> Iterator[Site]:
    yield from results_site(live_server.url, tmp_path / "agent")


def test_whatever_a_job_left_the_agent_serves_the_others_and_clears_it_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text(LEAVES)
    hostile = run_with_results(site, f"{sys.executable} {tmp_path / 'leaves.py'}")
    good = run_with_results(site, "echo fine > results/a")
    (kept,) = site.client.job_files(hostile).runs
    assert (kept.over_quota, "没有数完" in kept.note) == (True, True)
    site.client.ask_hash(hostile, "huge")
    notes: list[str] = []
    paths = [
        entry.path for entry in site.client.list_files(hostile, deep=True, pause=working(site), on_note=notes.append)
    ]
    assert (paths[0], len(paths), len(notes)) == ("d", 110, 1)
    FileRequest.objects.filter(question__action="hash").delete()  # nobody asks any more: it is not counted for hours
    assert site.client.file_piece(hostile, name_to_text(WORST_NAME), 0, pause=working(site)).content == b"odd"
    with pytest.raises(ClientError) as missing:
        site.client.file_piece(hostile, name_to_text(WORST_NAME[:-1] + b"\xfe"), 0, pause=working(site))
    assert missing.value.code == "files.missing"
    with by_itself(site):
        report = Fetcher(site.client, FileSource(hostile), tmp_path / "here").fetch(["good", "d"])
        assert [file.path for file in report.files] == ["good"]
        assert [code for _, _, code in report.failed] == ["files.unlisted"]
        assert Fetcher(site.client, FileSource(good), tmp_path / "here2").fetch([""]).failed == []
    assert site.agent.kept.remove_expired(site.agent.now() + 2 * 24 * 3600) == [hostile]
    eventually(lambda: not (site.folder / "trash").exists())
    until(site, site.client.submit_job(["true"], party=party().uscc).uid, "done")
    assert [text for text in site.said if "线程" in text or "出错" in text] == []


def test_a_link_that_leads_out_is_refused_on_every_way(site: Site, tmp_path: Path) -> None:
    uid = run_with_results(site, "mkdir results/sub; ln -s /etc results/out; ln -s ../../.. results/sub/up")
    for path in ("out", "out/passwd", "sub/up", "sub/up/etc/passwd"):
        for ask in (site.client.file_piece, site.client.file_hash):
            with pytest.raises(ClientError) as refusal:
                ask(uid, path, *([0] if ask == site.client.file_piece else []), pause=working(site))
            assert refusal.value.code == "files.link"
        with pytest.raises(ClientError) as refusal:
            list(site.client.list_files(uid, path, pause=working(site)))
        assert refusal.value.code == "files.link"
    with by_itself(site):
        report = Fetcher(site.client, FileSource(uid), tmp_path / "here").fetch([""])
    assert sorted(path for path, _ in report.skipped) == ["out", "sub/up"]
    assert [path.name for path in (tmp_path / "here").rglob("*")] == ["sub"]


# --- the platform's bounds


def asker(site: Site, number: int = 1, reader: str = "r") -> Asker:
    """Someone of that party who asks about a job of its own."""
    job = site.client.submit_job(["true"], party=party(number).uscc)
    return Asker(Job.objects.get(pk=job.uid), 0, Centre.objects.get(), reader)


def piece(number: int) -> FileQuery:
    """A question for four megabytes."""
    return FileQuery("outputs", "read", "f", "results", offset=number, length=4 * 2**20)


def ask_until_refused(asker: Asker, questions: Iterable[FileQuery]) -> None:
    """Ask all that; one of them has to be refused."""

    def ask() -> None:
        for question in questions:
            answer_to(asker, question, NOW)

    with pytest.raises(Unavailable, match="64 MiB"):
        ask()


def reply(numbers: list[int], **given: Any) -> None:
    """The centre answers these questions alike."""
    with transaction.atomic():
        take_answers(Centre.objects.get(), [FileAnswer(id=number, **given) for number in numbers], NOW)


def test_a_party_that_leaves_its_answers_lying_is_held_up_and_no_other(site: Site) -> None:
    greedy, other = asker(site), asker(site, 2)
    ask_until_refused(greedy, map(piece, range(100)))
    assert FileRequest.objects.count() == 16
    reply([row.pk for row in FileRequest.objects.all()], content=b"eHg=")  # nearly nothing came: there is room again
    for number in range(100, 115):
        answer_to(greedy, piece(number), NOW)
    assert answer_to(other, piece(0), NOW) is None
    asked = open_questions(Centre.objects.get(), NOW)
    assert other.job.pk in [question.uid for question in asked[:2]]  # in its turn, not behind fifteen
    assert sum(question.length for question in asked) <= requests.ANSWERED_BYTES
    later = NOW + timedelta(minutes=2)
    assert answer_to(greedy, piece(500), later) is None  # what nobody came for does not count for ever


def test_no_more_than_64_questions_of_a_party_wait_whatever_they_ask(site: Site) -> None:
    greedy = asker(site)
    ask_until_refused(greedy, (FileQuery("outputs", "hash", f"f{number}", "results") for number in range(100)))
    assert FileRequest.objects.count() == 64
    numbers = list(FileRequest.objects.values_list("pk", flat=True))
    reply(numbers, sha256="0" * 64)
    with pytest.raises(Unavailable):
        answer_to(greedy, FileQuery("outputs", "list", "", "results"), NOW)  # answered, and nobody came for them
    first = FileQuery("outputs", "hash", "f0", "results")
    found = answer_to(greedy, first, NOW)
    assert found is not None
    assert answer_to(greedy, FileQuery("outputs", "list", "", "results"), NOW) is None


def test_a_centre_holds_a_quarter_of_a_gigabyte_for_all_and_the_last_quarter_is_for_who_has_nothing_yet(
    site: Site,
) -> None:
    for number in (1, 2, 3):
        greedy = asker(site, number)
        for place in range(16):
            answer_to(greedy, piece(place), NOW)
    fourth, fifth = asker(site, 4), asker(site, 5)
    assert answer_to(fourth, piece(0), NOW) is None
    ask_ahead(fourth, [piece(1)], NOW)
    assert FileRequest.objects.count() == 49
    with pytest.raises(Unavailable, match="256 MiB") as refusal:
        answer_to(fourth, piece(1), NOW)
    assert refusal.value.code == "files.centre_holds_too_much"
    assert refusal.value.code in held_answers.PASSING
    assert answer_to(fifth, piece(0), NOW) is None
    later = NOW + timedelta(minutes=2)
    for place in (1, 2):
        assert answer_to(fourth, piece(place), later) is None
    assert FileRequest.objects.count() == 2  # what nobody came for makes room, and is gone


def test_all_centres_together_hold_no_more_than_the_platform_s_bound(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_answers, "MOST_HELD_IN_ALL", 12 * 2**20)
    greedy, other = asker(site), asker(site, 2)
    answer_to(greedy, piece(0), NOW)
    answer_to(greedy, piece(1), NOW)
    with pytest.raises(Unavailable, match="平台上") as refusal:
        answer_to(greedy, piece(2), NOW)
    assert refusal.value.code == "files.platform_holds_too_much"
    answer_to(other, piece(0), NOW)
    with pytest.raises(Unavailable):
        answer_to(asker(site, 3), piece(0), NOW)  # not a byte more, whoever asks


def test_readers_that_ask_at_once_do_not_pass_a_bound_together(site: Site) -> None:
    greedy = asker(site)

    def ask(place: int) -> None:
        with suppress(Unavailable):
            answer_to(greedy, piece(place), NOW)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(40)))
    assert FileRequest.objects.count() == 16


def test_hashes_that_take_long_do_not_keep_others_from_being_asked(site: Site) -> None:
    slow, quick = asker(site), asker(site, 2)
    for number in range(60):
        answer_to(slow, FileQuery("outputs", "hash", f"f{number}", "results"), NOW)
    answer_to(quick, FileQuery("outputs", "list", "", "results"), NOW)
    answer_to(quick, FileQuery("outputs", "hash", "x", "results"), NOW)
    asked = open_questions(Centre.objects.get(), NOW)
    assert [question.action for question in asked if question.uid == quick.job.pk] == ["list", "hash"]


def test_what_is_asked_ahead_leaves_room_for_what_is_wanted_now(site: Site) -> None:
    reading = asker(site)
    ask_ahead(reading, [piece(number) for number in range(30)], NOW)
    assert FileRequest.objects.count() == 8
    ask_ahead(reading, [piece(number) for number in range(9)], NOW)  # asked already but one, for which no room is
    assert FileRequest.objects.count() == 8
    assert answer_to(reading, piece(99), NOW) is None


def test_lists_that_were_given_make_room_for_others(site: Site) -> None:
    reading = asker(site)
    for number in range(64):
        answer_to(reading, FileQuery("outputs", "list", "", "results", after=str(number)), NOW)
    reply(list(FileRequest.objects.values_list("pk", flat=True)), entries=[])
    with pytest.raises(Unavailable):
        answer_to(reading, FileQuery("outputs", "list", "next", "results"), NOW + timedelta(seconds=1))
    assert answer_to(reading, FileQuery("outputs", "list", "next", "results"), NOW + timedelta(seconds=4)) is None
    assert FileRequest.objects.count() == 1


def test_a_centre_that_answers_more_than_was_asked_is_not_believed(site: Site) -> None:
    reading = asker(site)
    wide = [FileEntry(path=f"{number:04}" + "x" * 16_000, kind="link", target="y" * 16_000) for number in range(100)]
    for question, given in (
        (FileQuery("outputs", "list", "", "results"), {"entries": wide}),
        (FileQuery("outputs", "list", "a", "results"), {"content": b"eHg="}),
        (piece(0), {"content": b"eHh4" * (4 * 2**20 // 3 + 1)}),
    ):
        answer_to(reading, question, NOW)
        reply(list(FileRequest.objects.filter(answered_at=None).values_list("pk", flat=True)), **given)
        found = answer_to(reading, question, NOW)
        assert found is not None
        assert (found.problem, found.message) == ("unreadable", "中心答的比问的多")
    assert LISTED_BYTES < 2 * 2**20


def test_words_of_an_agent_come_on_one_line() -> None:
    assert FileAnswer(id=1, problem="unreadable", message="a\nb\x00c").message == "a b c"
    assert os.linesep not in FileAnswer(id=1, message="x\r\ny").message
