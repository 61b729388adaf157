"""An open tab is not somebody who works: what VS Code sends by itself does not keep its session from ending."""

from __future__ import annotations

import os
import struct
import sys

import pytest

from huisuan.compute.jobs.relay_address import PORT
from huisuan.compute.sessions.node.bridge import ACTIVE_FILE, session_folder
from huisuan.compute.sessions.relay.activity import ActivityFilter
from support.notebook import Browser
from support.session_site import RelayProcess, SessionSite, until

KEEP_ALIVE, ACKNOWLEDGED, REGULAR = 9, 3, 1
#: takes WebSockets on the session's socket and says each message back
ECHOES = """#!{python}
import sys
from websockets.sync.server import unix_serve
def echo(socket):
    for message in socket:
        socket.send(message)
path = next(word.split("=", 1)[1] for word in sys.argv if word.startswith("--socket="))
with unix_serve(echo, path, compression=None) as server:
    server.serve_forever()
"""


def frame(kind: int, payload: bytes = b"") -> bytes:
    """A message of VS Code's remote protocol."""
    return struct.pack(">BIII", kind, 7, 7, len(payload)) + payload


def test_keeping_alive_and_measuring_the_way_is_nobody_and_several_messages_are_somebody() -> None:
    activity = ActivityFilter("vscode")
    quiet = frame(KEEP_ALIVE) + frame(ACKNOWLEDGED)
    assert not any(activity.tells(quiet, second) for second in range(0, 3600, 5))
    assert not any(activity.tells(frame(REGULAR, b"ping"), second) for second in range(3600, 7200, 60))
    typed = [activity.tells(frame(REGULAR, b"x") + quiet, 7200 + second) for second in range(3)]
    assert typed == [False, False, True]
    assert not activity.tells(quiet, 7260)
    assert activity.tells(b"no frame", 7300)
    assert activity.tells("text", 7300)
    for other in ("jupyter", "shell", ""):
        assert ActivityFilter(other).tells(quiet, 0)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_open_tab_of_vs_code_is_not_noted_and_one_that_is_worked_in_is(
    site: SessionSite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("node")
    (folder / "code-server").write_text(ECHOES.replace("{python}", sys.executable))
    (folder / "code-server").chmod(0o755)
    session = site.start("vscode", environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    site.ready(session.uid)
    browser = Browser(site.client.open_session(session.uid).url)
    browser.enter()
    active = session_folder(session.uid) / ACTIVE_FILE
    os.utime(active, (1000, 1000))
    with browser.websocket("/stable") as tab:
        for _ in range(20):
            tab.send(frame(KEEP_ALIVE) + frame(ACKNOWLEDGED))
            assert tab.recv(timeout=20)
        assert active.stat().st_mtime == 1000
        for _ in range(3):
            tab.send(frame(REGULAR, b"typed"))
            assert tab.recv(timeout=20)
        until(lambda: active.stat().st_mtime > 1000, "the word that somebody is there")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_relay_that_moved_is_dialled_anew_by_sessions_that_run(
    site: SessionSite, relay: RelayProcess, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("node")
    (folder / "code-server").write_text(ECHOES.replace("{python}", sys.executable))
    (folder / "code-server").chmod(0o755)
    session = site.start("vscode", environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    site.ready(session.uid)
    moved = RelayProcess()
    monkeypatch.setenv(PORT, str(moved.port))
    moved.start()
    try:

        def answers() -> bool:
            site.agent.step()
            browser = Browser(site.client.open_session(session.uid).url)
            assert browser.port == moved.port
            if browser.enter().status_code != 303:
                return False
            try:
                with browser.websocket("/stable") as tab:
                    tab.send("x")
                    return tab.recv(timeout=20) == "x"
            except Exception:
                return False

        until(answers, "the session through the relay that moved")
    finally:
        moved.kill()
