"""What of a browser's request goes to a session's program, and what of its answer comes back. Pure.

The program is not trusted with the relay's cookie, nor with cookies for other hosts; the browser is not told the
program's own secret, which is put in here.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

COOKIE = "huisuan-session"
HOST_COOKIE = f"__Host-{COOKIE}"  # over HTTPS: no other host, and no path, can have set it
Headers = list[tuple[bytes, bytes]]
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
_OF_A_HANDSHAKE = b"sec-websocket-"


def first_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The first value of a header; "" without one."""
    return next((value.decode("latin1") for key, value in headers if key.lower() == name), "")


def relay_cookie(headers: Iterable[tuple[bytes, bytes]], secure: bool) -> str:
    """The relay's own cookie; "" without one. Over HTTPS only the one that no other host can have set."""
    wanted = HOST_COOKIE if secure else COOKIE
    for name, value in _cookies(headers):
        if name == wanted:
            return value
    return ""


def request_headers(headers: Iterable[tuple[bytes, bytes]], secret: str) -> Headers:
    """A request's headers as the program is to see them, with its secret."""
    given = list(headers)
    kept = [
        (name, value)
        for name, value in given
        if name.lower() not in _HOP_BY_HOP
        and not name.lower().startswith(_OF_A_HANDSHAKE)
        and name.lower() not in (b"cookie", b"authorization")
    ]
    own = "; ".join(f"{name}={value}" for name, value in _cookies(given) if name not in (COOKIE, HOST_COOKIE))
    if own:
        kept.append((b"cookie", own.encode("latin1")))
    return [*kept, (b"authorization", f"token {secret}".encode())]


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """An answer's headers as the browser is to see them."""
    kept: Headers = []
    for name, value in headers:
        small = name.lower()
        if small == b"set-cookie":
            kept += [(small, cookie) for cookie in _own_cookie(value)]
        elif small not in _HOP_BY_HOP:
            kept.append((small, value))
    return kept


def _cookies(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    found = []
    for key, value in headers:
        if key.lower() == b"cookie":
            for part in value.decode("latin1").split(";"):
                name, _, text = part.strip().partition("=")
                found.append((name, text))
    return found


def _own_cookie(value: bytes) -> list[bytes]:
    """A cookie that the program sets, for its own host alone; none for one that is not its to set."""
    try:
        parsed = SimpleCookie(value.decode("latin1"))
    except CookieError:
        return []
    kept = []
    for name, morsel in parsed.items():
        if name not in (COOKIE, HOST_COOKIE):
            morsel["domain"] = ""
            kept.append(morsel.OutputString().encode("latin1"))
    return kept
