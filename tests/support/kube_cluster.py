"""An API server for tests (kmock), spoken to by the official client, and a hand that plays controller and kubelet.

kmock keeps objects and their finalizers; what it lacks and the engine rests on is added here: label selectors, uid,
creationTimestamp, resourceVersion with conflicts, and logs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import kmock
import yaml

T = TypeVar("T")
NAMESPACE = "huisuan"
CARD = "nvidia.com/gpu"
T0 = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Server(kmock.KubernetesEmulator):
    """kmock with what the engine rests on besides."""

    refused: ClassVar[dict[tuple[str, str], int]] = {}

    async def _handle(self, request: Any) -> Any:
        if request.resource is not None and (status := self.refused.get((request.method, request.resource.plural))):
            raise kmock.KubernetesError(status, "Refused", "by the test")
        where = (request.resource, request.namespace, request.name)
        if request.method == "POST" and isinstance(request.data, dict):
            made = {"uid": f"uid-{len(self)}", "creationTimestamp": iso(T0 - 60), "resourceVersion": "1"}
            request.data.setdefault("metadata", {"name": f"nameless-{len(self)}"}).update(made)
        if request.method == "PATCH" and where in self.objects:
            now = self.objects[where]["metadata"].get("resourceVersion")
            if request.data["metadata"].get("resourceVersion", now) != now:
                raise kmock.KubernetesObjectConflictError()
        return await super()._handle(request)

    async def _serve_list(self, request: Any) -> Any:
        found: Any = await super()._serve_list(request)
        wanted = dict(each.split("=") for each in request.params.get("labelSelector", "").split(",") if each)
        found["items"] = [
            each for each in found["items"] if wanted.items() <= each["metadata"].get("labels", {}).items()
        ]
        return found


class KubeWorld:
    """A cluster whose every event the test decides; times in seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = Server()
        self.entry = kmock.Server(self.server)
        self._wait(self.server.__aenter__())
        self._wait(self.entry.__aenter__())
        for resource in ("v1/pods", "v1/nodes", "v1/services", "v1/configmaps", "batch/v1/jobs"):
            self.server.resources[resource] = {}
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(self._kubeconfig()))
        self.clear()
        self.server["get", kmock.resource("v1/pods"), kmock.subresource("log")] << self._log
        self.server["get /version/"] << (lambda: {"gitVersion": self.version})
        self.server["get /apis/"] << (lambda: {"groups": [{"name": name} for name in self.groups]})
        self.server["post /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] << self._review

    def close(self) -> None:
        self._wait(self.entry.__aexit__(None, None, None))
        self._wait(self.server.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def clear(self) -> None:
        """Nothing in it, everything allowed."""
        self.logs: dict[str, bytes] = {}
        self.allowed: Callable[[dict[str, Any]], bool] = lambda asked: True
        self.version, self.groups = "v1.31.2", ["batch", "kueue.x-k8s.io"]
        self.server.refused.clear()
        self._run(lambda: (self.server.objects.clear(), self.server._requests.clear()))

    def refuse(self, method: str, plural: str, status: int) -> None:
        """From now on such requests are refused with that status; 0: no more."""
        self.server.refused[method, plural] = status

    # --- what stands in the cluster

    def there(self, plural: str, name: str) -> dict[str, Any] | None:
        """An object as it stands."""
        return self.all(plural).get(name)

    def all(self, plural: str) -> dict[str, dict[str, Any]]:
        """Every object of that kind, by name."""
        resource = _key(plural, "")[0]

        def look() -> dict[str, dict[str, Any]]:
            return {
                key[2]: each.raw for key, each in self.server.objects.items() if key[0] == resource and not each.deleted
            }

        return self._run(look)

    def asked(self, method: str) -> list[str]:
        """Paths that were asked for with that method, in order."""
        return [request.url.path for request in self.server if request.method == method]

    # --- what happens in it

    def node(self, name: str, allocatable: dict[str, str], labels: dict[str, str] | None = None, **spec: Any) -> None:
        ready = spec.pop("ready", "True")
        status = {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": ready}]}
        self.put("nodes", name, {"metadata": {"labels": labels or {}}, "spec": spec, "status": status})

    def pod(self, run: str, index: int = 0, node: str = "", number: int = 0, **status: Any) -> str:
        """What the job controller does: a pod from the Job's template."""
        template = self.there("jobs", run)["spec"]["template"]  # type: ignore[index]
        name = f"{run}-{index}-{number}"
        meta = {
            **template["metadata"],
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": iso(T0 - 60),
            "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
        }
        spec = {**template["spec"], **({"nodeName": node} if node else {})}
        self.put("pods", name, {"metadata": meta, "spec": spec, "status": {"phase": "Pending", **status}})
        return name

    def starts(self, pod: str, at: int) -> None:
        self._status(pod, {"phase": "Running", "containerStatuses": [_container({"running": {"startedAt": iso(at)}})]})

    def ends(self, pod: str, began: int, at: int, code: int = 0, reason: str = "", why: str = "") -> None:
        ended = {"startedAt": iso(began), "finishedAt": iso(at), "exitCode": code, "reason": reason or "Error"}
        status: dict[str, Any] = {"phase": "Failed" if code else "Succeeded"}
        if why:
            status["reason"] = why
        self._status(pod, {**status, "containerStatuses": [_container({"terminated": ended})]})

    def says(self, run: str, kind: str, reason: str = "") -> None:
        """The Job is over: Complete or Failed."""
        self.patch("jobs", run, {"status": {"conditions": [{"type": kind, "status": "True", "reason": reason}]}})

    def put(self, plural: str, name: str, body: dict[str, Any]) -> None:
        """An object, whoever made it."""
        body["metadata"]["name"] = name
        self._run(lambda: self.server.objects.__setitem__(_key(plural, name), body))

    def patch(self, plural: str, name: str, change: dict[str, Any]) -> None:
        """Change an object."""
        self._run(lambda: self.server.objects[_key(plural, name)].patch(change))

    def suspend(self, run: str, suspended: bool) -> None:
        self.patch("jobs", run, {"spec": {"suspend": suspended}})

    def collect(self, pod: str) -> None:
        """What garbage collection does to a deleted Job's pod: it is going, and goes when no finalizer holds it."""
        self.patch("pods", pod, {"metadata": {"deletionTimestamp": iso(T0)}})

    def vanishes(self, plural: str, name: str) -> None:
        """Someone deletes it by hand."""
        self._run(self.server.objects[_key(plural, name)].delete)

    # ---

    def _status(self, pod: str, status: dict[str, Any]) -> None:
        self.patch("pods", pod, {"status": status})

    def _log(self, request: Any) -> bytes:
        text = self.logs.get(request.name)
        if text is None:
            raise kmock.KubernetesObjectNotFoundError()
        if "tailLines" in request.params:
            text = b"".join(text.splitlines(keepends=True)[-int(request.params["tailLines"]) :])
        return text[: int(request.params["limitBytes"])]

    def _review(self, request: Any) -> dict[str, Any]:
        return {"status": {"allowed": self.allowed(request.data["spec"]["resourceAttributes"])}}

    def _run(self, step: Callable[[], T]) -> T:
        async def on_loop() -> T:
            return step()

        return self._wait(on_loop())

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": str(self.entry.url).rstrip("/")}}],
            "users": [{"name": "u", "user": {"token": "secret"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }


def _key(plural: str, name: str) -> tuple[Any, str | None, str]:
    group = "batch/v1" if plural == "jobs" else "v1"
    return (kmock.resource(f"{group}/{plural}"), None if plural == "nodes" else NAMESPACE, name)


def _container(state: dict[str, Any]) -> dict[str, Any]:
    return {"name": "job", "state": state}
