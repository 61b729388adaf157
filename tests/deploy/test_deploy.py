"""The files of deploy/ are well formed and name what there is. They are not built here: docs/deploy.md says so."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement

import huisuan
from huisuan.cli.main import assemble

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
IMAGE = re.compile(r"[a-z0-9-]+:[\w.-]+")  # a name and a tag, no host
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")


def command_exists(words: list[str]) -> None:
    """Parse the words as an invocation of `huisuan`, without running it."""
    command: Any = typer.main.get_command(assemble())
    rest = list(words)
    while hasattr(command, "get_command"):
        command = command.get_command(None, rest.pop(0))
        assert command is not None, words
    command.make_context(words[0], rest)


def container_file() -> list[tuple[str, str]]:
    """Its instructions: keyword and the rest, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def test_the_container_file_copies_what_there_is_and_ends_as_an_ordinary_user() -> None:
    steps = container_file()
    assert {word for word, _ in steps} <= INSTRUCTIONS
    bases = [rest for word, rest in steps if word == "FROM"]
    assert all(IMAGE.fullmatch(base.split()[0]) for base in bases)
    copied = [rest.split() for word, rest in steps if word == "COPY"]
    for sources in (words[:-1] for words in copied if not words[0].startswith("--")):
        assert all((ROOT / source).exists() for source in sources)
    stages = {base.split()[2] for base in bases if " AS " in base}
    assert {words[0].removeprefix("--from=") for words in copied if words[0].startswith("--")} <= stages
    last = dict(steps[max(number for number, (word, _) in enumerate(steps) if word == "FROM") :])
    assert not last["USER"].startswith(("0", "root"))
    assert json.loads(last["ENTRYPOINT"]) == ["huisuan"]
    command_exists(json.loads(last["CMD"]))
    assert all(place in last["ENV"] for place in json.loads(last["VOLUME"]))


def test_every_package_of_the_image_is_a_package_that_the_tests_run_with() -> None:
    def pins(file: Path) -> dict[str, list[str]]:
        blocks = re.split(r"\n(?=[a-z0-9])", file.read_text("utf-8"))
        return {block.split("==")[0]: re.findall(r"sha256:[0-9a-f]{64}|==[^\s;]+", block) for block in blocks[1:]}

    image = pins(DEPLOY / "requirements.lock")
    tested = pins(ROOT / "requirements-names.lock") | pins(ROOT / "requirements.lock")
    assert {name: pin for name, pin in image.items() if tested.get(name) != pin} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    parts = ("platform", "agent", "kubernetes", "scan", "names")  # the gate reads PDF, and the names in text
    wanted = [*project["dependencies"], *(each for part in parts for each in extras[part])]
    names = {re.sub(r"[-_.]+", "-", Requirement(text).name).lower() for text in wanted}
    assert names - {re.sub(r"\[.*", "", name) for name in image} == set()


def test_the_compose_file_is_whole() -> None:
    file = compose()
    services = file["services"]
    assert set(services) == {"database", "platform", "agent"}
    volumes = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    assert set(volumes) == file["volumes"].keys()
    for service in services.values():
        assert IMAGE.fullmatch(service["image"])
        for needed, how in service.get("depends_on", {}).items():
            assert "healthcheck" in services[needed] or how["condition"] != "service_healthy"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
    assert services["platform"]["image"] == services["agent"]["image"] == f"huisuan:{huisuan.__version__}"
    build = services["platform"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    command_exists(services["agent"]["command"])


def test_the_compose_file_sets_variables_that_the_manual_explains() -> None:
    names = set(compose()["services"]["platform"]["environment"])
    assert not [name for name in names if f"`{name}" not in OPERATING]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_there_is_and_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit.read_text("utf-8"))
    program, *words = shlex.split(parsed["Service"]["ExecStart"])
    assert program == "/opt/huisuan/bin/huisuan"
    command_exists(words)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    here = tmp_path / unit.name  # where no Huisuan is installed, systemd would find no program
    here.write_text(unit.read_text("utf-8").replace(program, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, unit.stem in done.stderr) == (0, False), done.stderr


def test_nothing_in_deploy_names_a_host_of_packages_or_images() -> None:
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            hosts = set(re.findall(r"https?://([\w.-]+)", file.read_text("utf-8")))
            assert hosts <= {"127.0.0.1", "platform"}, file
