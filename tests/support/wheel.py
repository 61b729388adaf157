"""The wheel as a user installs it: built here, in an environment that sees the packages of one extra and no others.

Nothing is downloaded: the environment's other packages are links into the one that the tests run in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
QUIET = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout into the folder."""
    command = [sys.executable, "-m", "pip", "wheel", *QUIET, "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    (wheel,) = folder.glob("huisuan-*.whl")
    return wheel


class Installed:
    """The wheel in an environment of its own, with the packages of `extras` and those named in `more`."""

    def __init__(self, wheel: Path, folder: Path, *extras: str, more: tuple[str, ...] = ()) -> None:
        venv.create(folder, with_pip=False)
        self.folder = folder
        self.home = tempfile.mkdtemp(prefix="hs-")  # short: a Unix socket may have to fit
        self.python = folder / "bin" / "python"
        target = next((folder / "lib").glob("python*")) / "site-packages"
        install = [sys.executable, "-m", "pip", "--python", str(self.python), "install", *QUIET, str(wheel)]
        subprocess.run(install, check=True, capture_output=True, timeout=600)
        (own,) = target.glob("huisuan-*.dist-info")
        wanted = _required(Distribution.at(own), extras)
        for name in more:
            wanted |= {name} | _required(distribution(name), ())
        for name in sorted(wanted):
            _link(distribution(name), target)

    def run(self, *command: str, cwd: Path | None = None, code: int = 0, **environment: str) -> str:
        """Run a command of the environment outside the checkout; what it printed, on both streams."""
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "HUISUAN_HOME": self.home}
        done = subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]], cwd=cwd or self.folder, env={**clean, **environment},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def _required(package: Distribution, extras: tuple[str, ...]) -> set[str]:
    """Names of the distributions that a package needs with these extras, and those that they need in turn."""
    found: set[str] = set()
    waiting = [(package, extras)]
    while waiting:
        current, wanted = waiting.pop()
        for text in current.requires or ():
            requirement = Requirement(text)
            if not any(_applies(requirement, extra) for extra in (*wanted, "")):
                continue
            name = re.sub(r"[-_.]+", "-", requirement.name).lower()
            if name not in found:
                found.add(name)
                waiting.append((distribution(name), tuple(requirement.extras)))
    return found


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _link(package: Distribution, target: Path) -> None:
    """Put links to the top of everything that a distribution installed into `target`."""
    for file in package.files or ():
        top = file.parts[0]
        if top in ("..", "__pycache__") or (target / top).exists():
            continue
        source = Path(str(package.locate_file(top)))
        if source.exists():
            (target / top).symlink_to(source)
