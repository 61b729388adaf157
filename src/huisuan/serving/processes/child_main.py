"""The processes of a running platform: `python -m huisuan.serving.processes.child_main web|worker|relay|agent`.

Each holds a line to its supervisor, its standard input: when that ends, however the supervisor died, the
child stops as on SIGTERM. The agent's invitation comes over the same line, where no other process can read it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from huisuan.base.allocator import return_large_blocks

_MAX_CONNECTIONS = 4096
_WORKER_GRACE_SECONDS = 5


def exit_when_parent_dies() -> None:
    """Stop this process when its supervisor is gone."""

    def listen() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()


def web(host: str, port: str) -> None:
    """The pages and the API."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    from huisuan.serving.http.body import GAP_SECONDS

    _allow_connections(_MAX_CONNECTIONS)
    Server(
        "huisuan.serving.http.asgi:application",
        address=host,
        port=int(port),
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # its deadline for headers is HTTP/1's; a proxy in front may speak HTTP/2 itself
        http1_settings=HTTP1Settings(header_read_timeout=int(1000 * GAP_SECONDS)),
        backlog=_MAX_CONNECTIONS,
        backpressure=_MAX_CONNECTIONS,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=5,
    ).serve()


def relay(host: str, port: str) -> None:
    """The relay of interactive sessions: pages and WebSockets of programs that run at the centres."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    from huisuan.serving.http.body import GAP_SECONDS

    _allow_connections(_MAX_CONNECTIONS)
    Server(
        "huisuan.compute.sessions.relay.asgi:application",
        address=host,
        port=int(port),
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=int(1000 * GAP_SECONDS)),
        workers=1,  # the tunnels are in its memory
        backlog=_MAX_CONNECTIONS,
        backpressure=_MAX_CONNECTIONS,
        websockets=True,
        log_level=LogLevels.error,
        workers_kill_timeout=5,
    ).serve()


def _allow_connections(most: int) -> None:
    """Let this process and its own hold that many sockets, as far as the system lets it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * most + 512  # each may have a file beside it
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def worker() -> None:
    """Tasks in the background, on the same PostgreSQL."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huisuan.serving.settings")
    import django
    from django.core.management import call_command

    django.setup()
    keep = ("--delete-jobs", "successful")  # there are thousands a day
    call_command("procrastinate", "worker", "--shutdown-graceful-timeout", str(_WORKER_GRACE_SECONDS), *keep)


def agent(url: str, folder: str, slots: str, word: str) -> None:
    """The site agent of the centre on this machine; the jobs that run end with the platform."""
    from huisuan.compute.site_agent.config import CONFIG, Config, load_config, write_config
    from huisuan.compute.site_agent.process import has_joined, join, serve

    place = Path(folder)
    config = Config(url=url, engine="local", options={"slots": slots})
    if (place / CONFIG).exists():
        config = replace(load_config(place), url=url, engine="local", options={"slots": slots})
    if word and not has_joined(place, word):
        join(place, config, word)
    write_config(place, config)  # the platform may be at another port than last time
    serve(place, end_jobs=True)


def main(kind: str, *arguments: str) -> None:
    """Run one of them."""
    secret = bytearray()
    while not secret.endswith(b"\n"):
        secret += os.read(0, 1) or b"\n"
    exit_when_parent_dies()
    return_large_blocks()
    # an agent opens some folders to the users that jobs run as, and closes the rest itself
    os.umask(0o022 if kind == "agent" else 0o077)
    if kind in ("web", "relay"):
        host, port = arguments
        (web if kind == "web" else relay)(host, port)
    elif kind == "worker":
        worker()
    else:
        url, folder, slots = arguments
        agent(url, folder, slots, secret.decode().strip())


if __name__ == "__main__":
    main(*sys.argv[1:])
