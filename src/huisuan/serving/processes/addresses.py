"""Addresses of the platform's servers: free ports, the names under which they may be asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

import psutil

from huisuan.base.errors import Conflict, InvalidRequest

_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # what people write for "all of this machine's"


def free_port(host: str, port: int, option: str = "--port") -> int:
    """The port, or a free one for 0.

    Raises:
        Refused: it is taken, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            if isinstance(error, socket.gaierror) or getattr(error, "errno", 0) == errno.EADDRNOTAVAIL:
                raise InvalidRequest(f"--host {host}：不是本机的地址", code="platform.host_not_ours") from None
            raise Conflict(
                f"端口 {port} 不能用（{_holder(port) or error}）：请用 {option} 换一个，例如 {option} {port + 1}",
                code="platform.port_taken",
            ) from None
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    """Which process holds the port, if this user may know."""
    with contextlib.suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid:
                return f"进程 {one.pid} {psutil.Process(one.pid).name()} 占用"
    return ""


def platform_url(host: str, port: int) -> str:
    """Where this machine reaches what listens there."""
    shown = "127.0.0.1" if host in _EVERY_ADDRESS else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def host_names(host: str) -> str:
    """The names under which the web may be asked for: what was configured, and this machine's own where it listens."""
    names = [*filter(None, os.environ.get("HUISUAN_HOSTS", "").split(","))]
    if host in _EVERY_ADDRESS:
        own = [address.address for addresses in psutil.net_if_addrs().values() for address in addresses]
        names += [socket.gethostname(), *(address for address in own if address.count(".") == 3)]
    else:
        names.append(f"[{host}]" if ":" in host else host)
    return ",".join(names)
