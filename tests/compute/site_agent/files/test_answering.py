"""The agent's answers about files that a hostile job left: every question is answered, and no thread dies of one."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huisuan.base.tree_removal import remove_tree
from huisuan.compute.site_agent.files import hashing, listing
from huisuan.compute.site_agent.files.answering import FileDesk
from huisuan.compute.site_agent.files.kept import KeptOutputs, Quota
from huisuan.compute.site_agent.files.work_thread import WorkThread
from huisuan.protocol.agent_files import LISTED_BYTES, FileAnswer, FileQuestion
from huisuan.protocol.file_names import names_to_path
from support.hostile_trees import WORST_NAME, deep_tree, sparse_file
from support.jobs import eventually

UID, OTHER = "01m8558jnns7cryxk3r3r51yjp", "01m8558jnns7cryxk3r3r51yjq"


class Desk:
    """A desk with the working directories of two runs, and the answers that came."""

    def __init__(self, folder: Path) -> None:
        self.work = {uid: folder / uid for uid in (UID, OTHER)}
        for place in self.work.values():
            place.mkdir()
        self.said: list[str] = []
        self.desk = FileDesk(KeptOutputs(folder, Quota()), lambda uid, _: self.work[uid], self.said.append)
        self.came: dict[int, FileAnswer] = {}
        self.asked: dict[int, FileQuestion] = {}
        self.numbers = itertools.count(1)

    def put(self, action: str, path: bytes | str = "", uid: str = UID, **more: object) -> int:
        """Ask, with everything that was asked before and is not answered; the question's number."""
        text = path if isinstance(path, str) else names_to_path(tuple(path.split(b"/")))
        number = next(self.numbers)
        given = {"id": number, "uid": uid, "run": 0, "area": "workdir", "action": action, "path": text, "length": 1000}
        self.asked[number] = FileQuestion.model_validate(given | more)
        self.repeat()
        return number

    def repeat(self) -> None:
        """What every reply of the platform brings: all that is not answered yet."""
        self.desk.take(question for number, question in self.asked.items() if number not in self.came)

    def has(self, number: int) -> bool:
        """Whether that question is answered."""
        self.came |= {answer.id: answer for answer in self.desk.answers()}
        return number in self.came

    def ask(self, action: str, path: bytes | str = "", **more: object) -> FileAnswer:
        """The answer to a question."""
        number = self.put(action, path, **more)  # type: ignore[arg-type]
        eventually(lambda: self.has(number))
        return self.came[number]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)
    for uid in (UID, OTHER):
        assert remove_tree(tmp_path / uid)  # pytest's own clean-up does not go as deep as these tests do


def test_the_longest_name_of_bytes_that_are_no_text_is_asked_for_and_missed_like_any_other(desk: Desk) -> None:
    for action in ("read", "list", "hash"):
        answer = desk.ask(action, WORST_NAME)
        assert (answer.problem, "没有这个文件" in answer.message) == ("missing", True)
    (desk.work[UID] / os.fsdecode(WORST_NAME)).write_text("here")
    assert desk.ask("read", WORST_NAME).content == b"here"
    assert desk.ask("read", b"/".join([WORST_NAME] * 15)).problem == "file"
    assert desk.ask("read", "a" * 17_000).problem == "bad_path"
    assert desk.said == []


def test_a_deep_folder_is_listed_as_far_as_it_can_be_asked_for_and_the_rest_is_told(desk: Desk) -> None:
    deep_tree(desk.work[UID] / "run", 1500)
    deep_tree(desk.work[UID] / "wide", 60, WORST_NAME)
    (desk.work[UID] / "z").write_text("last")
    paths: list[str] = []
    told = ""
    more = True
    while more:
        answer = desk.ask("list", after=paths[-1] if paths else "", deep=True)
        paths, told, more = paths + [entry.path for entry in answer.entries], told + answer.message, answer.more
    assert paths[-1] == "z"
    assert max(path.count("/") for path in paths) == 99
    assert desk.ask("read", max(paths, key=lambda path: path.count("/"))).problem in ("", "folder")
    assert ("等 2 个文件夹" in told, "超过 100 层，或路径太长" in told) == (True, True)
    assert len(set(paths)) == len(paths)
    assert desk.ask("read", "z").content == b"last"


@pytest.mark.slow
def test_a_list_of_names_that_are_long_as_text_stays_small_and_goes_on_where_it_stopped(desk: Desk) -> None:
    above = desk.work[UID]
    names = [os.fsdecode(bytes([200 + number]) * 255) for number in range(14)]
    for name in names:
        above = above / name
        above.mkdir()
    for number in range(120):
        (above / f"{number:03}").symlink_to(os.fsdecode(b"\xff" * 4000))
    start = names_to_path(tuple(map(os.fsencode, names)))
    found: list[str] = []
    more, answers = True, 0
    while more:
        answer = desk.ask("list", start, after=found[-1] if found else "")
        assert len(answer.model_dump_json(exclude_defaults=True)) < LISTED_BYTES + 100_000
        found, more, answers = found + [entry.path for entry in answer.entries], answer.more, answers + 1
    assert [path.rpartition("/")[2] for path in found] == [f"{number:03}" for number in range(120)]
    assert answers > 2


def test_a_folder_of_too_many_names_is_told_and_its_neighbours_are_listed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_NAMES", 20)
    (desk.work[UID] / "crowd").mkdir()
    for number in range(21):
        (desk.work[UID] / "crowd" / str(number)).touch()
    (desk.work[UID] / "other").touch()
    answer = desk.ask("list", deep=True)
    assert [entry.path for entry in answer.entries] == ["crowd", "other"]
    assert "crowd" in answer.message
    assert desk.ask("list", "crowd").problem == "unreadable"


def test_the_hash_of_a_file_of_exabytes_holds_up_nobody_and_is_dropped_with_its_question(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "TURN_BYTES", 1024 * 1024)
    sparse_file(desk.work[UID] / "huge", 15 * 2**40)
    (desk.work[UID] / "small").write_bytes(b"of the same run")
    (desk.work[OTHER] / "small").write_bytes(b"of another one")
    assert desk.ask("list").entries[0].size == 15 * 2**40
    huge = desk.put("hash", "huge")
    assert desk.ask("hash", "small", uid=OTHER).sha256 == hashlib.sha256(b"of another one").hexdigest()
    assert desk.ask("read", "small").content == b"of the same run"
    assert desk.ask("hash", "small").sha256 == hashlib.sha256(b"of the same run").hexdigest()
    assert not desk.has(huge)
    assert not desk.desk.is_busy
    del desk.asked[huge]  # nobody asks any more
    eventually(lambda: (desk.repeat(), not desk.desk._open)[1])
    assert not desk.has(huge)


def test_a_file_that_grows_while_it_is_hashed_is_told_and_not_followed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk.work[UID] / "log"
    place.write_bytes(bytes(1000))
    read = os.pread

    def grows(handle: int, length: int, offset: int) -> bytes:
        found = read(handle, length, offset)
        with place.open("ab") as file:
            file.write(bytes(1000))
        return found

    monkeypatch.setattr(hashing.os, "pread", grows)
    assert desk.ask("hash", "log").problem == "changed"
    assert place.stat().st_size == 2000  # it was read once, to where it ended


def test_what_was_counted_of_a_large_file_is_not_lost_with_its_question(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "TURN_BYTES", 1000)
    content = os.urandom(50_000)
    (desk.work[UID] / "big").write_bytes(content)
    read, count = os.pread, 0
    gate = threading.Event()

    def counted(handle: int, length: int, offset: int) -> bytes:
        nonlocal count
        count += 1
        if count == 20:
            gate.wait(30)  # the question is dropped now
        return read(handle, length, offset)

    monkeypatch.setattr(hashing.os, "pread", counted)
    first = desk.put("hash", "big")
    eventually(lambda: count == 20)
    del desk.asked[first]
    desk.repeat()
    gate.set()
    assert desk.ask("hash", "big").sha256 == hashlib.sha256(content).hexdigest()
    assert count <= 52  # fifty pieces, and not begun anew


def test_a_thread_outlives_whatever_it_is_given() -> None:
    said: list[str] = []
    done = threading.Event()
    thread = WorkThread("trial", said.append)
    works: list[Callable[[], object]] = [lambda: 1 / 0, lambda: int("x"), done.set]
    for work in works:
        thread.do(work)
    assert done.wait(20)
    assert [text.split("：")[1].split(":")[0] for text in said] == ["ZeroDivisionError", "ValueError"]
