"""Files over HTTP, on a real platform: whole or refused, never cut; never held in memory as a whole."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from huisuan.serving.http.body import BodyRefused, receive_body
from huisuan.serving.http.limits import RequestLimit
from support.attacked_platform import Attacked, attacked

pytestmark = pytest.mark.db
MIB = 1024 * 1024
LIMIT = 200 * MIB
TESTS = str(Path(__file__).parents[1])
CENTRE = (
    "from huisuan.serving import database; database.prepare_database(); "
    "from support.usage_records import centre; centre()"
)
HEADER = "JobIDRaw|Cluster|User|Account|Partition|State|Submit|Start|End|AllocTRES\n"
JOB = (
    "{0}{1}|ah|zhang|lab|gpu|COMPLETED|2024-03-01T08:00:00|2024-03-01T09:00:00|2024-03-01T10:00:00|"
    "cpu=8,gres/gpu:a800=1,gres/gpu=1\n"
)


@pytest.fixture(scope="module")
def platform() -> Iterator[Attacked]:
    with attacked(HUISUAN_IMPORT_BYTES=str(LIMIT), HUISUAN_READING_MEMORY="200MB") as running:
        code = subprocess.run(
            [sys.executable, "-c", CENTRE], env={**running.environment, "PYTHONPATH": TESTS}, check=False
        ).returncode
        assert code == 0
        yield running


def send(platform: Attacked, content: bytes | Iterator[bytes], headers: dict[str, str]) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=300) as client:
        asked = {"Authorization": f"Bearer {platform.token}", **headers}
        return client.post(f"{platform.url}/api/v1/usage/import", content=content, headers=asked)


def form(file: bytes, **fields: str) -> tuple[bytes, dict[str, str]]:
    """The bytes of a form with a file, and its headers."""
    files = {"file": ("usage.txt", file)}
    asked = httpx.Request("POST", "http://x", data={"centre": "c1", "format": "sacct", **fields}, files=files)
    return asked.read(), {"Content-Type": asked.headers["content-type"]}


def records(platform: Attacked) -> int:
    return len(platform.get("/api/v1/usage?limit=1000").json()["items"])


def grown(platform: Attacked) -> int:
    """The most memory of its own that the web has held so far."""
    ours = [psutil.Process(platform.web), *psutil.Process(platform.web).children(recursive=True)]
    lines = [line for one in ours for line in Path(f"/proc/{one.pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def test_a_file_far_larger_than_evidence_may_be_is_imported_whole_and_not_held_in_memory(platform: Attacked) -> None:
    """It was cut after 20 MiB, and the answer was 200."""
    jobs = "".join(JOB.format(number, "") for number in range(1000))
    steps = "".join(JOB.format(number % 1000, f".{number}") for number in range(1_100_000)).encode()
    body, headers = form(HEADER.encode() + steps + jobs.encode())
    assert 100 * MIB < len(body) < LIMIT
    before = grown(platform)
    said = send(platform, body, headers).json()
    assert (said["new"], said["steps"], said["refused"]) == (1000, 1_100_000, 0)
    assert records(platform) == 1000
    assert grown(platform) - before < 4 * len(
        body
    )  # what DuckDB and Arrow may keep is bounded by settings, not by the file


def test_more_than_the_limit_is_413_with_the_limit_and_nothing_is_stored(platform: Attacked) -> None:
    had = records(platform)
    body, headers = form(HEADER.encode() + JOB.format(7_000_001, "").encode() + b"\n" * LIMIT)
    told = send(platform, body, {**headers, "Content-Length": str(len(body))})
    assert told.status_code == 413
    assert str(LIMIT) in told.json()["detail"]
    unsaid = send(platform, (body[at : at + MIB] for at in range(0, len(body), MIB)), headers)
    assert unsaid.status_code == 413
    assert records(platform) == had


def test_a_small_request_elsewhere_has_its_own_limit(platform: Attacked) -> None:
    with httpx.Client(trust_env=False) as client:
        told = client.post(f"{platform.url}/api/v1/login", content=b" " * (3 * MIB))
    assert told.status_code == 413
    assert "2 MiB" in told.json()["detail"]


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
def test_content_that_is_not_what_its_digest_says_is_refused(platform: Attacked, name: str) -> None:
    had = records(platform)
    body, headers = form((HEADER + JOB.format(7_000_002, "")).encode())
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert send(platform, body, {**headers, name: f"sha-256=:{wrong}:"}).status_code == 400
    assert send(platform, body, {**headers, name: "sha-256=:?:"}).status_code == 400
    assert send(platform, body, {**headers, name: f"sha-256={wrong}"}).status_code == 400
    assert records(platform) == had


def test_a_file_that_is_not_what_the_form_says_is_refused(platform: Attacked) -> None:
    had = records(platform)
    file = (HEADER + JOB.format(7_000_003, "")).encode()
    body, headers = form(file, sha256="0" * 64)
    told = send(platform, body, headers)
    assert (told.status_code, records(platform)) == (422, had)
    assert hashlib.sha256(file).hexdigest() in told.json()["detail"]
    body, headers = form(file, sha256=hashlib.sha256(file).hexdigest())
    right = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert send(platform, body, {**headers, "Content-Digest": f"sha-256=:{right}:"}).json()["new"] == 1


def test_a_form_that_breaks_off_stores_nothing(platform: Attacked) -> None:
    had = records(platform)
    body, headers = form((HEADER + JOB.format(7_000_004, "")).encode())
    with platform.socket() as broken:
        head = (
            f"POST /api/v1/usage/import HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {platform.token}\r\n"
            f"Content-Type: {headers['Content-Type']}\r\nContent-Length: {len(body) + 100}\r\n\r\n"
        )
        broken.sendall(head.encode() + body)
    assert records(platform) == had


@pytest.mark.parametrize("pieces", [b"-1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\nzz\r\n", b"FFFFFFFFFFFFFFFFF\r\n{}\r\n"])
def test_pieces_that_are_none_are_the_senders_fault(platform: Attacked, pieces: bytes) -> None:
    with platform.socket() as connection:
        connection.sendall(
            b"POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert connection.recv(65536) == b""


def test_a_body_leaves_the_room_that_the_database_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    monkeypatch.setenv("HUISUAN_DISK_FREE_MIB", str(10**9))
    asked: list[int] = []

    async def receive() -> dict[str, object]:
        asked.append(1)
        return {"type": "http.request", "body": bytes(MIB), "more_body": len(asked) < 50}

    with pytest.raises(BodyRefused) as refused:
        asyncio.run(receive_body(receive, {"transfer-encoding": "chunked"}, RequestLimit(LIMIT)))
    assert (refused.value.status, len(asked)) == (507, 2)
