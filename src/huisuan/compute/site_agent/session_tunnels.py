"""Tunnels to the interactive sessions that run at the centre: dialled from here, so that no port is opened here.

For each session that runs, a bridge is started beside it on its node (the engine says how), and its two pipes are
carried over a WebSocket to the platform's relay. The agent understands nothing of what passes. Level-triggered: what is
wanted is said again and again; a tunnel that breaks is dialled anew, after a pause that grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from huisuan.compute.engines.interface import BridgeCommand, Engine, EngineError, ReachesRuns
from huisuan.compute.site_agent.link import NO_PROXY
from huisuan.compute.site_agent.state import RunLease
from huisuan.protocol.session_tunnel import (
    HANDSHAKE_SECONDS,
    TUNNEL_PATH,
    TunnelAnswer,
    TunnelChallenge,
    TunnelHello,
    TunnelProof,
    relay_address,
)
from huisuan.protocol.signatures import sign_tunnel

_PIECE_BYTES = 64 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_QUIET_SECONDS = 1.5
_END_SECONDS = 5.0
_STEADY_SECONDS = 30.0  # a tunnel that held so long is dialled anew at once
_ERROR_BYTES = 2000


class TunnelRefused(Exception):
    """The relay let the tunnel not in; says why."""


class SessionTunnels:
    """The tunnels of one agent, in a thread of their own with an event loop. `platform` is the address it calls."""

    def __init__(
        self, engine: Engine, platform: str, agent: str, key: Ed25519PrivateKey, log: Callable[[str], None],
        *, ca: Path | None = None,
    ) -> None:  # fmt: skip
        self.engine, self.platform, self.agent, self.key, self._log = engine, platform, agent, key, log
        self.ca = ca
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: dict[RunLease, tuple[str, asyncio.Task[None]]] = {}  # with the relay that each is dialled to
        self._wanted: tuple[str, Mapping[RunLease, str]] = ("", {})

    def want(self, relay: str, runs: Mapping[RunLease, str]) -> None:
        """Keep tunnels to exactly these runs, by uid and lease the run's name. Costs nothing where none are wanted."""
        if not relay or not isinstance(self.engine, ReachesRuns):
            runs = {}
        if (relay, runs) == self._wanted:
            return
        self._wanted = relay, dict(runs)
        if self._loop is None and runs:
            self._start()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._apply, relay, dict(runs))

    def close(self) -> None:
        """End them all, and wait a moment for their bridges."""
        if self._loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._end_all(), self._loop)
            self._thread.join(2 * _END_SECONDS)
            self._loop = self._thread = None
            self._wanted = ("", {})

    # --- in the thread

    def _start(self) -> None:
        loop = self._loop = asyncio.new_event_loop()

        def run() -> None:
            loop.run_forever()
            loop.close()

        self._thread = threading.Thread(target=run, name="session tunnels", daemon=True)
        self._thread.start()

    def _apply(self, relay: str, runs: Mapping[RunLease, str]) -> None:
        for key, (dialled, task) in list(self._tasks.items()):
            if key not in runs or dialled != relay or task.done():
                task.cancel()
                del self._tasks[key]
        for key, name in runs.items():
            if key not in self._tasks:
                self._tasks[key] = relay, asyncio.get_event_loop().create_task(self._keep(relay, key, name))

    async def _end_all(self) -> None:
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.get_running_loop().stop()

    async def _keep(self, relay: str, key: RunLease, name: str) -> None:
        """Keep one tunnel open for as long as it is wanted."""
        pause, told = _FIRST_PAUSE, ""
        address = relay_address(self.platform, relay, TUNNEL_PATH)
        while True:
            began = asyncio.get_running_loop().time()
            try:
                assert isinstance(self.engine, ReachesRuns)
                command = await asyncio.to_thread(self.engine.bridge_command, name)
                why = await self._tunnel(address, key, command)
            except (EngineError, TunnelRefused, WebSocketException, ValidationError, OSError, TimeoutError) as error:
                why = str(error) or type(error).__name__
            if asyncio.get_running_loop().time() - began > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            if why and why != told and pause > _QUIET_SECONDS:  # at first the run may only be about to begin
                self._log(f"会话 {key[0]} 的隧道断开，将重连：{why}")
                told = why
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _tunnel(self, address: str, key: RunLease, command: BridgeCommand) -> str:
        """One tunnel from its beginning to its end; why it ended, "" where the relay closed it in order."""
        local = any(f"//{host}:" in address or f"//[{host}]" in address for host in NO_PROXY)
        trust = ssl.create_default_context(cafile=str(self.ca)) if self.ca and address.startswith("wss:") else None
        async with connect(
            address, ssl=trust, proxy=None if local else True, compression=None, max_size=1024 * 1024, close_timeout=2,
            max_queue=4,
        ) as relay:  # fmt: skip
            await self._introduce(relay, key)
            bridge = await _start_bridge(command)
            try:
                return await _carry(relay, bridge)
            finally:
                await _end_bridge(bridge)

    async def _introduce(self, relay: ClientConnection, key: RunLease) -> None:
        """Prove who calls.

        Raises:
            TunnelRefused: says why.
        """
        async with asyncio.timeout(3 * HANDSHAKE_SECONDS):
            await relay.send(TunnelHello(agent=self.agent, uid=key[0], lease=key[1]).model_dump_json())
            asked = TunnelChallenge.model_validate_json(await relay.recv())
            signature = sign_tunnel(self.key, asked.challenge, *key)
            await relay.send(TunnelProof(signature=signature).model_dump_json())
            answer = TunnelAnswer.model_validate_json(await relay.recv())
        if not answer.ok:
            raise TunnelRefused(answer.message)


async def _start_bridge(command: BridgeCommand) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command.words,
        env=dict(command.environment),
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        user=command.user,
        group=command.group,
        extra_groups=[] if command.user is not None and os.geteuid() == 0 else None,
        start_new_session=True,
    )


async def _end_bridge(bridge: asyncio.subprocess.Process) -> None:
    """Let it end by the end of its input; a step of Slurm's takes a moment."""
    if bridge.stdin is not None:
        bridge.stdin.close()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await bridge.wait()
    except TimeoutError:
        pass
    finally:
        if bridge.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                bridge.kill()


async def _carry(relay: ClientConnection, bridge: asyncio.subprocess.Process) -> str:
    """Carry bytes both ways until one side ends; why."""
    assert bridge.stdin is not None
    assert bridge.stdout is not None
    assert bridge.stderr is not None
    tasks = [asyncio.create_task(_inwards(relay, bridge.stdin)), asyncio.create_task(_outwards(bridge.stdout, relay))]
    words = asyncio.create_task(_last_words(bridge.stderr))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[1] in done:  # the bridge went first: it may have said why
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    return await words or "桥接进程结束了"
        return ""
    finally:
        for task in (*tasks, words):
            task.cancel()


async def _inwards(relay: ClientConnection, pipe: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        async for message in relay:
            if isinstance(message, bytes):
                pipe.write(message)
                await pipe.drain()


async def _outwards(pipe: asyncio.StreamReader, relay: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        while piece := await pipe.read(_PIECE_BYTES):
            await relay.send(piece)


async def _last_words(pipe: asyncio.StreamReader) -> str:
    kept = b""
    while piece := await pipe.read(_PIECE_BYTES):
        kept = (kept + piece)[-_ERROR_BYTES:]
    return kept.decode(errors="replace").strip().replace("\n", "；")
