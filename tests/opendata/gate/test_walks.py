"""Walks through the gate at random, and processes killed in it: nothing leaves unscanned, nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection, connections

from huisuan.base.errors import Refused
from huisuan.base.hashing import bytes_sha256, file_sha256
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import list_findings, released_bytes
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.scan_work import run_scan
from huisuan.opendata.gate.stores import quarantine, released_shelf
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.models import GateFile, GateProduct, GateRelease, GateScan, GateStep, JudgeAction, ScanWork
from support.catalogue import code
from support.gate import NOW, list_entry, resident_ids, steward

PEOPLE = ("a", "b", "c", "d")
ROWS = ["序号,身份证号,备注", *(f"{n},{number},无" for n, number in enumerate(resident_ids(4))), "9,缺,电话13812345678"]
CONTENTS = ["\n".join(ROWS).encode(), "名称,车位数\r\n南站,120\r\n北站,80\r\n".encode(), "机密★\n正文\n".encode()]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def nothing_left_unread() -> None:
    """Every byte on the shelf is a product that was scanned; every release is its scan's, by a third person."""
    scanned = set(GateScan.objects.filter(complete=True, product__isnull=False).values_list("sha256", flat=True))
    shelf = released_shelf().folder
    for path in (each for each in shelf.rglob("*") if each.is_file()):
        assert path.parent.name + path.name in scanned
        assert file_sha256(path) in scanned
    uploads = set(GateFile.objects.values_list("sha256", flat=True))
    for release in GateRelease.objects.select_related("product", "scan", "file"):
        assert release.sha256 == release.product.sha256 == release.scan.sha256
        assert release.sha256 not in uploads
        duties = dict(release.file.duties.values_list("person_id", "duty"))
        assert duties[release.by_id] == "release"
        assert release.by_id != release.file.uploaded_by_id
    for file in GateFile.objects.all():
        steps = list(file.steps.all())
        assert (file.state, file.steps_taken) == (steps[-1].to_state, len(steps))
        assert [step.from_state for step in steps] == ["", *(step.to_state for step in steps[:-1])]
        products = GateProduct.objects.filter(release__file=file)
        if file.state == "released":
            forms = set(products.values_list("format", flat=True))
            assert forms in ({"csv", "parquet"}, {"jsonl", "txt", "pdf"})  # all, or none
            for product in products:
                assert bytes_sha256(released_bytes(product.pk)[1]) == product.sha256
        assert quarantine().path_of(file.sha256).is_file()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_a_random_walk_never_releases_a_byte_that_was_not_scanned(seed: int) -> None:
    chance, entry = Random(seed), list_entry()

    def scan(number: int, _who: str) -> None:
        run_scan(ScanWork.objects.filter(file=number).latest("id").pk, NOW)

    def judge(number: int, who: str) -> None:
        found = list_findings(GateFile.objects.get(pk=number))
        which = chance.choice(found)["number"] if found else 1
        action, column = chance.choice(JudgeAction.values), chance.random() < 0.7
        judge_findings(number, GivenJudgement(which, action, "理由", column), steward(who), NOW)

    acts: list[Callable[[int, str], Any]] = [
        scan, judge, judge, lambda number, who: remake_file(number, steward(who), NOW),
        lambda number, who: release_file(number, steward(who), NOW),
        lambda number, who: withdraw_file(number, "理由", steward(who), NOW),
    ]  # fmt: skip
    for content in CONTENTS:
        upload_file(entry, "名单.csv", content, steward(chance.choice(PEOPLE)), NOW)
    numbers = list(GateFile.objects.values_list("pk", flat=True))
    for _ in range(60):
        try:
            chance.choice(acts)(chance.choice(numbers), chance.choice(PEOPLE))
        except Refused:
            continue
        nothing_left_unread()
    nothing_left_unread()


def go_on(file: GateFile | None = None) -> str:
    """Do what comes next of the file, until it is out; returns where it stands."""
    file = file or GateFile.objects.first()
    if file is None:
        file = upload_file(code(), "名单.csv", CONTENTS[0], steward("a"), NOW)
    for _ in range(30):
        file.refresh_from_db()
        if file.state in ("received", "reading", "remade"):
            run_scan(ScanWork.objects.filter(file=file).latest("id").pk, NOW)
        elif file.state == "to_judge":
            first = next(one for one in list_findings(file) if not one["judged"])
            given = GivenJudgement(first["number"], "mask", column=bool(first["column"]))
            judge_findings(file.pk, given, steward("b"), NOW)
        elif file.state == "clean":
            remake_file(file.pk, steward("b"), NOW)
        elif file.state == "ready":
            release_file(file.pk, steward("c"), NOW)
        else:
            break
    return file.state


def killed_at_statement(number: int) -> int:
    """A process that goes on and is gone, at once, as it sends its statement of that number; its exit status."""

    def go() -> None:
        for each in connections.all(initialized_only=True):
            each.connection = None  # the parent's
        sent = 0

        def count(execute: Any, *rest: Any) -> Any:
            nonlocal sent
            sent += 1
            if sent == number:
                os._exit(9)
            return execute(*rest)

        with connection.execute_wrapper(count):
            go_on()
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=go)
    process.start()
    process.join()
    return int(process.exitcode or 0)


@pytest.mark.django_db(transaction=True)
def test_killed_again_and_again_a_file_comes_out_once_and_never_by_half() -> None:
    list_entry()
    for name in ("a", "b", "c"):
        steward(name)
    chance = Random(17)
    for _ in range(15):
        assert killed_at_statement(chance.randint(2, 60)) in (0, 9)
        nothing_left_unread()
    assert go_on() == "released"
    nothing_left_unread()
    assert GateFile.objects.count() == 1
    assert GateStep.objects.filter(action="release").count() == 1
    assert GateRelease.objects.count() == 2


#: in the order of their numbers; each comes in again and again
FLOW = (("名单.csv", CONTENTS[0]), ("车位.csv", CONTENTS[1]), ("通知.txt", "通知\n联系人电话13812345678。\n".encode()))
KILLS = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 3


def killed_after(seconds: float) -> list[str]:
    """What a process says to have done that brings file after file through the gate, and is killed after some time."""

    def go(said: int) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends it wherever it is: no handler, no clean-up
        signal.setitimer(signal.ITIMER_REAL, seconds)
        for each in connections.all(initialized_only=True):
            each.connection = None  # the parent's
        while True:
            file = GateFile.objects.exclude(state__in=("released", "superseded")).first()
            if file is None:
                name, content = FLOW[GateFile.objects.count() % len(FLOW)]
                file = upload_file(code(), name, content + b"\n" * GateFile.objects.count(), steward("a"), NOW)
                os.write(said, f"uploaded {file.pk}\n".encode())
            go_on(file)
            os.write(said, f"out {file.pk}\n".encode())

    listens, says = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=go, args=(says,))
    process.start()
    os.close(says)
    with os.fdopen(listens) as words:
        said = words.read().splitlines()
    process.join()
    assert process.exitcode == -signal.SIGALRM
    return said


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_no_file_is_half_released_and_none_is_lost() -> None:
    list_entry()
    for name in ("a", "b", "c"):
        steward(name)
    began = time.monotonic()
    assert go_on() == "released"
    usual, chance = time.monotonic() - began, Random(17)
    said: list[str] = []
    for _ in range(KILLS):
        said += killed_after(chance.uniform(0.01, usual))
        nothing_left_unread()
        states = dict(GateFile.objects.values_list("pk", "state"))
        for what, number in (line.split() for line in said):
            assert states[int(number)] in ("released", "superseded") or what == "uploaded"
    for file in GateFile.objects.exclude(state__in=("released", "superseded")):
        assert go_on(file) == "released"
    nothing_left_unread()
    out = GateStep.objects.filter(action="release").values_list("file", flat=True)
    assert sorted(out) == sorted(GateFile.objects.values_list("pk", flat=True))  # each once
