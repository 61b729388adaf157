"""Whatever a job leaves in a folder, the folder can be removed, and removing it holds nobody up."""

from __future__ import annotations

from pathlib import Path

import pytest

from huisuan.base.tree_removal import discard_tree, empty_trash, remove_tree
from support.hostile_trees import WORST_NAME, deep_tree
from support.jobs import eventually


@pytest.mark.slow
@pytest.mark.parametrize(("levels", "name"), [(2500, b"d"), (60, WORST_NAME)])
def test_a_folder_of_any_depth_is_removed(tmp_path: Path, levels: int, name: bytes) -> None:
    deep_tree(tmp_path / "run", levels, name)
    assert remove_tree(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_its_owner_may_not_look_into_is_removed(tmp_path: Path) -> None:
    inner = tmp_path / "run" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "x").write_text("x")
    inner.chmod(0)
    inner.parent.chmod(0)
    assert remove_tree(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_links_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    run = tmp_path / "run"
    (run / "a" / "b").mkdir(parents=True)
    for link in (run / "out", run / "a" / "out", run / "a" / "b" / "out"):
        link.symlink_to(outside)
    assert remove_tree(run)
    assert outside.stat().st_mode & 0o777 == 0o500
    (tmp_path / "link").symlink_to(outside)
    assert not remove_tree(tmp_path / "link")
    assert outside.exists()
    assert remove_tree(tmp_path / "never")


@pytest.mark.slow
def test_what_is_discarded_is_gone_at_once_and_removed_by_and_by(tmp_path: Path) -> None:
    deep_tree(tmp_path / "run", 1500)
    (tmp_path / "run").chmod(0o100)
    assert discard_tree(tmp_path / "run", tmp_path / "trash")
    assert not (tmp_path / "run").exists()
    eventually(lambda: not (tmp_path / "trash").exists())
    assert discard_tree(tmp_path / "run", tmp_path / "trash")  # there is none: gone


def test_what_a_killed_process_had_discarded_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / "trash").mkdir()
    deep_tree(tmp_path / "trash" / "0123", 3)
    assert empty_trash(tmp_path / "trash") == 1
    eventually(lambda: not (tmp_path / "trash").exists())
    assert empty_trash(tmp_path / "trash") == 0
