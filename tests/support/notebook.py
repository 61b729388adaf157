"""A browser's side of a session: the ticket exchanged for a cookie, pages, the API of Jupyter, a kernel's WebSocket."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect

JUPYTER = Path(__file__).parents[2] / ".venv-jupyter" / "bin"


def lacking_jupyter() -> str:
    """Why no JupyterLab can be run; "" where it can."""
    return "" if (JUPYTER / "jupyter-lab").exists() else "no JupyterLab in .venv-jupyter (setup/jupyter.sh installs it)"


class Browser:
    """Asks the relay at 127.0.0.1 under the session's own host name, as a browser does that resolves *.localhost."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.entrance = parts.netloc, f"{parts.path}?{parts.query}"
        self.port = parts.port
        self.origin = f"http://{self.host}"
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Host": self.host}, trust_env=False, timeout=30
        )
        self.cookie = ""

    def enter(self) -> httpx.Response:
        """Follow the address; the cookie is kept."""
        answer = self.http.get(self.entrance)
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at something."""
        return self.http.get(path, headers={"Cookie": self.cookie, **headers})

    def post(self, path: str, content: object = None, **headers: str) -> httpx.Response:
        """Change something, as a page of the session does."""
        own = {"Cookie": self.cookie, "Origin": self.origin, **headers}
        return self.http.post(path, json=content, headers=own)

    def write(self, path: str, content: bytes) -> None:
        """Save a file of the session's."""
        model = {"type": "file", "format": "base64", "content": base64.b64encode(content).decode()}
        own = {"Cookie": self.cookie, "Origin": self.origin}
        self.http.put(f"/api/contents/{path}", json=model, headers=own).raise_for_status()

    @contextmanager
    def websocket(self, path: str, **headers: str) -> Iterator[ClientConnection]:
        """A WebSocket, as a page of the session opens it."""
        own = {"Cookie": self.cookie, "Origin": self.origin, **headers}
        with connect(
            f"ws://{self.host}{path}", additional_headers=own, proxy=None, address=("127.0.0.1", self.port)
        ) as opened:
            yield opened

    def run(self, code: str) -> str:
        """What a line of Python prints in a new kernel."""
        kernel = self.post("/api/kernels").raise_for_status().json()["id"]
        with self.websocket(f"/api/kernels/{kernel}/channels") as channels:
            channels.send(json.dumps(execute_request(code)))
            printed = ""
            while True:
                message = json.loads(channels.recv(timeout=60))
                if message["msg_type"] == "stream":
                    printed += message["content"]["text"]
                elif message["msg_type"] == "execute_reply":
                    assert message["content"]["status"] == "ok", message
                elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle" and printed:
                    return printed


def execute_request(code: str) -> dict[str, object]:
    """The message by which a notebook has a cell run."""
    header = {
        "msg_id": uuid.uuid4().hex, "username": "t", "session": uuid.uuid4().hex, "msg_type": "execute_request",
        "version": "5.3", "date": "2024-06-03T04:00:00Z",
    }  # fmt: skip
    content = {
        "code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False,
        "stop_on_error": True,
    }  # fmt: skip
    return {
        "header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": [],
    }  # fmt: skip
