"""Which worker runs what: whole files, the longest first.

Test by test the workers took turns, and both built what a file shares: a province of the pages, a browser, a running
platform.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

#: given out as one: what the tests of a folder share is made once, and two Rays of one machine end each other
WHOLE_FOLDERS = ("tests/system/ray/", "tests/serving/backup/", "tests/architecture/")
#: given out test by test: they share nothing within a file, or each worker has a cluster of its own
SPLIT = ("tests/system/slurm/", "tests/law/cases/", "tests/test_routes.py")
#: given out first, so that no worker starts a long file when the other has none left
LONGEST = (
    "tests/law/sql/test_spark_agrees.py", "tests/system/ray/", "tests/system/slurm/", "tests/system/",
    "tests/serving/", "tests/attacks/", "tests/portal/", "tests/compute/site_agent/", "tests/compute/",
)  # fmt: skip


def longest_first(items: list[pytest.Item]) -> None:
    """Sort them; within a folder the order stays."""
    items.sort(
        key=lambda item: next((n for n, folder in enumerate(LONGEST) if item.nodeid.startswith(folder)), len(LONGEST))
    )


class FileByFile(LoadScopeScheduling):
    """Gives out files, folders or single tests, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        for folder in WHOLE_FOLDERS:
            if nodeid.startswith(folder):
                return folder
        file, *rest = nodeid.partition("[")[0].split("::")
        if not nodeid.startswith(SPLIT):
            return file
        return f"{file}::{rest[0]}" if len(rest) > 1 else nodeid  # the tests of a class share its fixtures
