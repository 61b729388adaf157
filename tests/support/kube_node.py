"""Nodes of eight cards for a real control plane that has none: kubelets played, containers run as processes.

Through the API server alone, by the official client: what the scheduler bound to a node of ours is run, its start and
end told in the pod's status, and a pod that is deleted ends as a kubelet ends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from support.kube_cluster import CARD, iso
from support.kube_operations import expanded

CARDS = 8


@dataclass
class Process:
    """A container that runs."""

    process: subprocess.Popen[bytes]
    began: int
    ends_at: float
    timed_out: bool = False
    told: bool = False


class PlayedNodes:
    """`count` nodes, kept ready in a thread of their own."""

    def __init__(self, kubeconfig: str, folder: Path, count: int) -> None:
        settings = client.Configuration()
        loader: Any = config
        loader.load_kube_config(kubeconfig, client_configuration=settings)
        self.core = client.CoreV1Api(client.ApiClient(settings))
        self.folder = folder
        self.nodes = [f"played-{number}" for number in range(1, count + 1)]
        self.running: dict[str, Process] = {}
        self.stopped = threading.Event()
        self.failed: list[Exception] = []
        self.logs = _log_server(folder)
        threading.Thread(target=self.logs.serve_forever, daemon=True).start()
        for node in self.nodes:
            self._join(node)
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.stopped.set()
        self.thread.join()
        self.logs.shutdown()
        self.logs.server_close()
        for each in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)
        for node in self.nodes:
            self.core.delete_node(node)
        if self.failed:
            raise self.failed[0]

    def _join(self, node: str) -> None:
        with contextlib.suppress(ApiException):
            self.core.create_node({"metadata": {"name": node, "labels": {"pool": "a100"}}})
        amounts = {"cpu": "64", "memory": "512Gi", "pods": "110", CARD: str(CARDS)}
        ready = {"type": "Ready", "status": "True", "reason": "Played", "message": "", "lastHeartbeatTime": iso(_now())}
        status: dict[str, Any] = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
        status["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}]
        status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": self.logs.server_address[1]}}
        self.core.patch_node_status(node, {"status": status})
        self.core.patch_node(node, {"spec": {"taints": None}})  # "not ready", since it joined

    def _work(self) -> None:
        while not self.stopped.wait(0.1):
            try:
                self._turn()
            except ApiException as error:
                if error.status not in (404, 409):
                    self.failed.append(error)

    def _turn(self) -> None:
        for pod in self.core.list_pod_for_all_namespaces().items:
            if pod.spec.node_name not in self.nodes:
                continue
            held = self.running.get(pod.metadata.uid)
            if held is None and pod.metadata.deletion_timestamp is None and pod.status.phase == "Pending":
                self._begin(pod)
            elif held is not None and not held.told:
                self._watch(pod, held)
            elif pod.metadata.deletion_timestamp is not None:
                with contextlib.suppress(ApiException):
                    self.core.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)

    def _begin(self, pod: Any) -> None:
        container = pod.spec.containers[0]
        known: dict[str, str] = {}
        for each in container.env or []:
            value = each.value or ""
            if each.value_from is not None:
                key = each.value_from.field_ref.field_path.split("'")[1]
                value = (pod.metadata.annotations or {}).get(key, "")
            known[each.name] = expanded(value, known)
        command = [expanded(word, known) for word in container.command]
        if pod.spec.volumes and pod.spec.volumes[0].config_map is not None:
            source = self.core.read_namespaced_config_map(pod.spec.volumes[0].config_map.name, pod.metadata.namespace)
            script = self.folder / f"{pod.metadata.name}.script"
            script.write_text(source.data["script"])
            script.chmod(0o700)
            command = [str(script)]
        with (self.folder / f"{pod.metadata.name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env={"PATH": os.environ["PATH"], **known}, stdout=log, stderr=log, start_new_session=True
            )
        began = _now()
        limit = pod.spec.active_deadline_seconds or 10**9
        self.running[pod.metadata.uid] = Process(process, began, time.monotonic() + limit)
        self._tell(pod, {"phase": "Running", "startTime": iso(began)}, {"running": {"startedAt": iso(began)}})

    def _watch(self, pod: Any, held: Process) -> None:
        if time.monotonic() > held.ends_at:
            held.timed_out = True
        if held.timed_out or pod.metadata.deletion_timestamp is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(held.process.pid, signal.SIGTERM)
        code = held.process.poll()
        if code is None:
            return
        code = code if code >= 0 else 128 - code
        ended = {"startedAt": iso(held.began), "finishedAt": iso(_now()), "exitCode": code}
        status = {"phase": "Failed" if code else "Succeeded", "startTime": iso(held.began)}
        if held.timed_out:
            status |= {"reason": "DeadlineExceeded"}
        self._tell(pod, status, {"terminated": {**ended, "reason": "Error" if code else "Completed"}})
        held.told = True

    def _tell(self, pod: Any, status: dict[str, Any], state: dict[str, Any]) -> None:
        container = {
            "name": "job", "image": "played", "imageID": "played", "ready": "running" in state, "restartCount": 0,
            "state": state,
        }  # fmt: skip
        body = {"status": {**status, "containerStatuses": [container]}}
        self.core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, body)


def _now() -> int:
    return int(time.time())


def _log_server(folder: Path) -> ThreadingHTTPServer:
    """Where the API server asks a kubelet for logs: /containerLogs/NAMESPACE/POD/CONTAINER, by TLS."""

    class Logs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            asked = parse_qs(where.query)
            path = folder / f"{where.path.split('/')[3]}.log"
            text = path.read_bytes() if path.exists() else b""
            if "tailLines" in asked:
                text = b"".join(text.splitlines(keepends=True)[-int(asked["tailLines"][0]) :])
            text = text[: int(asked["limitBytes"][0])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Quietly."""

    key, certificate = folder / "kubelet.key", folder / "kubelet.crt"
    words = [
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=played",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(["openssl", "req", *words], check=True, capture_output=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Logs)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server
