"""Where a request comes from: the nearest address that is no trusted proxy, whatever a caller writes to its left."""

from __future__ import annotations

import pytest

from huisuan.parties.identity.client_address import parse_networks, resolve_client_address

PROXIES = parse_networks([" 10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("here", "forwarded", "found"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # no proxy: what it forwards is its own word
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8::1", "[2001:4860::8]:443", "2001:4860::8"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "0.0.0.0"),
        ("not an address", "198.51.100.1", "0.0.0.0"),
    ],
)
def test_only_what_a_trusted_proxy_added_is_believed(here: str, forwarded: str, found: str) -> None:
    meta = {"REMOTE_ADDR": here} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    assert str(resolve_client_address(meta, PROXIES)) == found


def test_a_proxy_that_is_neither_address_nor_network_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy"):
        parse_networks(["proxy"])
