"""The Ray engine: every run a Ray job of its name, begun on its node by our launcher.

Ray keeps what it knows in the memory of its head. What must not be lost is written down here and by the launcher: that
a run was submitted, when it began and ended. Where the agent's folder is on a file system that all nodes share
(shared=yes), a run's files are there for both; where it is not, the run travels in a package and answers by its output.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huisuan.compute.engines.common import runner as files
from huisuan.compute.engines.common.run_journal import RunJournal, observation_to_dict, parse_observation
from huisuan.compute.engines.common.spec_checks import check_program
from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import (
    Ability,
    CheckResult,
    EngineError,
    JobSpec,
    NodeSeen,
    Observation,
    RunState,
    RunUsage,
)  # fmt: skip
from huisuan.compute.engines.ray import package as packing
from huisuan.compute.engines.ray.abilities import ray_abilities
from huisuan.compute.engines.ray.api_client import RayAnswer, RayApi, RayRefused
from huisuan.compute.engines.ray.config import parse_ray_site
from huisuan.compute.engines.ray.diagnostics import ray_checks
from huisuan.compute.engines.ray.status import (
    RunFacts,
    entrypoint_resources,
    launcher_lines,
    observe_run,
    ray_nodes,
    usage_of_run,
)  # fmt: skip

ASKED, BEGAN, CANCEL, OVER = "asked.json", "began.json", "cancelled.json", "over.json"
HEAD_BYTES, TAIL_LINES = 65_536, 3  # where the launcher's marks are: near the beginning and the end of the output
WIND_UP_SECONDS = 5


class RayEngine:
    """Runs jobs on one Ray cluster.

    Raises:
        ValueError: an option is unknown or makes no sense.
    """

    def __init__(self, folder: Path, options: Mapping[str, str]) -> None:
        self.site = parse_ray_site(options)
        self.notes = RunJournal(folder.resolve())
        self.ray = RayApi(self.site.address, self.site.token_file)
        self._names: dict[str, str] = {}

    def abilities(self) -> Mapping[str, Ability]:
        """What Ray can do for the platform."""
        return ray_abilities(self.site.shared)

    def capacity(self) -> Sequence[NodeSeen]:
        """The nodes with their cards."""
        nodes, jobs = self.ray.nodes(), self.ray.jobs().values()
        return ray_nodes(nodes, self.ray.used(), jobs, self.site.cards, self.site.partition)

    def submit(self, job: JobSpec) -> None:
        """Submit the run, once: by its name, which Ray takes only once."""
        if self.notes.read(job.name, CANCEL) or self.notes.read(job.name, ASKED).get("posted"):
            return
        self._check(job)
        body = {
            "submission_id": job.name,
            "metadata": {"huisuan_uid": job.uid, "huisuan_cards": str(job.cards), "huisuan_card": job.local_card},
            **entrypoint_resources(job, self.ray.nodes(), self.site.cards),
        }
        asked = self.notes.read(job.name, ASKED) or {
            "cards": job.cards,
            "local_card": job.local_card,
            "shared": self.site.shared,
            "word": "" if self.site.shared else secrets.token_hex(16),
        }
        self.notes.write(job.name, ASKED, asked)
        try:
            self._post(job, {**body, **(self._in_place(job) if asked["shared"] else self._packed(job, asked["word"]))})
        except ValueError:
            self.notes.forget(job.name)
            raise
        self.notes.write(job.name, ASKED, {**asked, "posted": True})

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """How these runs stand: one question for all of them, and one more for each that began or ended since."""
        return {name: seen for name, (seen, _) in self._look(names).items()}

    def working_folder(self, name: str) -> Path:
        """Where a run without an uploaded directory starts, where files are shared."""
        return self.notes.place(name) / files.WORK

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        """What they held so far, by the launcher's record."""
        return {
            name: usage_of_run(known, seen, self._node_name((known.ray or {}).get("driver_node_id")))
            for name, (seen, known) in self._look(names).items()
        }

    def cancel(self, name: str, reason: str = "") -> None:
        """Ask the run to end; where files are shared, one that has not begun is taken back for good."""
        asked = self.notes.read(name, ASKED)
        if not asked or self.notes.read(name, OVER):
            return
        if not self.notes.read(name, CANCEL):
            self.notes.write(name, CANCEL, {"reason": reason})
        if asked["shared"]:
            place = self.notes.place(name)
            (place / files.CANCEL).write_text(reason, encoding="utf-8")
            self._take_back(name, RunState.CANCELLED, reason)
        self.ray.stop(name)

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        """A piece of its output; without shared files Ray's own lines and the launcher's marks are among it."""
        asked = self.notes.read(name, ASKED)
        if not asked:
            return b""
        if asked["shared"]:
            try:
                with (self.notes.place(name) / files.OUTPUT).open("rb") as file:
                    return os.pread(file.fileno(), limit, offset)
            except FileNotFoundError:
                return b""
        ray = self.notes.read(name, OVER).get("ray") or self.ray.job(name) or {}
        node = ray.get("driver_node_id")
        return self.ray.log(node, name, offset, limit) if node else b""

    def forget(self, name: str) -> None:
        """Have Ray forget a run that is over, and throw its notes away."""
        seen = self._look([name]).get(name)
        if seen is None or not seen[0].state.final:
            return
        self.ray.delete(name)
        self.notes.forget(name)

    def diagnose(self) -> Sequence[CheckResult]:
        """What an operator could have got wrong."""
        return ray_checks(self.ray, self.site, self.notes.folder)

    # --- once and never twice

    def _check(self, job: JobSpec) -> None:
        """Refuse what can never run here.

        Raises:
            ValueError: says why.
        """
        self.notes.place(job.name)
        check_program(job)
        if job.nodes != 1:
            raise ValueError(f"要 {job.nodes} 个节点：{self.abilities()['gang'].why}")
        if job.image:
            raise ValueError(f"要容器镜像 {job.image}：{self.abilities()['containers'].why}")

    def _in_place(self, job: JobSpec) -> RayAnswer:
        """A run whose files the nodes see where they are."""
        place = self.notes.place(job.name)
        content = packing.build_launcher()
        launcher = self.notes.folder / f"launcher-{hashlib.sha256(content).hexdigest()[:16]}.pyz"
        if not launcher.exists():
            draft = launcher.with_suffix(f".{os.getpid()}")
            draft.write_bytes(content)
            draft.replace(launcher)
        if job.lease_file is not None:
            gate_of(job.lease_file, job.name).parent.mkdir(parents=True, exist_ok=True)
        self.notes.write(job.name, files.JOB, self._told(job))
        return {"entrypoint": self._line(launcher, place), "runtime_env": {"env_vars": self._patience()}}

    def _packed(self, job: JobSpec, word: str) -> RayAnswer:
        """A run that travels with its directory; there is no gate where it goes."""
        told = {**self._told(job), "lease_file": None, "workdir": None, "word": word}
        name, content = packing.build_package(told, job.workdir)
        uri = self.ray.upload(name, content)
        return {
            "entrypoint": self._line(Path(packing.LAUNCHER), Path(packing.RUN)),
            "runtime_env": {"working_dir": uri, "env_vars": self._patience()},
        }

    def _told(self, job: JobSpec) -> dict[str, Any]:
        """What the runner gets to know of the run."""
        return {
            "name": job.name,
            "uid": job.uid,
            "run": job.run,
            "command": list(job.command),
            "script": job.script,
            "environment": dict(job.environment),
            "workdir": str(job.workdir) if job.workdir else None,
            "lease_file": str(job.lease_file) if job.lease_file else None,
            "cards": job.cards,
            "time_limit_seconds": job.time_limit_seconds,
            "grace_seconds": self.site.grace_seconds,
            "account": None,
        }

    def _line(self, *words: Path) -> str:
        """Ray gives it to a shell: nothing a user wrote is in it, and what is, is quoted."""
        return f"exec {shlex.join([self.site.python, *map(str, words)])}"

    def _patience(self) -> dict[str, str]:
        """How long Ray lets the launcher wind up before it kills it: longer than the job's own grace."""
        return {"RAY_JOB_STOP_WAIT_TIME_S": str(self.site.grace_seconds + WIND_UP_SECONDS)}

    def _post(self, job: JobSpec, body: RayAnswer) -> None:
        try:
            self.ray.submit(body)
        except RayRefused as error:
            there = self.ray.job(job.name)
            if there is None and error.status == 400:
                raise ValueError(f"Ray 不接受这个作业：{error}") from None
            if there is None:
                raise
            if (there.get("metadata") or {}).get("huisuan_uid") != job.uid:
                raise ValueError(f"Ray 里已有名为 {job.name} 的作业，但不是这个作业") from None

    def _take_back(self, name: str, state: RunState, reason: str) -> bool:
        """Take the place of the launcher, unless it was there first: the run can then never begin."""
        place = self.notes.place(name)
        try:
            os.close(os.open(place / files.RUNNER, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        self.notes.write(name, files.EXIT, {"state": state.value, "exit_code": None, "reason": reason})
        return True

    # --- how runs stand

    def _look(self, names: Sequence[str]) -> dict[str, tuple[Observation, RunFacts]]:
        looked: dict[str, tuple[Observation, RunFacts]] = {}
        asked: dict[str, dict[str, Any]] = {}
        for name in names:
            if over := self.notes.read(name, OVER):
                looked[name] = _remembered(over)
            elif note := self.notes.read(name, ASKED):
                asked[name] = note
        jobs = self.ray.jobs() if asked else {}
        for name, note in asked.items():
            looked[name] = self._stands(name, note, jobs.get(name))
        return looked

    def _stands(self, name: str, note: dict[str, Any], ray: RayAnswer | None) -> tuple[Observation, RunFacts]:
        known = self._known(name, note, ray)
        seen = observe_run(known)
        if seen.state is RunState.EXPIRED and note["shared"] and not known.record:
            if not self._take_back(name, seen.state, seen.reason):  # the launcher came first after all
                return self._stands(name, note, ray)
            known = self._known(name, note, ray)
        if seen.state.final:
            self.notes.write(name, OVER, {"observation": observation_to_dict(seen), **asdict(known)})
        return seen, known

    def _known(self, name: str, note: dict[str, Any], ray: RayAnswer | None) -> RunFacts:
        cancel = self.notes.read(name, CANCEL)
        reason = cancel["reason"] if cancel else None
        if note["shared"]:
            claimed = (self.notes.place(name) / files.RUNNER).exists()
            place = (self.notes.read(name, files.STARTED), self.notes.read(name, files.EXIT))
            return RunFacts(name, note, ray, claimed, *place, reason)
        began = self.notes.read(name, BEGAN)
        record: dict[str, Any] = {}
        node = (ray or {}).get("driver_node_id")
        if ray is not None and node:
            if not began and (told := launcher_lines(self.ray.log(node, name, 0, HEAD_BYTES), note["word"])):
                began = dict(told[0])
                self.notes.write(name, BEGAN, began)
            if ray["status"] not in ("PENDING", "RUNNING"):
                ends = launcher_lines(self.ray.log_end(node, name, TAIL_LINES), note["word"])
                record = next((dict(told) for told in reversed(ends) if "state" in told), {})
        return RunFacts(name, note, ray, False, began, record, reason)

    def _node_name(self, node_id: str | None) -> str:
        """What capacity() calls the node; empty where Ray cannot say any more."""
        if node_id and node_id not in self._names:
            try:
                self._names = {node["node_id"]: node["node_name"] or node["node_ip"] for node in self.ray.nodes()}
            except EngineError:
                return ""
        return self._names.get(node_id or "", "")


def _remembered(over: dict[str, Any]) -> tuple[Observation, RunFacts]:
    facts = {key: value for key, value in over.items() if key != "observation"}
    return parse_observation(over["observation"]), RunFacts(**facts)
