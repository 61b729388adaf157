"""The way to a centre's Slurm: its settings, its commands or slurmrestd, its accounting, its nodes."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from huisuan.compute.engines.interface import EngineError
from huisuan.compute.engines.slurm import config
from huisuan.compute.engines.slurm.accounting import Accounting
from huisuan.compute.engines.slurm.cluster import ClusterView
from huisuan.compute.engines.slurm.command_client import CommandClient
from huisuan.compute.engines.slurm.rest_client import RestClient
from huisuan.compute.engines.slurm.types import SlurmClient

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sdiag")
TRUSTED_SECONDS = 5.0  # how long a slurmrestd that answered is taken to answer still
_AWAY_SECONDS = 30.0  # and one that did not: a question without an answer may take long
log = logging.getLogger(__name__)


class SlurmSession:
    """One centre's Slurm, and the folder under which runs lie.

    Raises:
        ValueError: an option is unknown or malformed, or the folder's path cannot be given to Slurm.
    """

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self.folder = folder.absolute()
        if any(sign in str(self.folder) for sign in "\\\n"):
            raise ValueError(f"作业目录 {self.folder} 的路径里不能有反斜杠或换行：Slurm 会改写它")
        self.options = config.parse_options(given)
        self.person = self.options.person()
        self.commands = CommandClient(self.options, self.person)
        self.rest = RestClient(self.options, self.person) if self.options.rest_url else None
        self.accounting = Accounting(self.commands)
        self.cluster = ClusterView(self.options, self.speaker, self._settings)
        self._asked_rest = (-TRUSTED_SECONDS, True)  # when it was last asked, and whether it answered

    def speaker(self) -> SlurmClient:
        """The way to speak with the controller: slurmrestd where it is set and answers, else the commands.

        Raises:
            EngineError: slurmrestd does not answer, and there are no commands on this machine.
        """
        if self.rest is None:
            return self.commands
        asked, answered = self._asked_rest
        if time.monotonic() - asked > (TRUSTED_SECONDS if answered else _AWAY_SECONDS):
            try:
                self.rest.ping()
                answered = True
            except EngineError as error:
                if self.missing_commands():
                    raise
                if answered:
                    log.warning("改用命令行：%s", error)
                answered = False
            self._asked_rest = (time.monotonic(), answered)
        return self.rest if answered else self.commands

    def missing_commands(self, names: Sequence[str] = COMMANDS) -> list[str]:
        """Which of Slurm's commands are not on this machine."""
        return [name for name in names if shutil.which(name, path=self.options.path) is None]

    def _settings(self) -> Mapping[str, str]:
        """slurm.conf as the controller has it; empty on a machine that has slurmrestd alone."""
        return {} if self.missing_commands() else self.commands.settings()
