"""The database that tests copy is made anew when what it comes from changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.migrated_cluster import PROJECT, SOURCES, sources_digest


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of the project the database comes from, and a page besides."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in {path for pattern in (*SOURCES, "src/huisuan/portal/urls.py") for path in PROJECT.glob(pattern)}:
        target = folder / path.relative_to(PROJECT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


@pytest.mark.parametrize(
    "file",
    [
        "compute/migrations/0001_initial.py",
        "messages/models.py",
        "parties/models/people.py",
        "serving/settings.py",
        "../../requirements.lock",
    ],
)
def test_a_database_is_made_anew_after_a_change_of_what_it_comes_from(file: str, checkout: Path) -> None:
    before = sources_digest(checkout)
    changed = checkout / "src" / "huisuan" / file
    changed.write_text(changed.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    assert sources_digest(checkout) != before


def test_a_database_is_kept_after_a_change_of_a_page(checkout: Path) -> None:
    before = sources_digest(checkout)
    with (checkout / "src" / "huisuan" / "portal" / "urls.py").open("a", encoding="utf-8") as changed:
        changed.write("\n# changed\n")
    assert sources_digest(checkout) == before == sources_digest(checkout)


def test_the_database_of_this_checkout_depends_on_the_models_of_every_room() -> None:
    found = {path.parts[-2] for pattern in SOURCES for path in PROJECT.glob(pattern) if path.name == "models.py"}
    rooms = {path.parents[1].name for path in PROJECT.glob("src/huisuan/*/migrations/0001_*.py")}
    assert rooms <= found | {path.parent.parent.name for path in PROJECT.glob("src/huisuan/*/models/*.py")}
