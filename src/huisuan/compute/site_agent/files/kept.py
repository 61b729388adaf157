"""Results of runs that are over: moved out of the way of the clean-up, measured, kept for their days.

One folder a run under `outputs/`: `about.json`, and `files` once it is over. Moving is a rename on one file system, so
that a result of any size is kept in an instant, whole or not at all.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from huisuan.base.text_length import shortened
from huisuan.base.tree_removal import TRASH_FOLDER, discard_tree
from huisuan.compute.engines.interface import run_name
from huisuan.compute.site_agent.files.listing import MeasuredTree, measure_folder
from huisuan.compute.site_agent.files.tree import FileProblem, Root, make_folder, open_folder
from huisuan.protocol.agent_files import OutputsReport
from huisuan.protocol.file_names import MOST_DEPTH, path_to_names

ABOUT, FILES = "about.json", "files"
_DAY = 24 * 3600
OVER_QUOTA_DAYS = 1  # for what is larger than the centre keeps: long enough to fetch it, never cut
MOST_MEASURED = 1_000_000  # files and folders
_MOST_SIZE = 2**62  # sparse files can add up to more than anyone counts
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quota:
    """What a centre keeps: for how many days, and how many bytes of one run."""

    days: int = 30
    bytes_a_run: int = 20 * 2**30

    def __str__(self) -> str:
        most = f"{self.bytes_a_run / 2**30:g} GiB"
        return f"结果文件夹保留 {self.days} 天；一次运行超过 {most} 的，只留 {OVER_QUOTA_DAYS} 天"


@dataclass(frozen=True)
class KeptRun:
    """What is known of a run's results; times in seconds since 1970, `size` in bytes.

    `kept_at` 0: the run is not over. `files` None: not measured yet. `noted`: the platform has the report.
    """

    uid: str
    run: int
    folder: str
    kept_at: int = 0
    kept_until: int = 0
    files: int | None = None
    size: int = 0
    over_quota: bool = False
    note: str = ""
    noted: bool = False


class KeptOutputs:
    """The results under `folder`/outputs."""

    def __init__(self, folder: Path, quota: Quota) -> None:
        self.place, self.trash, self.quota = folder / "outputs", folder / TRASH_FOLDER, quota
        self.place.mkdir(parents=True, exist_ok=True)
        self.place.chmod(0o700)  # a run's results are seen through the platform, not by other jobs
        found = (_load(place) for place in sorted(self.place.iterdir()))
        self._runs = {run_name(about.uid, about.run): about for about in found if about}  # what is on the disk

    def expect(self, uid: str, run: int, folder: str, workdir: Path) -> None:
        """Note where a run that is about to start leaves its results, and make that folder for it.

        Raises:
            ValueError: there is something else of that name in what the user packed.
        """
        place = self.place / run_name(uid, run)
        place.mkdir(mode=0o700, exist_ok=True)
        if not (place / ABOUT).exists():
            self._save(KeptRun(uid, run, folder))
        try:
            make_folder(Root(workdir), path_to_names(folder))
        except FileProblem as problem:
            raise ValueError(f"结果文件夹 outputs={folder}：上传的工作目录里，{problem}") from None

    def take(self, uid: str, run: int, workdir: Path, now: int) -> None:
        """The run is over: keep what lies in its results folder. Does nothing for one that declared none."""
        about = self._runs.get(run_name(uid, run))
        if about is None or about.kept_at:
            return
        place = self.place / run_name(uid, run)
        note = ""
        if not (place / FILES).exists():  # else: moved, and killed before that was noted
            try:
                self._move(workdir, about.folder, place / FILES)
            except FileProblem as problem:
                note = str(problem)
            except OSError as error:
                note = f"结果文件夹没能留下：{error.strerror or error}"
        self._save(replace(about, kept_at=now, kept_until=now + self.quota.days * _DAY, note=shortened(note, 500)))

    def measure(self, uid: str, run: int) -> None:
        """Count what was kept; what is over the quota is kept for a day only. May take long: not for the loop.

        Raises:
            OSError: it cannot be written down (a full disk): to be tried again.
        """
        about = self._runs.get(run_name(uid, run))
        if about is None or not about.kept_at or about.files is not None:
            return
        found, note = MeasuredTree(0, 0, True), about.note
        if (place := self.find(uid, run)) is not None:
            try:
                found = measure_folder(place, MOST_MEASURED)
            except OSError as error:
                note = note or f"结果文件夹打不开：{error.strerror or error}"
        if not found.whole:
            note = note or f"文件太多（超过 {MOST_MEASURED:,} 个）或文件夹太深（超过 {MOST_DEPTH} 层），没有数完"
        over = found.size > self.quota.bytes_a_run or not found.whole
        until = about.kept_at + (OVER_QUOTA_DAYS if over else self.quota.days) * _DAY
        size = min(found.size, _MOST_SIZE)
        self._save(replace(about, files=found.files, size=size, over_quota=over, kept_until=until, note=note))

    def find(self, uid: str, run: int) -> Path | None:
        """The folder of a run's kept results; None where it is not over, or there are none."""
        place = self.place / run_name(uid, run) / FILES
        return place if place.is_dir() and not place.is_symlink() else None

    def unmeasured(self) -> list[tuple[str, int]]:
        """Runs whose results are kept and not measured yet."""
        return [(about.uid, about.run) for about in list(self._runs.values()) if about.kept_at and about.files is None]

    def unreported(self) -> list[OutputsReport]:
        """What the platform has not noted yet."""
        return [
            OutputsReport(
                uid=about.uid, run=about.run, files=about.files, size=about.size, over_quota=about.over_quota,
                note=about.note, kept_until=datetime.fromtimestamp(about.kept_until, UTC),
            )
            for about in list(self._runs.values()) if about.files is not None and not about.noted
        ][:100]  # fmt: skip

    def record_noted(self, uid: str, run: int) -> None:
        """The platform has the report."""
        if (about := self._runs.get(run_name(uid, run))) is not None:
            self._save(replace(about, noted=True))

    def remove_expired(self, now: float) -> list[str]:
        """Remove the results whose days are over; the runs' names. Also those of which nothing is known any more."""
        for place in self.place.iterdir():
            if place.name not in self._runs and place.lstat().st_mtime + self.quota.days * _DAY <= now:
                discard_tree(place, self.trash)
        late = [name for name, about in list(self._runs.items()) if about.kept_at and about.kept_until <= now]
        gone = [name for name in late if discard_tree(self.place / name, self.trash)]
        for name in gone:
            del self._runs[name]
        return gone

    def _move(self, workdir: Path, folder: str, target: Path) -> None:
        """Move a folder out of what a job may still be writing to: by its name in a folder that is held open.

        Raises:
            FileProblem: it is no folder, or a link is on the way.
            OSError: it cannot be moved.
        """
        *above, name = path_to_names(folder)
        with open_folder(Root(workdir), tuple(above)) as handle, open_folder(Root(workdir), path_to_names(folder)):
            os.rename(name, os.fsencode(target), src_dir_fd=handle)
        if not stat.S_ISDIR(target.lstat().st_mode):  # put there between the look and the move
            is_link = target.is_symlink()
            target.unlink()
            raise FileProblem("link" if is_link else "file", path_to_names(folder))

    def _save(self, about: KeptRun) -> None:
        path = self.place / run_name(about.uid, about.run) / ABOUT
        draft = path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(about), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        self._runs[run_name(about.uid, about.run)] = about


def _load(place: Path) -> KeptRun | None:
    """What is known of a run's results; None where nothing is, or what was written is damaged: that is logged."""
    try:
        return KeptRun(**json.loads((place / ABOUT).read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        log.warning("%s: %s", place / ABOUT, error)
        return None
