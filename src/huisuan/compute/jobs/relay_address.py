"""Where the relay of interactive sessions is: for agents, for command lines, for browsers.

Three environment variables, of which `huisuan up` sets the port: HUISUAN_RELAY_PORT; HUISUAN_RELAY_URL, where agents
and command lines reach it (through a proxy, say); HUISUAN_SESSIONS_URL, where browsers do, with a * for the session:
each session has a host of its own, and so an origin of its own (docs/decisions/026-interactive-sessions.md).
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from huisuan.base.errors import InvalidRequest

PORT, URL, SESSIONS_URL = "HUISUAN_RELAY_PORT", "HUISUAN_RELAY_URL", "HUISUAN_SESSIONS_URL"


def relay_for_agents() -> str:
    """Where agents and command lines dial: an address, or `:port` of the host that they call; "" without a relay."""
    if not (port := os.environ.get(PORT)):
        return ""
    return os.environ.get(URL, "").rstrip("/") or f":{port}"


def session_origin(uid: str) -> str:
    """The origin of one session for browsers; "" without a relay."""
    return origin_pattern().replace("*", uid, 1)


def browsers_reach_sessions(platform_host: str) -> bool:
    """Whether a browser that called the platform by that host (maybe with a port) can go to a session's origin."""
    name = urlsplit(f"//{platform_host}").hostname or ""
    return (
        bool(os.environ.get(SESSIONS_URL)) or name in ("127.0.0.1", "::1", "localhost") or name.endswith(".localhost")
    )


def origin_pattern() -> str:
    """The origin of sessions, with * for the session: by default names that browsers resolve to this machine.

    Raises:
        InvalidRequest: what is configured has no host of its own for each session.
    """
    given = os.environ.get(SESSIONS_URL, "").rstrip("/")
    if not given:
        return f"http://*.localhost:{port}" if (port := os.environ.get(PORT)) else ""
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc.startswith("*.") or parts.path or "*" in given[10:]:
        raise InvalidRequest(
            f"{SESSIONS_URL}={given}：应形如 https://*.会话专用域名，每个会话一个主机名",
            code="session.address_malformed",
        )
    return given
