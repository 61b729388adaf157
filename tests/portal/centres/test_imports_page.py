"""A usage file uploaded on a page: imported in the background by the command's code, with a report of its lines."""

from __future__ import annotations

import io
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.base.db.background_work import WorkState
from huisuan.compute.metering.imports import requests
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.imports.requests import forget_import_files, run_import
from huisuan.compute.models import Centre, UsageDay, UsageImport, UsageRecord
from support.portal import HEADER, World, line

pytestmark = pytest.mark.django_db
ADDRESS = "/centres/hf/imports"


@pytest.fixture(autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HUISUAN_HOME", str(home))
    return home


def content(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


GOOD = [line(900 + n, "alpha", f"2024-09-{n + 1:02d}T00:00:00", 2, 4) for n in range(3)]
BAD = (
    "903|903|ah|zhang|alpha|gpu|COMPLETED|x|2024-09-04T25:00:00|2024-09-04T02:00:00|7200|00:00:00"
    "|gres/gpu=1|gres/gpu=1|0:0"
)


def upload(browser: Client, what: bytes, name: str = "sacct.txt", **rest: Any) -> Any:
    file = io.BytesIO(what)
    file.name = name
    return browser.post(ADDRESS, {"file": file, "format": "sacct"} | rest)


def imported(browser: Client, what: bytes, **rest: Any) -> UsageImport:
    answer = upload(browser, what, **rest)
    assert answer.status_code == 302, answer.content.decode()
    number = int(answer["Location"].rsplit("/", 1)[1])
    run_import(number, timezone.now)
    return UsageImport.objects.get(pk=number)


def test_good_lines_are_taken_and_each_bad_one_is_named_with_its_place(world: World, at_home: Path) -> None:
    before = UsageRecord.objects.count()
    browser = world.browser("centre")
    stranger = line(910, "who-is-this", "2024-09-06T00:00:00", 1, 1)
    work = imported(browser, content(*GOOD, BAD, stranger))
    assert (work.state, work.requested_by, UsageRecord.objects.count() - before) == ("done", "centre", 4)
    shown = browser.get(f"/imports/{work.pk}").content.decode()
    report = shown[shown.index('id="report"') :]
    assert re.search(r"新记录</dt><dd>4", report)
    assert re.search(r"拒收</dt><dd>1", report)
    assert "2024-09-04T25:00:00" in report
    assert 'data-label="行">5<' in report
    assert "1 条记录的账户还不属于任何主体" in report
    refused = browser.get(f"/imports/{work.pk}/refused.csv").content.decode()
    assert refused.splitlines()[1].startswith("5,")
    english = world.browser("province", "en").get(f"/imports/{work.pk}").content.decode()
    assert "belongs to no organisation yet" in english
    assert UsageDay.objects.filter(centre__code="hf", day="2024-09-01").exists()  # counted with it
    assert not [path for path in (at_home / "imports").rglob("*") if path.is_file()]  # it is in the ledger now


def test_the_report_is_that_of_the_command(world: World) -> None:
    work = imported(world.browser("centre"), content(*GOOD, BAD), dry_run="yes")
    same = import_usage("hf", UsageFile(content(*GOOD, BAD), "sacct.txt", "sacct"), timezone.now(), dry_run=True)
    said = same.as_json()
    assert {key: work.report[key] for key in said} == said


def test_a_dry_run_writes_nothing_and_is_then_done_for_real_without_sending_the_file_again(world: World) -> None:
    before = UsageRecord.objects.count()
    browser = world.browser("centre")
    tried = imported(browser, content(*GOOD), dry_run="yes")
    assert UsageRecord.objects.count() == before
    assert "就按这样导入" in browser.get(f"/imports/{tried.pk}").content.decode()
    answer = browser.post(f"/imports/{tried.pk}/confirm")
    number = int(answer["Location"].rsplit("/", 1)[1])
    run_import(number, timezone.now)
    assert UsageRecord.objects.count() == before + 3
    assert UsageImport.objects.get(pk=number).report["dry_run"] is False
    forget_import_files(timezone.now())
    after = browser.post(f"/imports/{tried.pk}/confirm", follow=True).content.decode()
    assert "请重新上传" in after or UsageImport.objects.count() == 3


def test_what_an_import_needs_no_more_is_cleared_away_and_a_dry_run_stays_for_a_day(
    world: World, at_home: Path
) -> None:
    tried = imported(world.browser("centre"), content(*GOOD), dry_run="yes")
    (path,) = [path for path in (at_home / "imports").rglob("*") if path.is_file()]
    old = (datetime.now(UTC) - timedelta(hours=7)).timestamp()
    os.utime(path, (old, old))
    assert forget_import_files(timezone.now()) == 0
    assert forget_import_files(timezone.now() + timedelta(days=2)) == 1
    answer = world.browser("centre").post(f"/imports/{tried.pk}/confirm", follow=True)
    assert "请重新上传" in answer.content.decode()


def test_a_cancelled_import_and_one_whose_file_is_gone_leave_nothing(world: World, at_home: Path) -> None:
    before = UsageRecord.objects.count()
    browser = world.browser("centre")
    number = int(upload(browser, content(*GOOD))["Location"].rsplit("/", 1)[1])
    again = upload(browser, content(*GOOD))
    assert again.status_code == 422
    assert "等它结束再传" in again.content.decode()
    browser.post(f"/imports/{number}/cancel")
    run_import(number, timezone.now)
    assert UsageImport.objects.get(pk=number).state == WorkState.CANCELLED
    number = int(upload(browser, content(*GOOD))["Location"].rsplit("/", 1)[1])
    for path in (at_home / "imports").rglob("*"):
        if path.is_file():
            path.unlink()
    run_import(number, timezone.now)
    lost = UsageImport.objects.get(pk=number)
    assert (lost.state, lost.reason) == (WorkState.FAILED, "sacct.txt 已不在平台的磁盘上：请重新上传")
    assert UsageRecord.objects.count() == before


def test_a_report_of_many_faults_keeps_some_and_says_how_many_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "FAULTS_KEPT", 3)
    monkeypatch.setattr("huisuan.portal.centres.import_report.REFUSED_SHOWN", 2)
    bad = [BAD.replace("903|903", f"{930 + n}|{930 + n}") for n in range(5)]
    work = imported(world.browser("centre"), content(*GOOD, *bad))
    assert (work.report["refused"], len(work.report["faults"]), work.report["faults_left_out"]) == (5, 3, 2)
    shown = world.browser("auditor").get(f"/imports/{work.pk}").content.decode()
    assert "另有 3 行，其中 2 行没有留下说明" in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "xlsx"}, "请选择格式"), ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"format": "trace", "shift_days": "一"}, "不是整数"),
        ({"format": "trace", "tenant": "u" * 121}, "用户名：有 121 个字，至多 120 个"),
        ({"format": "trace", "job_column": "j" * 61}, "列名 job：有 61 个字，至多 60 个"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_used_is_refused_before_anything_is_handed_over(
    world: World, given: dict[str, str], said: str
) -> None:
    answer = upload(world.browser("centre"), content(*GOOD), **given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not UsageImport.objects.exists()


def test_rubbish_and_an_empty_file_are_refused_in_words(world: World) -> None:
    browser = world.browser("centre")
    assert upload(browser, b"").status_code == 422
    rubbish = imported(browser, os.urandom(4000), name="照片.jpg")
    assert rubbish.state == WorkState.FAILED
    assert "照片.jpg" in rubbish.reason
    assert "没有完成" in browser.get(f"/imports/{rubbish.pk}").content.decode()


def test_a_city_reads_what_was_imported_and_uploads_nothing_and_others_do_not_see_it(world: World) -> None:
    work = imported(world.browser("centre"), content(*GOOD))
    assert "上传并导入" not in world.browser("city").get(ADDRESS).content.decode()
    assert world.browser("city").get(f"/imports/{work.pk}").status_code == 200
    assert upload(world.browser("city"), content(*GOOD)).status_code == 403
    assert world.browser("city").post(f"/imports/{work.pk}/cancel").status_code == 403
    assert world.browser("alpha").get(f"/imports/{work.pk}").status_code == 403
    UsageImport.objects.filter(pk=work.pk).update(centre=Centre.objects.get(code="wh"))
    assert world.browser("centre").get(f"/imports/{work.pk}").status_code == 404
