"""Working directories, packed and checked: whatever reaches outside, is no file, or unfolds to too much is refused."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.compute.jobs.workdirs import archive_safety as archives
from huisuan.compute.jobs.workdirs import pack as packing
from huisuan.compute.jobs.workdirs.archive_safety import check
from huisuan.compute.jobs.workdirs.pack import pack
from support.examples import examples

Fill = Callable[[tarfile.TarFile], None]


def made(fill: Fill, form: int = tarfile.PAX_FORMAT) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as archive:
        fill(archive)
    out.seek(0)
    return out


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"") -> Fill:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(content)
        archive.addfile(info, io.BytesIO(content) if content else None)

    return add


def several(*fills: Fill) -> Fill:
    return lambda archive: [fill(archive) for fill in fills] and None


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_files_folders_and_links_inside_are_taken(form: int) -> None:
    check(
        made(
            several(
                entry("a", tarfile.DIRTYPE),
                entry("a", tarfile.DIRTYPE),
                entry("./a/x.py", content=b"print(1)" * 1000),
                entry("a/" + "n" * 90, content=b"x"),
                entry("empty"),
                entry("a/up", tarfile.SYMTYPE, "../empty"),
                entry("a/same", tarfile.SYMTYPE, "x.py"),
                entry("hard", tarfile.LNKTYPE, "a/x.py"),
            ),
            form,
        )
    )
    check(made(lambda archive: None))


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (entry("/etc/passwd"), "指向目录之外"),
        (entry("../x"), "指向目录之外"),
        (entry("a/../../x"), "指向目录之外"),
        (entry("a\nb"), "控制字符"),
        (entry("n" * 300), "太长"),
        (entry("n/" * 600), "太长"),
        (entry("x", tarfile.CHRTYPE), "设备"),
        (entry("x", tarfile.BLKTYPE), "设备"),
        (entry("x", tarfile.FIFOTYPE), "管道"),
        (entry("x", tarfile.GNUTYPE_SPARSE), "不是完整的 tar.gz|稀疏"),
        (entry("x", tarfile.SYMTYPE, "/etc"), "可能在目录之外"),
        (entry("x", tarfile.SYMTYPE, ".."), "可能在目录之外"),
        (entry("a/x", tarfile.SYMTYPE, "../../y"), "可能在目录之外"),
        (entry("x", tarfile.SYMTYPE, "a/../../y"), "可能在目录之外"),
        (entry("x", tarfile.SYMTYPE, ""), "可能在目录之外"),
        (entry("x", tarfile.LNKTYPE, "nothing"), "不在它之前"),
        (entry("x", tarfile.LNKTYPE, "/etc/passwd"), "指向目录之外"),
        (several(entry("a", tarfile.SYMTYPE, "b"), entry("a/x")), "在链接 a 之下"),
        (several(entry("a/x"), entry("a", tarfile.SYMTYPE, "b")), "在链接 a 之下"),
        (several(entry("a"), entry("a")), "出现了两次"),
        (several(entry("a", tarfile.SYMTYPE, "b"), entry("a", tarfile.DIRTYPE)), "出现了两次"),
        (several(entry("l", tarfile.SYMTYPE, "x"), entry("h", tarfile.LNKTYPE, "l")), "不在它之前"),
    ],
)
def test_what_reaches_outside_or_is_no_file_is_refused(fill: Fill, message: str) -> None:
    with pytest.raises(Refused, match=message):
        check(made(fill))


def test_a_link_through_a_link_and_back_up_cannot_climb_out() -> None:
    # words alone would say: a/b leads to the top, c to a; really c is a/b/.. which is above the top
    climbing = several(
        entry("a", tarfile.DIRTYPE), entry("a/b", tarfile.SYMTYPE, ".."), entry("c", tarfile.SYMTYPE, "a/b/..")
    )
    with pytest.raises(Refused, match="可能在目录之外"):
        check(made(climbing))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        gzip.compress(b"hello"),
        gzip.compress(b"x" * 5000),
        made(entry("a", content=b"x" * 9000)).getvalue()[:-30],
    ],
    ids=["empty", "text", "gzip of a text", "gzip of no tar", "cut off"],  # gzip writes the time: no name for a test
)
def test_what_is_no_whole_tar_gz_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match=r"不是完整的 tar\.gz"):
        check(io.BytesIO(content))


def test_a_damaged_one_is_refused_by_its_checksum() -> None:
    good = bytearray(made(entry("a", content=os.urandom(5000))).getvalue())
    good[-6] ^= 1
    with pytest.raises(Refused, match=r"不是完整的 tar\.gz"):
        check(io.BytesIO(bytes(good)))


def bomb(header: bytes, zeros: int) -> io.BytesIO:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packed:
        packed.write(header)
        for _ in range(zeros // 2**20):
            packed.write(b"\0" * 2**20)
    out.seek(0)
    return out


def header(size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo("x")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def test_a_bomb_is_refused_without_being_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="超过 2 GiB"):
        check(bomb(header(2**40), 2**22))
    with pytest.raises(Refused, match="扩展头"):  # tarfile would read it into memory as a whole
        check(bomb(header(2**25, tarfile.XHDTYPE), 2**25))
    monkeypatch.setattr(archives, "MOST_UNPACKED", 2**22)
    with pytest.raises(Refused, match="GiB"):
        check(bomb(b"\0" * 1024, 2**23))  # after the end of the archive
    monkeypatch.setattr(archives, "MOST_ENTRIES", 3)
    with pytest.raises(Refused, match="超过 3 个文件"):
        check(made(several(*(entry(str(n)) for n in range(4)))))


def test_packing_the_same_folder_again_gives_the_same_bytes_and_they_are_safe(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"code{number}"
        for name in ["b.py", "a.py"][:: 1 if number == 1 else -1]:
            (folder / "sub").mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name, encoding="utf-8")
        (folder / "sub" / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
        (folder / "sub" / "run.sh").chmod(0o700 + number)
        (folder / "sub" / "link").symlink_to("../a.py")
        (folder / "空 格'$(x)").write_text("", encoding="utf-8")
        os.utime(folder / "a.py", (number, number))
    first, second = (pack(tmp_path / f"code{number}", tmp_path / f"{number}.tgz") for number in (1, 2))
    assert (first.sha256, first.entries, first.size) == (second.sha256, 6, second.size)
    with first.file.open("rb") as file:
        check(file)
    with tarfile.open(first.file) as archive:
        assert archive.getnames() == ["a.py", "b.py", "sub", "空 格'$(x)", "sub/link", "sub/run.sh"]
        assert archive.getmember("sub/run.sh").mode == 0o755


def test_huisuanignore_leaves_out_names_folders_and_paths(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    for name in ["keep.py", "big.ckpt", "data/x", "sub/data/y", "sub/keep.txt", "sub/logs", "logs/z", ".git/config"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    (folder / ".huisuanignore").write_text("# 注释\n*.ckpt\n/data\nlogs/\n", encoding="utf-8")
    with tarfile.open(pack(folder, tmp_path / "x.tgz").file) as archive:
        assert sorted(archive.getnames()) == ["keep.py", "sub", "sub/data", "sub/data/y", "sub/keep.txt", "sub/logs"]
    (folder / ".huisuanignore").write_text("*.ckpt\n!best.ckpt\n", encoding="utf-8")
    with pytest.raises(Refused, match="第 2 行：不支持以 ! 重新收入"):
        pack(folder, tmp_path / "x.tgz")


def test_a_folder_that_cannot_be_packed_says_which_file_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "code"
    with pytest.raises(Refused, match="不是文件夹"):
        pack(folder, tmp_path / "x.tgz")
    folder.mkdir()
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="out 指向工作目录之外的 /etc/passwd"):
        pack(folder, tmp_path / "x.tgz")
    (folder / "out").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(Refused, match="pipe 不是普通文件"):
        pack(folder, tmp_path / "x.tgz")
    (folder / "pipe").unlink()
    (folder / "big").write_bytes(os.urandom(10_000))
    monkeypatch.setattr(packing, "MOST_PACKED_BYTES", 1000)
    with pytest.raises(Refused, match=r"太大.*\.huisuanignore"):
        pack(folder, tmp_path / "x.tgz")


@settings(max_examples=examples(30))
@given(data=st.binary(max_size=2000), cut=st.integers(0, 2000), flip=st.integers(0, 10_000))
def test_whatever_arrives_is_taken_or_refused_and_nothing_else(data: bytes, cut: int, flip: int) -> None:
    good = bytearray(made(several(entry("a", content=data or b"x"), entry("b", tarfile.SYMTYPE, "a"))).getvalue())
    good[flip % len(good)] ^= 1 << (flip % 8)
    for content in (bytes(good), bytes(good)[:cut], data, gzip.compress(data)):
        with suppress(Refused):
            check(io.BytesIO(content))
