"""Results are kept, counted and removed whatever a job put into them, and however it moves meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.site_agent.files import kept as kept_module
from huisuan.compute.site_agent.files.answering import FileDesk
from huisuan.compute.site_agent.files.kept import ABOUT, OVER_QUOTA_DAYS, KeptOutputs, Quota
from support.hostile_trees import deep_tree, sparse_file
from support.jobs import eventually

UID, DAY = "01m8558jnns7cryxk3r3r51yjp", 24 * 3600


@pytest.fixture
def kept(tmp_path: Path) -> KeptOutputs:
    return KeptOutputs(tmp_path / "agent", Quota())


def taken(kept: KeptOutputs, work: Path, fill: Any = None, outputs: str = "results") -> Path:
    """The kept files of a run that is over."""
    work.mkdir()
    kept.expect(UID, 0, outputs, work)
    if fill:
        fill(work / outputs)
    kept.take(UID, 0, work, 1000)
    return kept.place / UID / "files"


def test_results_too_deep_to_be_fetched_are_measured_over_quota_and_removed_after_a_day(
    kept: KeptOutputs, tmp_path: Path
) -> None:
    taken(kept, tmp_path / "work", lambda place: deep_tree(place / "d", 1500))
    kept.measure(UID, 0)
    (report,) = kept.unreported()
    assert (report.over_quota, report.files) == (True, 99)
    assert "没有数完" in report.note
    assert kept.remove_expired(1000 + OVER_QUOTA_DAYS * DAY) == [UID]
    assert list(kept.place.iterdir()) == []
    eventually(lambda: not kept.trash.exists())


def test_sparse_files_that_add_up_to_more_than_a_number_holds_are_reported(
    kept: KeptOutputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "_MOST_SIZE", 20 * 2**40)
    taken(kept, tmp_path / "work", lambda place: [sparse_file(place / name, 15 * 2**40) for name in "ab"])
    kept.measure(UID, 0)
    assert [(report.size, report.over_quota) for report in kept.unreported()] == [(20 * 2**40, True)]


def test_no_more_is_counted_than_is_kept_and_folders_count(
    kept: KeptOutputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_MEASURED", 10)
    taken(kept, tmp_path / "work", lambda place: [(place / str(number)).mkdir() for number in range(11)])
    kept.measure(UID, 0)
    assert [(report.files, report.over_quota) for report in kept.unreported()] == [(0, True)]


def test_a_link_put_on_the_way_in_the_last_moment_moves_nothing_of_anybody_else(
    kept: KeptOutputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    (secret / "results").mkdir(parents=True)
    (secret / "results" / "key").write_text("of another user")
    rename, work = os.rename, tmp_path / "work"

    def swapped(source: Any, target: Any, **more: Any) -> None:
        monkeypatch.setattr(kept_module.os, "rename", rename)
        (work / "a").rename(work / "b")
        (work / "a").symlink_to(secret)
        rename(source, target, **more)

    monkeypatch.setattr(kept_module.os, "rename", swapped)
    place = taken(kept, work, lambda place: (place / "mine").write_text("1"), outputs="a/results")
    assert [path.name for path in place.iterdir()] == ["mine"]
    assert (secret / "results" / "key").exists()


def test_a_link_put_in_the_place_of_the_results_in_the_last_moment_is_not_kept(
    kept: KeptOutputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, work = os.rename, tmp_path / "work"

    def swapped(source: Any, target: Any, **more: Any) -> None:
        monkeypatch.setattr(kept_module.os, "rename", rename)
        (work / "results").rmdir()
        (work / "results").symlink_to("/etc")
        rename(source, target, **more)

    monkeypatch.setattr(kept_module.os, "rename", swapped)
    place = taken(kept, work)
    assert not os.path.lexists(place)
    kept.measure(UID, 0)
    (report,) = kept.unreported()
    assert "是链接" in report.note


def test_a_link_in_the_uploaded_folder_is_no_results_folder(kept: KeptOutputs, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a").symlink_to("/tmp")
    with pytest.raises(ValueError, match="是链接"):
        kept.expect(UID, 0, "a/results", work)
    (work / "file").touch()
    with pytest.raises(ValueError, match="不是文件夹"):
        kept.expect(UID, 0, "file", work)


def test_a_measure_that_cannot_be_written_down_is_told_and_tried_again_later(kept: KeptOutputs, tmp_path: Path) -> None:
    taken(kept, tmp_path / "work", lambda place: (place / "a").write_text("12345"))
    in_the_way = (kept.place / UID / ABOUT).with_suffix(".new")
    in_the_way.mkdir()  # as a full disk would be
    said: list[str] = []
    clock = [0.0]
    desk = FileDesk(kept, lambda *_: None, said.append, steady=lambda: clock[0])
    desk.measure_kept()
    eventually(lambda: said)
    assert "IsADirectoryError" in said[0]
    desk.measure_kept()
    assert kept.unreported() == []
    in_the_way.rmdir()
    clock[0] = 100.0
    eventually(lambda: (desk.measure_kept(), kept.unreported())[1])
    assert [report.size for report in kept.unreported()] == [5]
    assert len(said) == 1


def test_an_agent_starts_though_what_it_had_written_of_some_results_is_damaged(
    kept: KeptOutputs, tmp_path: Path
) -> None:
    taken(kept, tmp_path / "work", lambda place: (place / "a").write_text("1"))
    for damaged in ("{", "[]", '{"uid": 1}', ""):
        (kept.place / UID / ABOUT).write_text(damaged)
        again = KeptOutputs(tmp_path / "agent", Quota())
        assert again.unmeasured() == []
        assert again.find(UID, 0) is not None  # still fetched
    changed = (kept.place / UID).stat().st_mtime
    again.remove_expired(changed + 29 * DAY)
    assert (kept.place / UID).exists()
    again.remove_expired(changed + 30 * DAY)
    assert not (kept.place / UID).exists()
