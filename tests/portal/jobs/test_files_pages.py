"""Pages of a job's files, answered by a real agent: folders, previews, downloads whole or visibly broken."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.errors import Refused
from huisuan.compute.models import FileRequest, JobOutputs, SiteAgent
from huisuan.parties.models import Person
from huisuan.portal.jobs.file_preview import SHOWN_BYTES, preview_of
from support.jobs import eventually, party
from support.local_site import Site, by_itself, results_site, run_with_results, submit, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(live_server: Any, tmp_path: Path) -> Iterator[Site]:
    yield from results_site(live_server.url, tmp_path / "agent")


def browser(number: int = 1) -> Client:
    """Someone of that party, signed in."""
    who, _ = Person.objects.get_or_create(
        username=f"user{number}", defaults={"role": "user", "party": party(number), "password": "!", "name": "某人"}
    )
    client = Client()
    client.force_login(who)
    return client


def settled(client: Client, address: str) -> str:
    """A page once the centre has answered it, as htmx fetches it."""

    def look() -> str:
        page = client.get(address, headers={"HX-Request": "true", "HX-Target": "files"})
        assert page.status_code == 200, page.content
        text: str = page.content.decode()
        return "" if "正在向智算中心" in text else text

    return eventually(look)


def test_a_folder_is_shown_once_the_centre_answers_and_its_files_previewed_and_downloaded(site: Site) -> None:
    script = (
        "cd results; printf 'a,b\\n1,<b>2\\n' > 表.csv; mkdir sub; echo deep > sub/x; ln -s /etc/passwd out; mkfifo p"
    )
    uid = run_with_results(site, script)
    client, files = browser(), reverse("job-files", args=[uid])
    assert reverse("job-files", args=[uid]) in client.get(reverse("job", args=[uid])).content.decode()
    first = client.get(files).content.decode()
    assert "正在向智算中心要文件列表" in first
    assert 'hx-trigger="load delay' in first
    assert "2 个文件" in first
    with by_itself(site):
        page = settled(client, files)
        for shown in ("表.csv", "sub/", "链接，指向 /etc/passwd", "特殊文件"):
            assert shown in page
        (view,) = [
            part.split('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:] if "/files/view" in part
        ][:1]
        preview = settled(client, view)
        assert "<td>&lt;b&gt;2</td>" in preview
        download = view.replace("/files/view", "/files/download")
        answer = client.get(download)
        assert (b"".join(answer), answer["Content-Length"]) == (b"a,b\n1,<b>2\n", "11")
        rest = client.get(download, headers={"Range": "bytes=4-", "If-Range": answer["ETag"]})
        assert (rest.status_code, b"".join(rest), rest["Content-Range"]) == (206, b"1,<b>2\n", "bytes 4-10/11")
        whole = client.get(download, headers={"Range": "bytes=4-", "If-Range": '"other"'})
        assert (whole.status_code, len(b"".join(whole))) == (200, 11)
        archive = zipfile.ZipFile(io.BytesIO(b"".join(client.get(reverse("job-file", args=[uid])))))
    assert archive.testzip() is None
    names = archive.namelist()
    assert names == ["sub/", "sub/x", "表.csv", "没有收入-not-included.txt"]
    assert archive.read("sub/x") == b"deep\n"
    assert archive.read(names[-1]).decode().splitlines()[1:] == ["out → /etc/passwd", "p"]
    assert not FileRequest.objects.filter(content__isnull=False).exists()


def test_a_download_of_a_file_that_changed_breaks_off_and_does_not_end_as_if_it_were_whole(site: Site) -> None:
    job = submit(site, "sh", "-c", "printf one > f; while [ ! -e stop ]; do sleep 0.05; done")
    until(site, job.uid, "running")
    work = site.folder / "jobs" / job.uid / "work"
    eventually((work / "f").exists)
    client = browser()
    with by_itself(site):
        page = settled(client, f"{reverse('job-files', args=[job.uid])}?area=workdir")
        (download,) = [
            part.split('"')[0].replace("&amp;", "&")
            for part in page.split('href="')[1:]
            if "version=" in part and "/download" in part
        ]
        (work / "f").write_bytes(b"twoo")
        with pytest.raises(Refused, match="变了"):
            b"".join(client.get(download))


def test_another_tenant_is_told_that_there_is_no_such_job_and_a_silent_centre_is_said(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    for name in ("job-files", "job-file-view", "job-file", "job-picture"):
        assert browser(2).get(reverse(name, args=[uid]) + "?path=a").status_code == 404
    assert not FileRequest.objects.exists()
    SiteAgent.objects.update(last_seen_at=datetime.now(UTC) - timedelta(minutes=5))
    assert "没有回音" in browser().get(reverse("job-files", args=[uid])).content.decode()
    assert browser().get(reverse("job-file", args=[uid])).status_code == 409


def test_a_page_stops_asking_after_a_minute_and_offers_to_ask_again(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    page = browser().get(f"{reverse('job-files', args=[uid])}?asked=60").content.decode()
    assert "一分钟没有答复" in page
    assert 'hx-trigger="load' not in page


def test_a_preview_reads_the_beginning_or_the_end_and_says_so() -> None:
    text = ("算" * 40_000).encode()
    first = preview_of("train.log", text[:SHOWN_BYTES], 0, len(text))
    assert (first.kind, len(first.text), first.left) == ("text", SHOWN_BYTES // 3, len(text) - SHOWN_BYTES)
    last = preview_of("train.log", text[-SHOWN_BYTES:], len(text) - SHOWN_BYTES, len(text))
    assert last.text == "算" * (SHOWN_BYTES // 3)
    assert last.skipped + last.shown == len(text)
    assert preview_of("a.txt", "中文".encode("gb18030"), 0, 4).text == "中文"
    assert preview_of("a.bin", b"\0\1", 0, 2).kind == "nothing"
    assert preview_of("empty", b"", 0, 0).kind == "text"
    assert preview_of("x.txt", b"\x89PNG\r\n\x1a\n...", 0, 11).media == "image/png"
    assert preview_of("x.svg", b"<svg onload=alert(1)>", 0, 21).kind == "text"
    wide = preview_of("x.csv", b",".join([b"1"] * 40) + b"\n" + b"2," * 39 + b"2", 0, 10**9)
    assert (len(wide.head), wide.columns_left_out, wide.rows, wide.rows_left_out) == (30, 10, [], True)


def test_the_output_is_searched_by_lines_and_downloaded_whole(site: Site) -> None:
    job = submit(site, "sh", "-c", "for i in $(seq 300); do echo epoch $i; done; echo ERROR 坏了; printf last")
    until(site, job.uid, "done")
    found = list(site.client.search_log(job.uid, "error", ignore_case=True))
    assert [(line.number, line.text) for line in found] == [(301, "ERROR 坏了")]
    assert site.client.job_log(job.uid, found[0].offset).text == "ERROR 坏了\nlast".encode()
    assert [line.number for line in site.client.search_log(job.uid, "epoch")] == list(range(1, 301))  # two answers
    assert list(site.client.search_log(job.uid, "error")) == []
    page = browser().get(reverse("job-log", args=[job.uid]), {"q": "ERROR"}).content.decode()
    assert "301: ERROR 坏了" in page
    assert "继续往后找" in browser().get(reverse("job-log", args=[job.uid]), {"q": "epoch"}).content.decode()
    whole = b"".join(browser().get(reverse("job-log", args=[job.uid]), {"download": ""}))
    assert whole == b"".join(site.client.follow_log(job.uid))
    assert browser(2).get(reverse("job-log", args=[job.uid])).status_code == 404


def test_an_archive_names_what_it_leaves_out_by_the_thousand_and_breaks_off_where_there_is_too_much(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = run_with_results(
        site, "cd results; mkdir many; touch 没有收入-not-included.txt; for n in $(seq 1100); do ln -s / many/$n; done"
    )
    address = reverse("job-file", args=[uid])
    with by_itself(site):
        archive = zipfile.ZipFile(io.BytesIO(b"".join(browser().get(address))))
        monkeypatch.setattr("huisuan.compute.jobs.files.streams.MOST_ARCHIVED", 2)
        with pytest.raises(Refused, match="打不成一个包"):
            b"".join(browser().get(reverse("job-file", args=[run_with_results_of_three(site)])))
    *names, told = archive.namelist()
    assert names == ["many/", "没有收入-not-included.txt"]
    assert told != names[-1]
    lines = archive.read(told).decode().splitlines()
    assert (len(lines), lines[1][:5], "100" in lines[-1]) == (1002, "many/", True)


def run_with_results_of_three(site: Site) -> str:
    """The uid of a job that left three files, while the agent works by itself."""
    job = submit(site, "sh", "-c", "touch results/a results/b results/c", outputs="results")
    eventually(lambda: JobOutputs.objects.filter(job=job.uid).exists())
    return job.uid


def test_a_log_of_a_gigabyte_is_previewed_by_its_ends(site: Site) -> None:
    text = "yes '{} line' | head -c 70000 {} results/log"
    script = f"{text.format('first', '>')}; truncate -s 1073741824 results/log; {text.format('last', '>>')}"
    uid = run_with_results(site, script)
    client = browser()
    with by_itself(site):
        page = settled(client, reverse("job-files", args=[uid]))
        (view,) = [
            part.split('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:] if "/files/view" in part
        ]
        first = settled(client, view)
        assert ("1,073,811,824" in first, len(first) < 10 * SHOWN_BYTES) == (True, True)
        assert "last line" in settled(client, f"{view}&end=1")
    assert not FileRequest.objects.filter(content__isnull=False).exists()


def test_an_address_with_a_version_that_is_none_gives_no_empty_file(site: Site) -> None:
    uid = run_with_results(site, "echo 1 > results/a")
    for version in ("x", "1-" + "f" * 17 + "-1", "1--1"):
        assert browser().get(reverse("job-file", args=[uid]), {"path": "a", "version": version}).status_code == 404


def test_folders_that_are_not_listed_are_told_on_the_page(site: Site) -> None:
    deep = "/".join("d" * 250 for _ in range(16))
    uid = run_with_results(site, f"mkdir -p results/{deep}")
    with by_itself(site):
        page = settled(browser(), f"{reverse('job-files', args=[uid])}?path={deep}")
    assert "路径太长" in page
