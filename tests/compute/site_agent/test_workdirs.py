"""Working directories at a centre: whatever was packed, nothing leaves its folder."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.compute.site_agent import workdirs
from huisuan.compute.site_agent.workdirs import UnpackableArchive, WorkdirStore
from huisuan.protocol.agent import Piece

UID = "01m8558jnns7cryxk3r3r51yjp"


@pytest.fixture
def store(tmp_path: Path) -> WorkdirStore:
    return WorkdirStore(tmp_path / "agent")


def packed(*members: tuple[str, dict[str, object], bytes]) -> bytes:
    """An archive of members: name, attributes, content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, attributes, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in attributes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def piece(content: bytes, offset: int, length: int, name: str = "") -> Piece:
    return Piece(
        sha256=name or hashlib.sha256(content).hexdigest(), offset=offset, size=len(content),
        content=base64.b64encode(content[offset : offset + length]),
    )  # fmt: skip


def here(store: WorkdirStore, content: bytes) -> str:
    store.receive(piece(content, 0, len(content)))
    return hashlib.sha256(content).hexdigest()


def test_an_archive_comes_in_pieces_and_is_continued_after_a_restart(store: WorkdirStore, tmp_path: Path) -> None:
    content = packed(("a", {}, b"x" * 1000))
    sha256 = hashlib.sha256(content).hexdigest()
    store.receive(piece(content, 0, 50))
    store.receive(piece(content, 0, 50))  # the reply was lost, say
    store.receive(piece(content, 60, 9))  # ahead of what is here
    again = WorkdirStore(tmp_path / "agent")
    assert [(each.sha256, each.offset) for each in again.missing_parts([sha256, sha256])] == [(sha256, 50)]
    again.receive(piece(content, 50, len(content)))
    assert again.has(sha256)
    assert again.missing_parts([sha256]) == []


def test_an_archive_that_is_not_what_its_name_says_is_fetched_anew(store: WorkdirStore) -> None:
    content = packed(("a", {}, b"x"))
    name = "0" * 64
    store.receive(piece(content, 0, len(content), name))
    assert not store.has(name)
    assert store.missing_parts([name])[0].offset == 0


def test_it_is_unpacked_once_for_each_run_and_forgotten_with_it(store: WorkdirStore) -> None:
    sha256 = here(
        store,
        packed(
            ("src/main.py", {"mode": 0o755}, b"print()"), ("link", {"type": tarfile.SYMTYPE, "linkname": "src"}, b"")
        ),
    )
    first, second = store.unpack(sha256, UID, 0), store.unpack(sha256, UID, 1)
    assert (first / "src" / "main.py").read_bytes() == b"print()"
    assert (second / "link" / "main.py").exists()
    (first / "out").write_text("kept while it runs")
    assert (store.unpack(sha256, UID, 0) / "out").exists()
    store.remove(UID, 0)
    assert not first.exists()
    store.keep_only([])
    assert not store.has(sha256)


def device(kind: bytes) -> dict[str, object]:
    return {"type": kind, "devmajor": 1, "devminor": 3}


@pytest.mark.parametrize(
    "members",
    [
        [("/etc/evil", {}, b"x")],
        [("../evil", {}, b"x")],
        [("a/../../evil", {}, b"x")],
        [("out", {"type": tarfile.SYMTYPE, "linkname": "/etc"}, b"")],
        [("out", {"type": tarfile.SYMTYPE, "linkname": "../.."}, b"")],
        [("out", {"type": tarfile.LNKTYPE, "linkname": "../../memory.sqlite3"}, b"")],
        [("in", {"type": tarfile.SYMTYPE, "linkname": "."}, b""), ("in/evil", {}, b"x")],
        [("null", device(tarfile.CHRTYPE), b"")],
        [("disk", device(tarfile.BLKTYPE), b"")],
        [("pipe", {"type": tarfile.FIFOTYPE}, b"")],
    ],
    ids=[
        "absolute",
        "parent",
        "parent inside",
        "link out",
        "link up",
        "hard link out",
        "through a link",
        "device",
        "disk",
        "pipe",
    ],
)
def test_what_leads_out_or_is_no_file_is_refused_and_leaves_nothing(
    store: WorkdirStore, tmp_path: Path, members: list[tuple[str, dict[str, object], bytes]]
) -> None:
    sha256 = here(store, packed(("good", {}, b"x"), *members))
    with pytest.raises(UnpackableArchive, match="归档不安全"):
        store.unpack(sha256, UID, 0)
    assert list((tmp_path / "agent" / "work").iterdir()) == []
    found = [name for _, folders, files in os.walk(tmp_path) for name in folders + files]  # the trash empties meanwhile
    assert "evil" not in found


@pytest.mark.parametrize(
    ("limit", "value"), [("MOST_FILES", 2), ("MOST_UNPACKED_BYTES", 1000)], ids=["too many", "a bomb"]
)
def test_what_unpacks_to_too_much_is_refused(
    store: WorkdirStore, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(workdirs, limit, value)
    sha256 = here(store, packed(*((f"f{at}", {}, b"\0" * 500) for at in range(3))))
    with pytest.raises(UnpackableArchive, match="超过"):
        store.unpack(sha256, UID, 0)


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"no archive", lambda whole: b""]
)
def test_a_damaged_archive_is_refused(store: WorkdirStore, damage: Callable[[bytes], bytes]) -> None:
    sha256 = here(store, damage(packed(("a", {}, bytes(range(256)) * 50))))
    with pytest.raises(UnpackableArchive, match="已损坏"):
        store.unpack(sha256, UID, 0)


def test_a_set_uid_bit_does_not_come_along(store: WorkdirStore) -> None:
    sha256 = here(store, packed(("tool", {"mode": 0o4777, "uid": 0}, b"x")))
    assert (store.unpack(sha256, UID, 0) / "tool").stat().st_mode & 0o7022 == 0


def test_folders_deeper_than_can_be_walked_are_refused_and_nothing_of_them_stays(store: WorkdirStore) -> None:
    content = packed(("a/" * 1500 + "x", {}, b"1"))
    with pytest.raises(UnpackableArchive, match="多于 100 层"):
        store.unpack(here(store, content), UID, 0)
    assert list(store.unpacked.iterdir()) == []
    assert store.unpack(here(store, packed(("a/" * 100 + "x", {}, b"1"))), UID, 0).is_dir()
