"""The wheel, installed outside the checkout with one extra at a time, does what the extra is for."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from support.wheel import ROOT, Installed, build_wheel

pytestmark = pytest.mark.slow

FACTS = {"in_anhui": True, "kind": "enterprise", "spend": 153456785, "self_use": 30000000}
EXTRAS = {"agent", "audit", "bulk", "kubernetes", "names", "platform", "scan", "spark"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """No extra; and pytest, for the authors of policies."""
    return Installed(wheel, tmp_path_factory.mktemp("light") / "env", more=("pytest",))


def python_block(page: str) -> str:
    """The test file that a page of the docs shows."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "huisuan.testing" in block]
    return str(found)


def test_the_extras_are_those_that_the_docs_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["optional-dependencies"].keys() == EXTRAS
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for names in re.findall(r"huisuan\[([\w,]+)\]", page.read_text("utf-8")):
            assert set(names.split(",")) <= EXTRAS, page


def test_the_light_install_explains_the_law_and_names_the_extra_that_computes_files(
    wheel: Path, tmp_path: Path
) -> None:
    light = Installed(wheel, tmp_path / "light")
    assert "anhui-agi-2023" in light.run("huisuan", "law", "list")
    facts = tmp_path / "f.json"
    facts.write_text(json.dumps(FACTS))
    explain = ("huisuan", "law", "explain", "anhui-agi-2023", "2.2", "--facts", str(facts), "--on", "2024-12-31")
    assert "24691357" in light.run(*explain, "--json")
    told = light.run(
        "huisuan", "law", "compute", "anhui-agi-2023", "2.2", "--input", "in.csv", "--output", "out.csv", code=1
    )
    assert "huisuan[bulk]" in told
    assert "huisuan[agent]" in light.run("huisuan", "agent", "run", code=1)


def test_with_bulk_a_file_is_computed_without_the_platform(wheel: Path, tmp_path: Path) -> None:
    bulk = Installed(wheel, tmp_path / "bulk", "bulk")
    claims = tmp_path / "claims.csv"
    claims.write_text("in_anhui,kind,spend,self_use\ntrue,enterprise,153456785,30000000\n")
    out = tmp_path / "out.csv"
    compute = ("huisuan", "law", "compute", "anhui-agi-2023", "2.2", "--input", str(claims), "--on", "2024-12-31")
    bulk.run(*compute, "--output", str(out))
    assert "24691357" in out.read_text()
    assert "No module named 'django'" in bulk.run("python", "-c", "import django", code=1)


def test_with_agent_a_centre_s_agent_looks_after_itself_and_engines_show_what_every_engine_must(
    wheel: Path, tmp_path: Path
) -> None:
    """The file of docs/new-engine.md, as an engine's author runs it."""
    agent = Installed(wheel, tmp_path / "env", "agent", "kubernetes", more=("pytest",))
    assert "huisuan agent enrol" in agent.run("huisuan", "agent", "doctor", code=1)
    code = "import kubernetes; from huisuan.compute import engines; print(engines.installed())"
    assert "'kubernetes', 'local', 'ray', 'slurm'" in agent.run("python", "-c", code)
    (tmp_path / "test_mine.py").write_text(python_block("new-engine.md"))
    printed = agent.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py", cwd=tmp_path)
    assert re.search(r"\d{2} passed", printed), printed


def test_the_policy_suite_holds_a_new_policy_to_what_every_policy_must_keep(light: Installed, tmp_path: Path) -> None:
    """The file of docs/writing-policy.md, on the policy that `huisuan policy new` writes."""
    issued = ("--issuer", "合肥市人民政府", "--from", "2026-01-01", "--to", "2026-12-31", "--title", "示例")
    light.run("huisuan", "policy", "new", "hefei-compute-2026", *issued, cwd=tmp_path)
    (tmp_path / "test_hefei.py").write_text(python_block("writing-policy.md"))
    pytest_ = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hefei.py")
    assert "5 passed" in light.run(*pytest_, cwd=tmp_path)
    cases = next((tmp_path / "policies" / "hefei-compute-2026" / "cases").glob("*.yaml"))
    cases.unlink()
    assert re.search(r"[1-3] failed", light.run(*pytest_, cwd=tmp_path, code=1))


def test_the_wheel_holds_what_is_read_at_run_time_and_nothing_of_the_tests(wheel: Path, tmp_path: Path) -> None:
    from zipfile import ZipFile

    names = set(ZipFile(wheel).namelist())
    for part in (
        "huisuan/testing/engine_conformance.py", "huisuan/testing/policy_conformance.py", "huisuan/py.typed",
        "huisuan/policies/anhui-agi-2023/text.md", "huisuan/compute/accelerators/accelerators.csv",
        "huisuan/compute/placement/weights.toml", "huisuan/portal/locale/en/LC_MESSAGES/django.mo",
        "huisuan/cli/demo/parties.csv", "huisuan/cli/demo/policies/example-district-2025/policy.toml",
    ):  # fmt: skip
        assert part in names
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]


def test_with_audit_an_export_is_verified_without_the_platform(wheel: Path, tmp_path: Path) -> None:
    audit = Installed(wheel, tmp_path / "audit", "audit")
    (tmp_path / "export").mkdir()
    told = audit.run("huisuan", "meter", "verify", str(tmp_path / "export"), code=1)
    assert "还需要" not in told, told
    assert "Traceback" not in told, told
