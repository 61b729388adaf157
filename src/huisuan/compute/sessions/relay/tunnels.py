"""The tunnels that are open: one a session, dialled by the agent of its centre."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from huisuan.compute.sessions.node.frames import ACTIVE, HELLO, FrameParser, MalformedFrame, pack_frame
from huisuan.compute.sessions.node.streams import Multiplexer
from huisuan.compute.sessions.relay import access
from huisuan.protocol.session_tunnel import (
    HANDSHAKE_BYTES,
    HANDSHAKE_SECONDS,
    TunnelAnswer,
    TunnelChallenge,
    TunnelHello,
    TunnelProof,
)

AsgiReceive = Callable[[], Awaitable[dict[str, Any]]]
AsgiSend = Callable[[dict[str, Any]], Awaitable[None]]
AsgiScope = MutableMapping[str, Any]

MOST_TUNNELS = 1000
CHECK_SECONDS = 2.0  # how soon a session that is over, or an agent that is revoked, is cut off
ACTIVE_SECONDS = 5.0  # between two words that somebody is there
_Word = TypeVar("_Word", bound=BaseModel)
log = logging.getLogger(__name__)


class HandshakeFailed(Exception):
    """The agent said nothing that could be understood, or went away."""


@dataclass
class Tunnel:
    """A way to one session. `secret` is the program's own: it stays between the node and the relay."""

    uid: str
    lease: int
    agent: str
    streams: Multiplexer
    send: Callable[[bytes], Awaitable[None]]
    secret: str = ""
    kind: str = ""  # of the session; "": its script is of an earlier version, and does not say
    told_active: float = field(default=float("-inf"))
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def note_active(self) -> None:
        """Tell the node that somebody works in the session."""
        now = asyncio.get_running_loop().time()
        if now - self.told_active > ACTIVE_SECONDS:
            self.told_active = now
            await self.send(pack_frame(ACTIVE))


class Tunnels:
    """Those that are open, by session."""

    def __init__(self) -> None:
        self._open: dict[str, Tunnel] = {}
        self._watch: asyncio.Task[None] | None = None

    def find(self, uid: str) -> Tunnel | None:
        """The tunnel to a session whose program answers; None: there is none now."""
        tunnel = self._open.get(uid)
        return tunnel if tunnel and tunnel.secret else None

    async def serve(self, receive: AsgiReceive, send: AsgiSend) -> None:
        """Serve the WebSocket of an agent until it ends."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        try:
            hello = await _handshake(receive, send)
        except HandshakeFailed as error:
            await send({"type": "websocket.close", "code": 1008, "reason": str(error)[:40]})
            return
        if len(self._open) >= MOST_TUNNELS:
            await send({"type": "websocket.close", "code": 1013, "reason": "too many tunnels"})
            return
        tunnel = _make_tunnel(hello, send)
        if before := self._open.get(hello.uid):
            before.over.set()  # the agent's own earlier one, of whose end nobody has heard
        self._open[hello.uid] = tunnel
        self._watch = self._watch or asyncio.create_task(self._check())
        carrying = asyncio.create_task(_carry(tunnel, receive))
        over = asyncio.create_task(tunnel.over.wait())
        try:
            await asyncio.wait([carrying, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            carrying.cancel()
            over.cancel()
            tunnel.streams.close()
            if self._open.get(hello.uid) is tunnel:
                del self._open[hello.uid]
            await send({"type": "websocket.close", "code": 1000})

    async def _check(self) -> None:
        """Cut off what is over, again and again."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not (there := [(one.uid, one.lease, one.agent) for one in self._open.values()]):
                continue
            try:
                good = await asyncio.to_thread(access.standing, there)
            except Exception as error:  # the database is away: what is open goes on for now
                log.warning("sessions could not be checked: %s", error)
                continue
            for uid, lease, agent in there:
                tunnel = self._open.get(uid)
                if not good[uid] and tunnel and (tunnel.lease, tunnel.agent) == (lease, agent):
                    tunnel.over.set()


def _make_tunnel(hello: TunnelHello, send: AsgiSend) -> Tunnel:
    lock = asyncio.Lock()

    async def send_frame(data: bytes) -> None:
        async with lock:
            await send({"type": "websocket.send", "bytes": data})

    return Tunnel(hello.uid, hello.lease, hello.agent, Multiplexer(send_frame), send_frame)


async def _carry(tunnel: Tunnel, receive: AsgiReceive) -> None:
    """Take in what the node sends."""
    parser = FrameParser()
    while (message := await receive())["type"] == "websocket.receive":
        try:
            for kind, number, payload in parser.feed(message.get("bytes") or b""):
                if kind == HELLO:
                    told = json.loads(payload)
                    tunnel.secret, tunnel.kind = str(told["secret"]), str(told.get("kind", ""))
                    await asyncio.to_thread(access.note_ready, tunnel.uid, datetime.now(UTC))
                else:
                    tunnel.streams.receive(kind, number, payload)
        except (MalformedFrame, ValueError, KeyError, TypeError) as error:
            log.warning("tunnel of %s: %s", tunnel.uid, error)
            return


async def _handshake(receive: AsgiReceive, send: AsgiSend) -> TunnelHello:
    """Who is calling, proved.

    Raises:
        HandshakeFailed: says why.
    """
    hello = await _word(receive, TunnelHello)
    challenge = secrets.token_hex(32)
    await _say(send, TunnelChallenge(challenge=challenge))
    proof = await _word(receive, TunnelProof)
    refusal = await asyncio.to_thread(access.agent_refusal, hello, challenge, proof.signature)
    await _say(send, TunnelAnswer(ok=not refusal, message=refusal))
    if refusal:
        raise HandshakeFailed("refused")
    return hello


async def _word(receive: AsgiReceive, kind: type[_Word]) -> _Word:
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            message = await receive()
    except TimeoutError:
        raise HandshakeFailed("timeout") from None
    text = message.get("text") or ""
    if message["type"] != "websocket.receive" or len(text) > HANDSHAKE_BYTES:
        raise HandshakeFailed("not a handshake")
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        raise HandshakeFailed("not a handshake") from None


async def _say(send: AsgiSend, word: BaseModel) -> None:
    await send({"type": "websocket.send", "text": word.model_dump_json()})
