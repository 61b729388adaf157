"""Where the platform is and as whom to speak to it: `huisuan login`, else the platform running on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import platformdirs
import psutil

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound
from huisuan.base.paths import ensure_folder, home, write_private
from huisuan.client.client import Client

_T = TypeVar("_T")
CREDENTIALS = "credentials.json"
INSTANCE_FILE = "instance.json"


@dataclass(frozen=True)
class Login:
    """An address and the token to show there."""

    url: str
    token: str


@dataclass(frozen=True)
class Instance:
    """The platform running on this machine; `born` (seconds since 1970) tells its process from a later one."""

    url: str
    pid: int
    born: float
    token: str

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.born) < 1)
        except psutil.Error:
            return False


def credentials_path() -> Path:
    """Where `huisuan login` keeps its token: `HUISUAN_HOME` if set, else the user's own configuration directory."""
    if os.environ.get("HUISUAN_HOME"):
        return home() / CREDENTIALS
    return Path(platformdirs.user_config_dir("huisuan", appauthor=False)) / CREDENTIALS


def remembered() -> Login | None:
    """Where `huisuan login` signed in."""
    return _load(credentials_path(), Login)


def remember(login: Login) -> Path:
    """Keep a login, readable by its owner only; returns where."""
    path = credentials_path()
    ensure_folder(path.parent)
    write_private(path, json.dumps(asdict(login), indent=2))
    return path


def forget() -> None:
    """Drop the login."""
    credentials_path().unlink(missing_ok=True)


def running_here() -> Instance | None:
    """The platform that `huisuan up` runs on this machine; a stale note of one is no platform."""
    found = _load(home() / INSTANCE_FILE, Instance)
    return found if found and found.alive else None


def connect(timeout: float = 30) -> Client:
    """The platform to speak to: `HUISUAN_URL` with `HUISUAN_TOKEN`, else the login, else the one running here.

    `timeout`: seconds for each step of an answer.

    Raises:
        NotFound: there is none.
        NotAllowed: the file cannot be read by this user.
        InvalidRequest: the file is damaged.
    """
    url, token = os.environ.get("HUISUAN_URL"), os.environ.get("HUISUAN_TOKEN", "")
    if url:
        return Client(url, token, timeout=timeout)
    login = remembered() or running_here()
    if login is None:
        raise NotFound(
            "没有登录，本机也没有运行平台：请先 huisuan login 网址，或在本机运行 huisuan up",
            code="client.not_signed_in",
        )
    return Client(login.url, login.token, timeout=timeout)


def _load(path: Path, kind: type[_T]) -> _T | None:
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise NotAllowed(f"无权读取 {path}：它属于另一个系统用户", code="file.not_readable") from None
    except (ValueError, TypeError):
        raise InvalidRequest(f"{path} 已损坏：请删除它后重试", code="client.credentials_damaged") from None
