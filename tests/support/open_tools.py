"""Other people's tools for open data, run as their own processes in an environment of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

OPEN_TOOLS = Path(__file__).parents[2] / ".venv-catalogue" / "bin"


def lacking_open_tools() -> str:
    """Why they can't be run; "" where they can."""
    found = list(OPEN_TOOLS.parent.glob(".installed-*"))
    return "" if found else "no tools in .venv-catalogue (setup/catalogue.sh installs them)"


def run_tool(folder: Path, *command: str) -> str:
    """What a tool of that environment prints; it fails where the tool does."""
    folder.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    clean["PATH"] = f"{OPEN_TOOLS}{os.pathsep}{clean.get('PATH', '')}"  # some start themselves again by name
    caches = {"HOME": str(folder), "HF_HOME": str(folder / "hf"), "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        [OPEN_TOOLS / command[0], *command[1:]], cwd=folder, env={**clean, **caches}, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
