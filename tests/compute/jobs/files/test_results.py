"""Results of real jobs, fetched from the centre through a real agent: piece by piece, checked, kept for their days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huisuan.client import Client, ClientError
from huisuan.compute.jobs.files import requests
from huisuan.compute.jobs.files.held_answers import forget_requests
from huisuan.compute.models import FileRequest, JobOutputs, SiteAgent
from huisuan.compute.site_agent.files.kept import Quota
from huisuan.protocol import agent_files
from huisuan.protocol.file_names import text_to_name
from support.accounts import make_token
from support.jobs import eventually, party
from support.local_site import Site, results_site, run_with_results, submit, until, working

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(live_server: Any, tmp_path: Path) -> Iterator[Site]:
    yield from results_site(live_server.url, tmp_path / "agent")


def fetched(site: Site, uid: str, path: str, **rest: Any) -> bytes:
    """A file, piece by piece."""
    content, version = b"", ""
    while True:
        piece = site.client.file_piece(uid, path, len(content), version=version, pause=working(site), **rest)
        content, version = content + piece.content, piece.version
        if len(content) >= piece.size:
            return content


def listed(site: Site, uid: str, path: str = "", **rest: Any) -> list[tuple[str, str, int]]:
    """The entries of a folder: path, kind, size."""
    return [
        (entry.path, entry.kind, entry.size) for entry in site.client.list_files(uid, path, pause=working(site), **rest)
    ]


def code_of(site: Site, uid: str, path: str, **rest: Any) -> str:
    """The code with which a file is refused."""
    with pytest.raises(ClientError) as refusal:
        fetched(site, uid, path, **rest)
    return refusal.value.code


def ask_once(site: Site, uid: str) -> None:
    """Ask for a file and do not wait for it."""
    assert site.client._send("GET", f"jobs/{uid}/files/content", params={"path": "a"}).status_code == 202


def test_what_a_job_leaves_in_its_results_folder_is_kept_listed_and_fetched_with_its_hash(site: Site) -> None:
    script = (
        'mkdir "$HUISUAN_OUTPUTS/权重"; printf abc > results/权重/模型.bin; echo 1 > results/loss.csv; echo x > other'
    )
    uid = run_with_results(site, script)
    assert listed(site, uid) == [("loss.csv", "file", 2), ("权重", "folder", 0)]
    assert listed(site, uid, deep=True)[1:] == [("权重", "folder", 0), ("权重/模型.bin", "file", 3)]
    assert fetched(site, uid, "权重/模型.bin") == b"abc"
    told = site.client.file_hash(uid, "权重/模型.bin", pause=working(site))
    assert (told.sha256, told.size) == (hashlib.sha256(b"abc").hexdigest(), 3)
    about = site.client.job_files(uid)
    assert (about.outputs, about.keeps, [(run.files, run.size) for run in about.runs]) == ("results", True, [(2, 5)])
    assert not (site.folder / "work" / uid).exists()  # the rest is cleaned up as ever
    kept_days = about.runs[0].kept_until - datetime.now(UTC)
    assert timedelta(days=29) < kept_days < timedelta(days=30)


def test_a_file_comes_in_pieces_of_bounded_size_and_nothing_of_it_stays_on_the_platform(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (agent_files, requests):
        monkeypatch.setattr(module, "ANSWERED_BYTES", 5000, raising=False)
    for module in ("huisuan.compute.jobs.files.queries", "huisuan.compute.site_agent.files.answering"):
        monkeypatch.setattr(f"{module}.FILE_PIECE_BYTES", 1000)
    uid = run_with_results(site, "head -c 10500 /dev/urandom > results/big")
    content = fetched(site, uid, "big")
    kept = site.folder / "outputs" / uid / "files" / "big"
    assert content == kept.read_bytes()
    assert not FileRequest.objects.filter(content__isnull=False).exists()


def test_the_working_directory_of_a_running_job_is_looked_into(site: Site) -> None:
    job = submit(site, "sh", "-c", "echo 1 > step; while [ ! -e stop ]; do sleep 0.05; done")
    until(site, job.uid, "running")
    eventually((site.folder / "jobs" / job.uid / "work" / "step").exists)
    assert ("step", "file", 2) in listed(site, job.uid, area="workdir")
    assert fetched(site, job.uid, "step", area="workdir") == b"1\n"
    assert code_of(site, job.uid, "x") == "files.no_outputs"
    (site.folder / "jobs" / job.uid / "work" / "stop").touch()
    until(site, job.uid, "done")
    assert code_of(site, job.uid, "step", area="workdir") == "files.missing"


def test_links_and_special_files_are_listed_and_never_followed(site: Site) -> None:
    script = "cd results; ln -s /etc/passwd out; ln -s / root; mkfifo pipe; echo 1 > a; ln -s a near; ln a twin"
    uid = run_with_results(site, script)
    assert listed(site, uid) == [
        ("a", "file", 2), ("near", "link", 0), ("out", "link", 0), ("pipe", "other", 0), ("root", "link", 0),
        ("twin", "file", 2),
    ]  # fmt: skip
    codes = {
        name: code_of(site, uid, name) for name in ("out", "root/etc/passwd", "pipe", "near", "../a", "gone", "a/b")
    }
    assert codes == {
        "out": "files.link", "root/etc/passwd": "files.link", "pipe": "files.not_a_regular_file",
        "near": "files.link", "../a": "files.path_malformed", "gone": "files.missing", "a/b": "files.not_a_folder",
    }  # fmt: skip
    assert fetched(site, uid, "twin") == b"1\n"


def test_a_results_folder_that_is_a_link_is_not_kept(site: Site) -> None:
    uid = run_with_results(site, "rmdir results; ln -s /etc results")
    assert [(run.files, "是链接" in run.note) for run in site.client.job_files(uid).runs] == [(0, True)]
    assert code_of(site, uid, "passwd") == "files.missing"


def test_names_of_any_bytes_come_as_they_are(site: Site) -> None:
    wide, dirty = "算" * 85, b"line\nend \xff \\ \xe2\x80\xae"
    uid = run_with_results(
        site, f"cd results; echo w > {wide}; printf 1 > \"$(printf 'line\\nend \\377 \\\\ \\342\\200\\256')\""
    )
    names = [path for path, _, _ in listed(site, uid)]
    assert sorted(map(text_to_name, names)) == sorted([wide.encode(), dirty])
    assert all(name.isprintable() for name in names)
    assert {fetched(site, uid, name) for name in names} == {b"w\n", b"1"}


def test_a_file_that_changes_while_it_is_fetched_is_told(site: Site) -> None:
    job = submit(site, "sh", "-c", "printf one > f; while [ ! -e stop ]; do sleep 0.05; done")
    until(site, job.uid, "running")
    work = site.folder / "jobs" / job.uid / "work"
    eventually((work / "f").exists)
    asked = {"area": "workdir", "pause": working(site)}
    first = site.client.file_piece(job.uid, "f", 0, **asked)
    (work / "f").write_bytes(b"twoo")
    for ask in (
        lambda: site.client.file_piece(job.uid, "f", 1, version=first.version, **asked),
        lambda: site.client.file_hash(job.uid, "f", version=first.version, **asked),
    ):
        with pytest.raises(ClientError) as refusal:
            ask()
        assert (refusal.value.status, refusal.value.code) == (409, "files.changed")


def test_another_tenant_finds_nothing_and_a_centre_s_people_may_not_look(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    places: dict[str, dict[str, Any]] = {
        "user": {"party": party(2).uscc},
        "centre": {"party": party(99).uscc},
        "city": {"city": "340100"},
        "auditor": {},
    }
    for role, place in places.items():
        status = 404 if role == "user" else 403
        with Client(site.url, make_token(role, f"other-{role}", **place)[1]) as other:
            for ask in (lambda: other.job_files(uid), lambda: list(other.list_files(uid)),
                        lambda: other.file_piece(uid, "a", 0), lambda: other.file_hash(uid, "a")):  # fmt: skip
                with pytest.raises(ClientError) as refusal:
                    ask()
                assert refusal.value.status == status
    assert not FileRequest.objects.exists()


def test_what_is_larger_than_the_quota_is_kept_whole_for_a_day_and_that_is_said(site: Site) -> None:
    site.agent.kept.quota = Quota(days=30, bytes_a_run=1000)
    uid = run_with_results(site, "head -c 1001 /dev/zero > results/a")
    run = site.client.job_files(uid).runs[0]
    assert (run.over_quota, run.size) == (True, 1001)
    assert run.kept_until - datetime.now(UTC) < timedelta(days=1)
    assert len(fetched(site, uid, "a")) == 1001
    assert site.agent.kept.remove_expired(site.agent.now() + 24 * 3600 + 1) == [uid]
    assert list((site.folder / "outputs").iterdir()) == []
    JobOutputs.objects.update(kept_until=datetime.now(UTC))
    assert code_of(site, uid, "a") == "files.expired"


def test_an_agent_killed_in_the_middle_is_asked_again_by_its_successor(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    ask_once(site, uid)
    site.agent.step()  # takes the question, and dies with it
    site.restart()
    assert fetched(site, uid, "a") == b"1\n"


def test_a_centre_that_is_silent_and_an_engine_that_cannot_are_said_at_once(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    SiteAgent.objects.update(last_seen_at=datetime.now(UTC) - timedelta(minutes=5))
    with pytest.raises(ClientError) as refusal:
        site.client._send("GET", f"jobs/{uid}/files/list")
    assert (refusal.value.status, refusal.value.code) == (503, "files.centre_silent")
    held = SiteAgent.objects.get()
    held.capabilities["outputs"] = [False, "没有共享文件系统"]
    held.save()
    assert code_of(site, uid, "a") == "files.engine_cannot"
    with pytest.raises(ClientError, match="不能取回结果文件夹"):
        submit(site, "true", outputs="results")


def test_questions_and_answers_that_nobody_came_for_are_forgotten(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    ask_once(site, uid)
    eventually(lambda: (site.agent.step(), FileRequest.objects.filter(content__isnull=False).exists())[1])
    assert forget_requests(datetime.now(UTC)) == 0
    assert forget_requests(datetime.now(UTC) + timedelta(minutes=2)) == 1


def test_an_earlier_run_s_results_are_kept_beside_the_last_one_s(site: Site) -> None:
    uid = run_with_results(site, "echo $HUISUAN_RUN > results/run; exit 3", state="failed", retries=1)
    eventually(lambda: (site.agent.step(), JobOutputs.objects.filter(job=uid).count() == 2)[1])
    assert [fetched(site, uid, "run", run=run) for run in (0, 1)] == [b"0\n", b"1\n"]
