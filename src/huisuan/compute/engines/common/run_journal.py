"""What an engine writes down of its runs: a folder a run, files of JSON that are there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from huisuan.base.tree_removal import remove_tree
from huisuan.compute.engines.interface import Observation, RunState


def observation_to_dict(observation: Observation) -> dict[str, Any]:
    """An observation as a note keeps it: times in ISO 8601."""
    kept = asdict(observation)
    return kept | {key: kept[key] and kept[key].isoformat() for key in ("started_at", "ended_at")}


def parse_observation(kept: Mapping[str, Any]) -> Observation:
    """The observation of a note."""
    times = {key: kept[key] and datetime.fromisoformat(kept[key]) for key in ("started_at", "ended_at")}
    return Observation(**{**kept, **times, "state": RunState(kept["state"])})


class RunJournal:
    """The notes of all runs under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def place(self, run: str) -> Path:
        """The run's own folder.

        Raises:
            ValueError: the run's name is no name of a folder.
        """
        if not run or "/" in run or run.startswith("."):
            raise ValueError(f"作业名格式不对：{run!r}")
        return self.folder / run

    def runs(self) -> Iterator[str]:
        """Names of the runs of which there are notes."""
        return (path.name for path in self.folder.iterdir() if path.is_dir())

    def read(self, run: str, note: str) -> dict[str, Any]:
        """A note; empty where there is none."""
        try:
            found: dict[str, Any] = json.loads((self.place(run) / note).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return found

    def write(self, run: str, note: str, content: Mapping[str, Any]) -> None:
        """Write a note; it is on the disk before anyone relies on it."""
        place = self.place(run)
        place.mkdir(exist_ok=True, mode=0o700)
        draft = place / f".{note}.{os.getpid()}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place / note)

    def forget(self, run: str) -> None:
        """Throw the run's folder away."""
        remove_tree(self.place(run))
