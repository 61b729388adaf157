"""Where a webhook may lead: to the internet, and to nothing that only looks like it."""

from __future__ import annotations

import ipaddress

import pytest

from huisuan.messages.http_post import is_public

CLOSED = (
    "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.88.99.1", "fec0::1", "feff::1", "100.64.0.1",
    "198.18.0.1", "240.0.0.1", "255.255.255.255", "0.1.2.3", "127.0.0.1", "10.0.0.1", "169.254.169.254",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:a00:1::1", "2002:808:808::1", "2001:0:53aa::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:0:10.0.0.1", "::10.0.0.1", "::127.0.0.1", "::", "::1", "fe80::1",
    "fc00::1", "ff02::1", "224.0.0.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2001:db8::1", "100::1",
    "203.0.113.5", "2001:20::1", "5f00::1",
)  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_a_special_address_is_not_the_internet(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2400:3200::1", "::ffff:8.8.8.8", "192.0.1.1", "198.20.0.1"])
def test_the_internet_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
