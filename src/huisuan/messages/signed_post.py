"""Webhooks of every room: a body with the platform's signature over it, to an address that a user wrote down."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings

from huisuan import __version__
from huisuan.base.errors import InvalidRequest
from huisuan.messages.http_post import Network, post
from huisuan.protocol.agent import SIGNATURE

EVENT = "Huisuan-Event"  # header: what names the event, the same for each try
Sign = Callable[[bytes], str]


def allowed_networks() -> list[Network]:
    """The networks that webhooks may reach though they are not public: `HUISUAN_NOTIFY_NETWORKS`.

    Raises:
        InvalidRequest: one of them is none.
    """
    try:
        return [ipaddress.ip_network(network) for network in settings.HUISUAN_NOTIFY_NETWORKS]
    except ValueError as error:
        raise InvalidRequest(
            f"HUISUAN_NOTIFY_NETWORKS：{error}；应形如 10.20.0.0/16,192.168.1.5/32", code="webhook.networks_malformed"
        ) from None


def post_signed(url: str, body: bytes, event: str, sign: Sign, networks: Sequence[Network]) -> None:
    """Send it; the receiver checks `SIGNATURE` with the platform's public key.

    Raises:
        NotDelivered: not taken, with the reason.
    """
    headers = {"User-Agent": f"huisuan/{__version__}", EVENT: event, SIGNATURE: sign(body)}
    post(url, body, headers, networks)
