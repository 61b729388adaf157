"""A policy with one thing changed, shared by the tests of the law."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from huisuan.law.policy.load import load_policy


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of the policy in which one text of one file is replaced."""

    def change(file: str, old: str, new: str) -> Path:
        folder = tmp_path / "anhui-agi-2023"
        shutil.copytree(load_policy("anhui-agi-2023").folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return change
