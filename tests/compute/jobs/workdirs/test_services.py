"""Uploading working directories, over HTTP against the real platform."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import ProgrammingError

from huisuan.base.errors import Refused
from huisuan.client import Client, ClientError
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.jobs.workdirs import archive_safety as archives
from huisuan.compute.jobs.workdirs import services as uploads
from huisuan.compute.jobs.workdirs.archive_safety import check
from huisuan.compute.jobs.workdirs.pack import Packed, pack
from huisuan.compute.models import Job, Upload
from support.accounts import make_token
from support.jobs import NOON, asked, centre, party, user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("print('train')\n", encoding="utf-8")
    return pack(folder, tmp_path / "code.tgz")


@pytest.fixture
def first(live_server: Any) -> Iterator[Client]:
    with Client(live_server.url, make_token("user", "甲", party=party(1).uscc)[1]) as client:
        yield client


def test_a_working_directory_is_kept_under_its_sha256_and_known_by_it(first: Client, packed: Packed) -> None:
    assert first.upload(packed.sha256) is None
    sent: list[int] = []
    kept = first.send_upload(packed.file, on_progress=sent.append)
    assert (kept.sha256, kept.size, sent) == (packed.sha256, packed.size, [packed.size])
    assert first.upload(packed.sha256) == kept
    content = bytes(Upload.objects.get().content)
    assert hashlib.sha256(content).hexdigest() == packed.sha256
    assert content == packed.file.read_bytes()


def test_the_same_again_is_the_same_and_not_kept_twice(first: Client, packed: Packed) -> None:
    assert first.send_upload(packed.file) == first.send_upload(packed.file)
    assert Upload.objects.count() == 1


def test_no_tenant_sees_or_finds_anothers(first: Client, packed: Packed, live_server: Any) -> None:
    first.send_upload(packed.file)
    with Client(live_server.url, make_token("user", "乙", party=party(2).uscc)[1]) as second:
        assert second.upload(packed.sha256) is None
        second.send_upload(packed.file)
        with pytest.raises(ClientError, match="只能为自己的主体"):
            second.send_upload(packed.file, party=party(1).uscc)
    assert Upload.objects.count() == 2


def test_the_province_uploads_for_a_party_that_it_names(live_server: Any, packed: Packed) -> None:
    with Client(live_server.url, make_token("province", "专班")[1]) as client:
        with pytest.raises(ClientError, match="没有说明作业属于哪个主体"):
            client.send_upload(packed.file)
        client.send_upload(packed.file, party=party(1).uscc)
        assert client.upload(packed.sha256) is not None
    with Client(live_server.url, make_token("auditor", "审计")[1]) as auditor, pytest.raises(ClientError) as refused:
        auditor.send_upload(packed.file)
    assert refused.value.status == 403


def test_what_is_no_safe_tar_gz_or_too_large_is_refused_and_not_kept(
    first: Client, packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad"
    for content, message in ((b"hello", "不是完整的 tar.gz"), (b"", "没有收到内容")):
        bad.write_bytes(content)
        with pytest.raises(ClientError, match=message):
            first.send_upload(bad)
    monkeypatch.setattr(uploads, "MOST_PACKED_BYTES", 10)
    with pytest.raises(ClientError, match="打包后超过"):
        first.send_upload(packed.file)
    assert archives.MOST_PACKED_BYTES == 200 * 2**20
    assert not Upload.objects.exists()


def test_two_that_send_the_same_at_the_same_time_keep_it_once(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer, now = user(1), datetime(2024, 6, 3, 4, 0, 0, 123456, tzinfo=UTC)

    def another_is_first(file: Any) -> None:
        monkeypatch.undo()
        check(file)
        with packed.file.open("rb") as content:
            assert uploads.take_upload(content, None, viewer, now)[1]

    monkeypatch.setattr(uploads, "check", another_is_first)
    with packed.file.open("rb") as content:
        kept, new = uploads.take_upload(content, None, viewer, now)
    assert (new, kept.uploaded_at, Upload.objects.count()) == (False, now, 1)


@pytest.mark.parametrize("name", ["x" * 64, "../x"])
def test_a_name_that_is_none_finds_nothing(first: Client, name: str) -> None:
    assert first.upload(name) is None


def test_what_no_job_has_needed_for_a_month_is_forgotten_and_can_be_sent_again(first: Client, packed: Packed) -> None:
    first.send_upload(packed.file)
    centre()
    jobs = [submit_job(asked("true", workdir=packed.sha256), user(), NOON, bytes([at] * 10)) for at in range(2)]
    later = datetime.now(UTC) + uploads.KEPT + timedelta(days=1)
    assert uploads.forget_uploads(later) == 0  # its jobs are not over
    Job.objects.filter(pk=jobs[0].pk).update(state="done", ended_at=NOON)
    Job.objects.filter(pk=jobs[1].pk).update(state="done", ended_at=later - timedelta(days=1))
    assert uploads.forget_uploads(later) == 0  # one ended yesterday
    Job.objects.update(ended_at=NOON)
    assert uploads.forget_uploads(later) == 1
    assert Upload.objects.get().content is None
    assert first.upload(packed.sha256) is None
    with pytest.raises(Refused, match="没有上传"):
        submit_job(asked("true", workdir=packed.sha256), user(), NOON, bytes([3] * 10))
    first.send_upload(packed.file)
    assert submit_job(asked("true", workdir=packed.sha256), user(), NOON, bytes([4] * 10)).workdir != jobs[0].workdir
    with pytest.raises(ProgrammingError, match="Cannot update"):
        Upload.objects.filter(forgotten_at__isnull=True).update(size=1)
