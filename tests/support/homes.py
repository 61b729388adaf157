"""Homes that commands run on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


class Homes:
    """Data directories, and commands run on them; `outer` names the database of some."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outer = folder, dict[str, str]()

    def run(self, home: str, *words: str, code: int = 0) -> str:
        """Run something on a home; its output, or what it says on stderr where it is to fail."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUISUAN_", "DATABASE_"))}
        environment = {**kept, "HUISUAN_HOME": str(self.folder / home), "PYTHONPATH": str(TESTS)}
        if home in self.outer:
            environment["DATABASE_URL"] = self.outer[home]
        # to files: what a killed command leaves running would hold a pipe open
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(
                [sys.executable, *words], env=environment, stdout=out, stderr=err, check=False, timeout=240
            )
            out.seek(0)
            err.seek(0)
            assert done.returncode == code, err.read()
            return out.read() if code == 0 else err.read()

    def huisuan(self, home: str, *words: str | Path, code: int = 0) -> str:
        """Run a command."""
        start = "from huisuan.cli.main import main; main()"
        return self.run(home, "-c", start, *map(str, words), code=code)

    def killed(self, home: str, where: str, *words: str | Path) -> None:
        """Run a command that `where`, a piece of Python run before it, has killed by SIGKILL."""
        start = f"import os, signal\n{where}\nfrom huisuan.cli.main import main; main()"
        self.run(home, "-c", start, *map(str, words), code=-signal.SIGKILL)

    def state(self, home: str) -> dict[str, Any]:
        """What a restored platform must have in common with the one that was backed up."""
        found: dict[str, Any] = json.loads(self.run(home, "-m", "support.backed_up", "state"))
        return found
