"""Hands that play job controller, scheduler and kubelet for KubeWorld, and really run the containers as processes.

So the engine's conformance tests run real programs, through the API server alone. The kubelet's own rule for `$(NAME)`
and `$$` is applied as its documentation states it.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from support.kube_cluster import CARD, KubeWorld

NODE, CARDS = "node-1", 8


@dataclass
class Held:
    """A pod whose process runs or ran."""

    run: str
    process: subprocess.Popen[bytes]
    output: BinaryIO
    began: int
    ends_at: float
    cards: int
    reason: str = ""
    told: bool = False
    collected: bool = False


def expanded(text: str, known: Mapping[str, str]) -> str:
    """A text as the kubelet gives it to a program."""
    pattern = re.compile(r"\$\$|\$\(([^)]*)\)")
    return pattern.sub(lambda found: "$" if found[0] == "$$" else known.get(found[1], found[0]), text)


class Hands:
    """One node of eight cards, in a thread of its own, until it is let go."""

    def __init__(self, world: KubeWorld, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.held: dict[str, Held] = {}
        self.stopped = threading.Event()
        world.node(NODE, {CARD: str(CARDS), "cpu": "64"})
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.stopped.set()
        self.thread.join()
        for held in self.held.values():
            held.process.kill()
            held.output.close()

    def _work(self) -> None:
        while not self.stopped.wait(0.02):
            jobs = self.world.all("jobs")
            for name, job in jobs.items():
                pods = [pod for pod, held in self.held.items() if held.run == name]
                if not pods and not job["spec"].get("suspend"):
                    self._begin(name, job)
                elif pods and all(self.held[pod].told for pod in pods):
                    self._conclude(name, job, pods)
            for pod, held in self.held.items():
                deleted = held.run not in jobs
                if deleted and not held.collected:
                    held.collected = True
                    self.world.collect(pod)
                if not held.told:
                    self._watch(pod, held, deleted)

    def _begin(self, name: str, job: dict[str, Any]) -> None:
        spec = job["spec"]["template"]["spec"]
        container = spec["containers"][0]
        cards = int(container["resources"]["limits"][CARD])
        if cards > CARDS - sum(held.cards for held in self.held.values() if not held.told):
            return
        pod = self.world.pod(name, node=NODE)
        known: dict[str, str] = {}
        for each in container["env"]:
            known[each["name"]] = expanded(each.get("value", ""), known)
        command = [expanded(word, known) for word in container["command"]]
        if spec.get("volumes"):
            script = self.folder / f"{name}.script"
            script.write_text(self.world.there("configmaps", name)["data"]["script"])  # type: ignore[index]
            script.chmod(0o700)
            command = [str(script)]
        output = (self.folder / f"{pod}.log").open("wb")
        environment = {"PATH": os.environ["PATH"], **known}
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        began, limit = int(time.time()), spec["activeDeadlineSeconds"]
        self.held[pod] = Held(name, process, output, began, time.monotonic() + limit, cards)
        self.world.starts(pod, began)

    def _watch(self, pod: str, held: Held, deleted: bool) -> None:
        self.world.logs[pod] = (self.folder / f"{pod}.log").read_bytes()
        if deleted:
            held.process.terminate()
        if time.monotonic() > held.ends_at and not held.reason:
            held.reason = "DeadlineExceeded"
            held.process.terminate()
        code = held.process.poll()
        if code is not None:
            self.world.logs[pod] = (self.folder / f"{pod}.log").read_bytes()
            self.world.ends(pod, held.began, int(time.time()), code if code >= 0 else 128 - code, why=held.reason)
            held.told = True

    def _conclude(self, name: str, job: dict[str, Any], pods: list[str]) -> None:
        if not job.get("status", {}).get("conditions"):
            well = all(self.held[pod].process.returncode == 0 for pod in pods)
            self.world.says(name, "Complete" if well else "Failed", "" if well else "BackoffLimitExceeded")
