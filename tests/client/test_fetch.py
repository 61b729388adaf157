"""Files fetched into a folder: resumed, checked, never outside it; from a real centre, which lies where a test says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Conflict
from huisuan.client import ClientError
from huisuan.client.fetch import PARTS_FOLDER, Fetcher, FetchReport, FileSource
from huisuan.protocol.job_files import ListedFile
from support.command_tree import invoke
from support.local_site import Site, by_itself, results_site, run_with_results, submit, until, working

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(live_server: Any, tmp_path: Path) -> Iterator[Site]:
    yield from results_site(live_server.url, tmp_path / "agent")


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("huisuan.compute.jobs.files.queries", "huisuan.compute.site_agent.files.answering"):
        monkeypatch.setattr(f"{module}.FILE_PIECE_BYTES", 1000)


def fetch(site: Site, uid: str, target: Path, *paths: str, **rest: Any) -> FetchReport:
    """Fetch while the agent works by itself."""
    with by_itself(site):
        return Fetcher(site.client, FileSource(uid), target, **rest).fetch(paths or [""])


def test_a_tree_arrives_with_its_links_and_what_leads_out_is_named(site: Site, tmp_path: Path) -> None:
    script = "cd results; mkdir -p a/b; echo 1 > a/b/c; : > empty; ln -s b a/last; ln -s ../../.. out; mkfifo pipe"
    uid = run_with_results(site, script)
    report = fetch(site, uid, tmp_path / "here")
    assert [(file.path, file.size, file.how) for file in report.files] == [
        ("a/b/c", 2, "fetched"),
        ("empty", 0, "fetched"),
    ]
    assert (tmp_path / "here/a/last/c").read_text() == "1\n"
    assert sorted(path for path, _ in report.skipped) == ["out", "pipe"]
    assert report.failed == []
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["a", "empty"]
    again = fetch(site, uid, tmp_path / "here", "a")
    assert [file.how for file in again.files] == ["unchanged"]


def test_of_several_paths_the_missing_ones_are_named_and_the_others_fetched(site: Site, tmp_path: Path) -> None:
    uid = run_with_results(site, "cd results; echo 1 > a; echo 2 > b; ln -s /etc out")
    report = fetch(site, uid, tmp_path / "here", "a", "gone", "out/passwd", "b")
    assert [file.path for file in report.files] == ["a", "b"]
    assert [(path, code) for path, _, code in report.failed] == [
        ("gone", "files.missing"),
        ("out/passwd", "files.link"),
    ]
    with pytest.raises(ClientError) as refusal:
        fetch(site, uid, tmp_path / "here", "gone")
    assert refusal.value.code == "files.missing"
    for name in ("", "..", "../../etc", f"{uid}/"):  # no address of ours comes of these
        with pytest.raises(ClientError) as refusal:
            site.client.job(name)
        assert (refusal.value.status, refusal.value.code) == (404, "client.name_malformed")


def test_a_fetch_that_broke_off_goes_on_where_it_was(site: Site, tmp_path: Path, small_pieces: None) -> None:
    uid = run_with_results(site, "head -c 5500 /dev/urandom > results/big")
    content = (site.folder / "outputs" / uid / "files/big").read_bytes()
    pieces = 0

    def breaks(count: int) -> None:
        nonlocal pieces
        pieces += count > 0
        if pieces == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(site, uid, tmp_path / "here", on_progress=breaks)
    assert not (tmp_path / "here/big").exists()
    arrived: list[int] = []
    report = fetch(site, uid, tmp_path / "here", on_progress=arrived.append)
    assert [(file.how, file.sha256) for file in report.files] == [("resumed", hashlib.sha256(content).hexdigest())]
    assert (tmp_path / "here/big").read_bytes() == content
    assert arrived[0] == 3000
    assert sum(arrived) == 5500
    assert not (tmp_path / "here" / PARTS_FOLDER).exists()


def test_what_came_of_another_version_is_fetched_anew_and_a_damaged_part_is_thrown_away(
    site: Site, tmp_path: Path, small_pieces: None
) -> None:
    uid = run_with_results(site, "head -c 2500 /dev/urandom > results/big")
    kept = site.folder / "outputs" / uid / "files/big"
    for version, what in (("other", "fetched"), ("", "failed")):
        parts = tmp_path / "here" / PARTS_FOLDER
        parts.mkdir(parents=True)
        name = hashlib.sha256(f"{uid} outputs None big".encode()).hexdigest()[:32]
        (parts / name).write_bytes(b"x" * 1000)
        true = site.client.file_piece(uid, "big", 0, pause=working(site)).version
        (parts / f"{name}.json").write_text(json.dumps({"version": version or true, "size": 2500}))
        report = fetch(site, uid, tmp_path / "here", "big")
        assert [code for _, _, code in report.failed] == ([] if what == "fetched" else ["files.hash_differs"])
        if what == "fetched":
            assert (tmp_path / "here/big").read_bytes() == kept.read_bytes()
            (tmp_path / "here/big").unlink()


def test_what_is_there_already_is_not_overwritten_unless_asked(site: Site, tmp_path: Path) -> None:
    uid = run_with_results(site, "echo new > results/a; echo b > results/b")
    (tmp_path / "a").write_text("mine\n")
    report = fetch(site, uid, tmp_path)
    assert [code for _, _, code in report.failed] == ["files.exists"]
    assert (tmp_path / "a").read_text() == "mine\n"
    assert (tmp_path / "b").read_text() == "b\n"
    assert fetch(site, uid, tmp_path, overwrite=True).failed == []
    assert (tmp_path / "a").read_text() == "new\n"


def test_a_centre_that_lists_what_lies_outside_reaches_nothing_here(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = run_with_results(site, "mkdir results/sub; echo 1 > results/a; echo 1 > results/sub/a")
    here, outside = tmp_path / "here", tmp_path / "outside"
    here.mkdir()
    outside.mkdir()
    (here / "sub").symlink_to(outside)
    listed = [*site.client.list_files(uid, deep=True, pause=working(site))]
    lies = [ListedFile(path=path, kind="file", size=2) for path in ("../x", "/x", "a/../../x", "b\\x00")]
    monkeypatch.setattr(site.client, "list_files", lambda *_, **__: iter([*lies, *listed]))
    report = fetch(site, uid, here)
    assert sorted({code for _, _, code in report.failed}) == ["files.path_malformed", "files.target_in_the_way"]
    assert list(outside.iterdir()) == []
    assert [file.path for file in report.files] == ["a"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "agent") == ["here", "outside"]


def test_the_commands_list_fetch_and_copy_and_fail_where_something_is_missing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_URL", site.url)
    monkeypatch.setenv("HUISUAN_TOKEN", site.client._http.headers["Authorization"].removeprefix("Bearer "))
    monkeypatch.chdir(tmp_path)
    uid = run_with_results(site, "echo 1 > results/a; mkdir results/d; echo 2 > results/d/b; echo Loss 0.5")
    searched = [invoke("job", "logs", uid, "--search", "loss", *more) for more in ((), ("-i",), ("-i", "--json"))]
    assert [result.exit_code for result in searched] == [1, 0, 0]
    assert searched[1].output == "1: Loss 0.5\n"
    assert json.loads(searched[2].stdout)["items"][0]["number"] == 1
    with by_itself(site):
        listing = json.loads(invoke("job", "ls", uid, "--recursive", "--json").stdout)
        assert [item["path"] for item in listing["items"]] == ["a", "d", "d/b"]
        assert "2 个文件" in invoke("job", "ls", uid).output
        done = invoke("job", "get", uid, "--json")
        assert (done.exit_code, (tmp_path / uid / "d/b").read_text()) == (0, "2\n")
        assert invoke("job", "get", uid, "d", "-o", "else").exit_code == 0
        assert [path.name for path in Path("else").iterdir()] == ["d"]
        (tmp_path / uid / "a").write_text("mine")
        refused = invoke("job", "get", uid)
        assert (refused.exit_code, "--overwrite" in refused.output) == (1, True)
        assert invoke("job", "get", uid, "nowhere").exit_code == 1
    job = submit(site, "sh", "-c", "mkdir d; echo 3 > d/x; while [ ! -e stop ]; do sleep 0.05; done")
    until(site, job.uid, "running")
    with by_itself(site):
        assert invoke("job", "cp", f"{job.uid}:d/x", "renamed").exit_code == 0
        assert invoke("job", "cp", f"{job.uid}:d", str(tmp_path)).exit_code == 0
        assert ((tmp_path / "renamed").read_text(), (tmp_path / "d/x").read_text()) == ("3\n", "3\n")
        assert invoke("job", "cp", job.uid, ".").exit_code == 1
        assert invoke("job", "get", job.uid).exit_code == 1  # it declared no results


def listed_as(monkeypatch: pytest.MonkeyPatch, site: Site, *entries: ListedFile) -> None:
    """The centre lists these, whatever there is."""
    monkeypatch.setattr(site.client, "list_files", lambda *_, **__: iter(entries))


def test_links_that_may_lead_out_by_another_link_or_are_no_names_are_left_out_and_told(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = run_with_results(site, "true")
    targets = {
        "here": ".", "here-out": "here/../../secret", "up": "d/../..", "slash": "//etc", "empty": "", "in": "./d/x",
        "d/ok": "../d/x", "d/out": "../../secret", "d/in-out": "in/..",
        "nul": "a\\x00b", "broken": "a\\zz", "long": "n" * 5000,
    }  # fmt: skip
    listed_as(
        monkeypatch, site, *(ListedFile(path=path, kind="link", target=target) for path, target in targets.items())
    )
    report = fetch(site, uid, tmp_path / "here")
    made = sorted(path.relative_to(tmp_path / "here").as_posix() for path in (tmp_path / "here").rglob("*"))
    assert made == ["d", "d/ok", "here", "in"]
    assert sorted(path for path, _ in report.skipped) == [
        "d/in-out", "d/out", "empty", "here-out", "slash", "up",
    ]  # fmt: skip
    assert {path: code for path, _, code in report.failed} == {
        "nul": "files.path_malformed", "broken": "files.path_malformed", "long": "files.cannot_write",
    }  # fmt: skip


def test_two_files_for_one_place_and_files_that_nobody_asked_for_are_told_and_not_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = run_with_results(site, "mkdir results/a results/b; echo 1 > results/a/x; echo 2 > results/b/x")
    here = tmp_path / "here"
    with by_itself(site):
        fetcher = Fetcher(site.client, FileSource(uid), here)
        report = fetcher.fetch_to([("a/x", "x"), ("b/x", "x"), ("a/x", "x")])
        assert [code for _, _, code in report.failed] == ["files.two_to_one"]
        assert [file.path for file in report.files] == ["a/x"]
        assert (here / "x").read_text() == "1\n"
        listed_as(monkeypatch, site, ListedFile(path="b/x", kind="file", size=2))
        report = fetcher.fetch(["a"])
    assert [code for _, _, code in report.failed] == ["files.not_asked_for"]
    assert [path.name for path in here.iterdir()] == ["x"]


def test_a_list_without_end_is_broken_off(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.client.fetch._MOST_LISTED", 50)
    listed_as(monkeypatch, site, *(ListedFile(path=f"{number}", kind="other") for number in range(51)))
    with pytest.raises(Conflict, match="超过 50 个文件"):
        fetch(site, run_with_results(site, "true"), tmp_path / "here")
