"""Sending a message to an address that a user wrote down, without letting it reach what only the platform can reach.

The name is resolved once, the address that comes out is checked, and that very address is connected to: a name that
answers differently the second time gains nothing. Nothing is followed, and nothing of the answer is read but its code.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpcore

_SECONDS = 5.0  # for all of it: a receiver that drips a byte a second holds nobody up
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: what `is_global` lets through or leaves to the version of Python: special by RFC 6890, 7526, 6052, 8215, 3879, 2765
CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
            "192.175.48.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
            "2001::/23", "2002::/16", "5f00::/16", "fec0::/10", "::/96", "::ffff:0:0:0/96",
        ),
    )
)  # fmt: skip


class NotDelivered(Exception):
    """The message did not arrive; says why."""


def post(
    url: str, body: bytes, headers: Mapping[str, str], allowed: Sequence[Network] = (), seconds: float = _SECONDS
) -> None:
    """Deliver a message; `allowed` are networks that may be reached though they are not public.

    Raises:
        NotDelivered: no public address, no answer in time, or another answer than 2xx.
    """
    deadline = time.monotonic() + seconds
    try:
        with httpcore.ConnectionPool(network_backend=_Checked(allowed, deadline)) as pool:
            sent = [*{"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items()]
            limits = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}
            with pool.stream("POST", url, headers=sent, content=body, extensions=limits) as answer:
                status = answer.status
    except httpcore.TimeoutException:
        raise NotDelivered(f"{seconds:g} 秒内没有回答") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise NotDelivered(f"连不上或不是 HTTP：{error}") from None
    except (OSError, ValueError, UnicodeError) as error:
        raise NotDelivered(f"连不上：{error}") from None
    if not 200 <= status < 300:
        raise NotDelivered(f"回答 {status}" + ("（不跟随重定向）" if 300 <= status < 400 else ""))


def public_address(host: str, port: int, allowed: Iterable[Network] = ()) -> str:
    """The first address of a name that anyone on the internet could reach, or that is allowed.

    Raises:
        NotDelivered: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotDelivered(f"解析不了 {host}：{error}") from None
    networks = list(allowed)
    for *_, place in found:
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        if is_public(address) or any(address in network for network in networks):
            return str(address)
    raise NotDelivered(f"{host} 的地址不在公网：平台不向内网发通知，除非运维把那个网段写进 HUISUAN_NOTIFY_NETWORKS")


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, by whatever notation an inner one may hide in."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if any(address in network for network in CLOSED if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Checked(httpcore.SyncBackend):
    """Connects to checked addresses only, and to none after the deadline."""

    def __init__(self, allowed: Sequence[Network], deadline: float) -> None:
        super().__init__()
        self.allowed, self.deadline = allowed, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = public_address(host, port, self.allowed)
        stream = super().connect_tcp(address, port, _left(self.deadline), local_address, socket_options)
        return _Hurried(stream, self.deadline)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise NotDelivered("不是网址")


class _Hurried(httpcore.NetworkStream):
    """A stream on which everything has to be over by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Hurried(self.stream.start_tls(ssl_context, server_hostname, _left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is up")
    return left
