"""What every run of the tests has: a folder of its own, Hypothesis' profile, marks by fixture, a database on demand.

Folder and database go when the run ends, also where it is killed (`support.run_folder`).
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pytest_django import DjangoDbBlocker

from support.commands import build_commands_once
from support.run_folder import guard, new_run_folder

#: who asks for one of these, itself or through another fixture, uses the database
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup", "live_server", "homes"})
#: objects that are made before the garbage collector looks again: a run makes many, and few of them in circles
MADE_BETWEEN_LOOKS = 50_000
#: more examples than this of a property are no longer a quick check
FEW_EXAMPLES = 50

# The compiled form of modules is kept even where the environment forbids it: else each run compiles every test anew
# (ten seconds a worker), and each process that a test starts compiles the platform anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["HUISUAN_HOME"] = os.environ["HUISUAN_TEST_RUN_FOLDER"] = str(new_run_folder())
HOME = os.environ["HUISUAN_HOME"]
os.environ.pop("DATABASE_URL", None)
# here and not in pyproject.toml: pytest-django would read the settings before the lines above
os.environ["DJANGO_SETTINGS_MODULE"] = "huisuan.serving.settings"

# no deadlines: a busy machine is no failed test; the breadth is `deep` and `make agree`, not each run of everybody
settings.register_profile("quick", deadline=None, max_examples=15)
settings.register_profile("house", deadline=None, max_examples=30)
settings.register_profile("deep", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))


def pytest_configure(config: pytest.Config) -> None:
    """Set Django up before the test modules import models; this starts no database."""
    import django

    if "PYTEST_XDIST_WORKER" not in os.environ:
        guard(Path(HOME))
    django.setup()
    from django.conf import settings as platform

    build_commands_once()
    platform.PASSWORD_HASHERS = ["support.passwords.OneRound", *platform.PASSWORD_HASHERS[1:]]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's PostgreSQL and remove its folder, when the run that made it ends."""
    gc.unfreeze()  # modules in C complain of what is not cleared in the end
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    from support import database

    database.stop()
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives to the end: the garbage collector neither looks at it meanwhile nor ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(MADE_BETWEEN_LOOKS, 10, 10)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Mark what uses the database and what tries many examples, by what it asks for and not by hand.

    This comes before `-m` chooses; the order comes after pytest-django's own.
    """
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.db)
        if _examples(item) > FEW_EXAMPLES:
            item.add_marker(pytest.mark.slow)
    yield
    if "PYTEST_XDIST_WORKER" in os.environ:
        from support.distribution import longest_first

        longest_first(items)


def _examples(item: pytest.Item) -> int:
    """How many examples Hypothesis tries for a test; 0 for one that is no property."""
    test = getattr(item, "obj", None)
    if not getattr(test, "is_hypothesis_test", False):
        return 0
    return getattr(test, "_hypothesis_internal_use_settings", settings()).max_examples


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """The database of this worker, when the first test asks for one."""
    from support import database

    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("HUISUAN_HOME", HOME)  # a fixture that came before may have set its own
        database.start()
        database.copy_template(f"test_huisuan_{getattr(request.config, 'workerinput', {}).get('workerid', 'main')}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give out whole files, those with servers first, and all tests of the real Ray to one worker."""
    from support.distribution import FileByFile

    config.option.loadscopereorder = False  # not the files with the most tests first, but the longest
    return FileByFile(config, log)


@pytest.fixture(autouse=True)
def placement_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a pass is slow, and a slow pass rests: what a test submits must be placed all the same."""
    from huisuan.compute.dispatch import scheduling_cycle as dispatch

    monkeypatch.setattr(dispatch, "COOLDOWN_FACTOR", 0)
    monkeypatch.setattr(dispatch, "_cooldown_until", 0.0)
