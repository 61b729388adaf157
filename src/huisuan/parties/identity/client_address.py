"""Where a request comes from: the address behind the trusted proxies, and the device that came in before."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from django.conf import settings
from django.http import HttpRequest

DEVICE_COOKIE = "huisuan_device"
DEVICE_SECONDS = 180 * 86400
_IPV6_SITE_PREFIX = 64  # one household or host has a whole /64: its addresses count as one
_UNKNOWN_ADDRESS = ip_address("0.0.0.0")  # noqa: S104  # a socket without an address

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpNetwork: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True)
class ClientPlace:
    """An address (of IPv6 its /64) and, where the browser brought one, the digest of its device cookie."""

    address: str
    device: str = ""

    @property
    def names(self) -> list[str]:
        """What this place may be known by, the surest first."""
        return [*filter(None, [self.device]), self.address]


def client_place(request: HttpRequest) -> ClientPlace:
    """The place of a request."""
    address = resolve_client_address(request.META, parse_networks(settings.HUISUAN_PROXIES))
    cookie = request.COOKIES.get(DEVICE_COOKIE, "")
    return ClientPlace(_throttled_address(address), device_digest(cookie) if cookie else "")


def client_address(request: HttpRequest) -> str:
    """The address as a record names it."""
    return str(resolve_client_address(request.META, parse_networks(settings.HUISUAN_PROXIES)))


def parse_networks(texts: Sequence[str]) -> list[IpNetwork]:
    """Trusted proxies as settings name them: addresses or networks.

    Raises:
        ValueError: one is neither.
    """
    return [ip_network(text.strip(), strict=False) for text in texts]


def resolve_client_address(meta: Mapping[str, str], proxies: Sequence[IpNetwork]) -> IpAddress:
    """The nearest address that is no trusted proxy: X-Forwarded-For is read from the right, as far as it is trusted.

    What a caller writes into the header itself stands to the left of what the proxies added, and is never reached.
    """
    here = _parse_address(meta.get("REMOTE_ADDR", "")) or _UNKNOWN_ADDRESS
    for hop in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not any(here in network for network in proxies):
            break
        before = _parse_address(hop)
        if before is None:
            break
        here = before
    return here


def new_device_cookie() -> str:
    """The value of a device cookie."""
    return secrets.token_urlsafe(24)


def device_digest(cookie: str) -> str:
    """What is kept of a device cookie."""
    return "d:" + hashlib.sha256(cookie.encode()).hexdigest()[:48]


def _throttled_address(address: IpAddress) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_SITE_PREFIX), strict=False))
    return str(address)


def _parse_address(text: str) -> IpAddress | None:
    """An address, also with a port as some proxies write it."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
