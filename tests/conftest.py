"""One private PostgreSQL for the whole test run, in a folder of its own; each worker has its own database in it.

Both go when the run ends, also where it is killed (`support.run_folder`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from support.run_folder import guard, new_run_folder

RAY = "tests/system/ray/"

if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["HUISUAN_HOME"] = str(new_run_folder())
os.environ.pop("DATABASE_URL", None)
# here and not in pyproject.toml: pytest-django would read the settings before the lines above
os.environ["DJANGO_SETTINGS_MODULE"] = "huisuan.serving.settings"


settings.register_profile("house", deadline=None)  # a busy machine is no failed test
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Start it before Django looks for it."""
    import django

    from huisuan.serving import database

    if "PYTEST_XDIST_WORKER" not in os.environ:
        guard(Path(os.environ["HUISUAN_HOME"]))
    database.start()
    django.setup()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it and remove its folder, when the run that made it ends."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    from huisuan.serving import postmaster
    from huisuan.serving.database import let_go, private_directory

    let_go()
    postmaster.end(private_directory())  # where workers were killed, whose names stand on its list of users
    shutil.rmtree(Path(os.environ["HUISUAN_HOME"]), ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker has all tests of the real Ray: two Rays of one machine end each other."""
    from xdist.scheduler import LoadScopeScheduling

    class OneRay(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return RAY if nodeid.startswith(RAY) else nodeid

    return OneRay(config, log)


@pytest.fixture(autouse=True)
def placement_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a pass is slow, and a slow pass rests: what a test submits must be placed all the same."""
    from huisuan.compute.dispatch import scheduling_cycle as dispatch

    monkeypatch.setattr(dispatch, "RESTS", 0)
    monkeypatch.setattr(dispatch, "_rests_until", 0.0)
