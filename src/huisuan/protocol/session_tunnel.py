"""How an agent introduces itself to the relay, before the frames of the tunnel begin (compute.sessions.node.frames).

Over a WebSocket, in JSON: the agent's `TunnelHello`, the relay's `TunnelChallenge`, the agent's `TunnelProof` (its
signature over the challenge), the relay's `TunnelAnswer`. A recorded proof is worth nothing: no challenge comes twice.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field

from huisuan.protocol.agent import Hex64, Hex128, LineText
from huisuan.protocol.resources import RequestModel, ResponseModel

TUNNEL_PATH = "/tunnel/v1"
TERMINAL_PATH = "/terminal/v1"  # of a command line; its ticket comes as a bearer token
TUNNEL_PROTOCOL = 1
HANDSHAKE_SECONDS = 15.0  # for each word
HANDSHAKE_BYTES = 4096  # of a word, at most


class TunnelHello(RequestModel):
    """Which agent calls, for which run of which session."""

    protocol: int = Field(default=TUNNEL_PROTOCOL, ge=1, lt=2**15)
    agent: LineText = Field(min_length=8, max_length=36)
    uid: Annotated[str, Field(pattern=r"^[0-9a-z]{20,32}$")]
    lease: int = Field(ge=1, lt=2**31)


class TunnelChallenge(ResponseModel):
    """What the agent has to sign."""

    challenge: Hex64


class TunnelProof(RequestModel):
    """The agent's signature (protocol.signatures.sign_tunnel), in hex."""

    signature: Hex128


class TunnelAnswer(ResponseModel):
    """Whether the tunnel is let in; if not, why."""

    ok: bool
    message: str = ""


def relay_address(platform: str, relay: str, path: str) -> str:
    """The WebSocket address of a path of the relay; `relay` as a sync reply gives it, `platform` the address called."""
    whole = urlsplit(relay if "://" in relay else platform)
    scheme = {"https": "wss", "http": "ws"}.get(whole.scheme, whole.scheme)
    place = whole.netloc
    if "://" not in relay:
        host = f"[{whole.hostname}]" if ":" in (whole.hostname or "") else whole.hostname
        place = f"{host}{relay}"
    prefix = whole.path.rstrip("/") if "://" in relay else ""
    return urlunsplit((scheme, place, f"{prefix}{path}", "", ""))
