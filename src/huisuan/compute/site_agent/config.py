"""Where an agent belongs and what it runs jobs with: `agent.toml` in its folder, written by `huisuan agent enrol`."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound
from huisuan.base.paths import ensure_folder, home, write_private
from huisuan.compute.site_agent.backoff import BUSY_SECONDS, IDLE_SECONDS
from huisuan.compute.site_agent.files.kept import Quota
from huisuan.protocol.signatures import load_key

CONFIG, STATE_FILE, KEY, LOCK, JOBS = "agent.toml", "memory.sqlite3", "agent-key", "agent.lock", "jobs"
MOST_KEEP_DAYS = 365  # the agent keeps for 400 days which runs are closed
_SECONDS = {"busy_seconds": BUSY_SECONDS, "idle_seconds": IDLE_SECONDS}
#: whole numbers: where they are not given, the least, the most
_WHOLE = {
    "keep_days": (0, 0, MOST_KEEP_DAYS),
    "output_days": (Quota.days, 1, MOST_KEEP_DAYS),
    "output_gib": (Quota.bytes_a_run // 2**30, 1, 1_000_000),
}


@dataclass(frozen=True)
class Config:
    """What `agent.toml` says. `options` are the engine's own; `ca` is a file of certificates to trust."""

    url: str
    engine: str
    options: Mapping[str, str] = field(default_factory=dict)
    ca: str = ""
    busy_seconds: float = BUSY_SECONDS
    idle_seconds: float = IDLE_SECONDS
    keep_days: int = 0
    output_days: int = Quota.days
    output_gib: int = Quota.bytes_a_run // 2**30

    @property
    def quota(self) -> Quota:
        """What is kept of the results of runs that are over."""
        return Quota(self.output_days, self.output_gib * 2**30)


def agent_folder() -> Path:
    """Where the agent keeps everything: `HUISUAN_AGENT_HOME`, else `agent` in the data directory."""
    named = os.environ.get("HUISUAN_AGENT_HOME")
    return Path(named).expanduser().resolve() if named else home() / "agent"


def write_config(folder: Path, config: Config) -> Path:
    """Write `agent.toml`; returns where."""
    path = ensure_folder(folder) / CONFIG
    lines = [
        "# 站点代理的配置；由 huisuan agent enrol 写成，可以手改，改后重启代理。",
        f"url = {_quoted(config.url)}",
        f"engine = {_quoted(config.engine)}",
        f"ca = {_quoted(config.ca)}  # 平台证书由私有 CA 签发时，CA 证书文件",
        f"busy_seconds = {config.busy_seconds}  # 有事时多久同步一次",
        f"idle_seconds = {config.idle_seconds}  # 无事时最长多久同步一次",
        f"keep_days = {config.keep_days}  # 作业结束、平台收齐之后，它的运行目录再留几天",
        f"output_days = {config.output_days}  # 结果文件夹（作业写明 outputs 的）留几天",
        f"output_gib = {config.output_gib}  # 一次运行的结果超过这么多 GiB 的，只留一天",
        "",
        "[options]  # 执行引擎自己的选项",
        *(f"{_quoted(name)} = {_quoted(value)}" for name, value in sorted(config.options.items())),
    ]
    write_private(path, "\n".join(lines) + "\n")
    return path


def load_config(folder: Path) -> Config:
    """What `agent.toml` says.

    Raises:
        Refused: there is none, or it is not written so; says where and what to do.
    """
    path = folder / CONFIG
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"没有 {path}：这里还没有加入平台，请先 huisuan agent enrol 网址 --token 邀请码", code="agent.not_enrolled"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path} 不是合法的 TOML：{error}", code="file.not_toml") from None
    except PermissionError:
        raise NotAllowed(f"无权读取 {path}：请以安装代理的用户运行", code="file.not_readable") from None
    return _check_config(found, path)


def _check_config(found: dict[str, Any], path: Path) -> Config:
    known = {
        "url": str,
        "engine": str,
        "ca": str,
        "options": dict,
        "busy_seconds": (int, float),
        "idle_seconds": (int, float),
        **dict.fromkeys(_WHOLE, int),
    }
    for name, value in found.items():
        if name not in known:
            raise InvalidRequest(f"{path}：不认识 {name}；可写的有 {'、'.join(known)}", code="agent.option_unknown")
        if not isinstance(value, known[name]) or isinstance(value, bool):  # type: ignore[arg-type]
            raise InvalidRequest(f"{path}：{name} 的值 {value!r} 类型不对", code="agent.option_malformed")
    for name in ("url", "engine"):
        if not found.get(name):
            raise InvalidRequest(f"{path}：缺 {name}", code="agent.option_missing")
    for name, usual in _SECONDS.items():
        if not 0.05 <= found.get(name, usual) <= 60:
            raise InvalidRequest(
                f"{path}：{name} 的值 {found[name]} 应在 0.05 至 60 秒之间", code="agent.option_out_of_bounds"
            )
    for name, (usual_days, least, most) in _WHOLE.items():
        if not least <= found.get(name, usual_days) <= most:
            raise InvalidRequest(
                f"{path}：{name} 的值 {found[name]} 应在 {least} 至 {most} 之间", code="agent.option_out_of_bounds"
            )
    options = {str(name): str(value) for name, value in found.get("options", {}).items()}
    return Config(**{**found, "options": options})


def key_problem(folder: Path) -> str:
    """What is wrong with the private key's file; "" for nothing."""
    path = folder / KEY
    try:
        mode = path.stat().st_mode & 0o777
        load_key(path)
    except FileNotFoundError:
        return f"没有密钥文件 {path}"
    except PermissionError:
        return f"无权读取密钥文件 {path}"
    except ValueError:
        return f"密钥文件 {path} 已损坏"
    return f"密钥文件 {path} 的权限是 {mode:o}，别的用户能读" if mode & 0o077 else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string
